/**
 * A toy machine for the engine's tests: a person, firmware, a memory controller, a disk, a
 * console and two kernels that move data between RAM and disk, defer, ignore, set timers and say
 * facts. Small, but every law of the engine is exercised by it.
 *
 * @module
 */
import {
  type AnyBehaviour,
  type Behaviour,
  type Handlers,
  type Registry,
  registryOf,
  seal,
} from "../../machine/actor.ts";
import { type CacheState, EMPTY_CACHE, SECTOR_BYTES } from "../../machine/block_store.ts";
import { crc32Hex, fromHex, toHex } from "../../machine/digest.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { KERNEL } from "./toy_kernel.ts";

interface PersonState {
  cycles: number;
}

/** A field of a configuration that is a number. */
export function numberOf(config: Plain, name: string): number {
  const value: unknown = typeof config === "object" && config !== null
    ? Reflect.get(config, name)
    : undefined;
  return typeof value === "number" ? value : 0;
}

/**
 * Switches the power on `cycles` times, and again after each power cut; told to `finish` it does,
 * told anything else it thinks about it for a while.
 */
const PERSON: AnyBehaviour = seal<PersonState>({
  kind: "toy_person",
  role: "operator",
  doc: "Presses the power button.",
  states: { there: { handles: ["machine.power"], ignores: ["console.shown"] } },
  start(config, out) {
    out.timer("press", 50);
    return { cycles: numberOf(config, "cycles") };
  },
  label: () => "there",
  signal(state, signal, out) {
    if (signal.kind === "power_cut") out.timer("press", 5000);
    else if (signal.kind === "input") {
      if (signal.text === "finish") out.finish("told to");
      else out.timer(signal.text, 700);
    } else if (signal.kind === "timer" && signal.name === "press") out.power("on");
    return state;
  },
  on: {
    "machine.power": (state, { body }, out) => {
      if (body.op !== "off") return state;
      if (state.cycles <= 1) out.finish("done");
      else out.timer("press", 1000);
      return { cycles: state.cycles - 1 };
    },
  },
});

const FIRMWARE: AnyBehaviour = seal<{ writes: number }>({
  kind: "toy_firmware",
  role: "firmware",
  doc: "Switches the power off.",
  states: { on: { handles: ["acpi.write"] } },
  start(_, out) {
    out.fact("power", { op: "on" });
    out.send("person", "machine.power", { op: "on", state: "S0" });
    return { writes: 0 };
  },
  label: () => "on",
  on: {
    "acpi.write": (state, _, out) => {
      out.fact("power", { op: "off" });
      out.send("person", "machine.power", { op: "off", state: "S5" });
      out.power("off");
      return { writes: state.writes + 1 };
    },
  },
});

const MEMORY: AnyBehaviour = seal<{ served: number }>({
  kind: "toy_memory",
  role: "memory",
  doc: "Owns RAM.",
  owns: "ram",
  states: {
    on: { handles: ["memory.acquire", "memory.release", "memory.read", "memory.write"] },
  },
  start: () => ({ served: 0 }),
  label: () => "on",
  on: {
    "memory.acquire": (state, { body, source }, out) => {
      const grants = body.ranges.map((range) => out.grant(range.start, range.length, body.write));
      out.send(source, "memory.granted", { tag: body.tag, grants }, 30);
      return { served: state.served + 1 };
    },
    "memory.release": (state) => state,
    "memory.read": (state, { body, source }, out, access) => {
      const bytes = toHex(access.read(body.address, body.length));
      out.send(source, "memory.data", { tag: body.tag, bytes }, 10);
      return { served: state.served + 1 };
    },
    "memory.write": (state, { body, source }, out, access) => {
      access.write(body.address, fromHex(body.bytes));
      out.send(source, "memory.done", { tag: body.tag }, 10);
      return { served: state.served + 1 };
    },
  },
});

interface DiskState {
  cache: CacheState;
}

const diskHandlers: Handlers<DiskState> = {
  "disk.read": (state, { body, source }, out, access) => {
    let sector = body.sector;
    for (const grant of body.grants) {
      access.blocks.read(state.cache, sector, access.writable(grant.start, grant.length));
      sector += grant.length / SECTOR_BYTES;
    }
    out.send(source, "disk.done", { tag: body.tag, result: 0, grants: body.grants }, 200);
    return state;
  },
  "disk.write": (state, { body, source }, out, access) => {
    let { cache } = state;
    let sector = body.sector;
    for (const grant of body.grants) {
      cache = access.blocks.write(cache, sector, access.read(grant.start, grant.length));
      sector += grant.length / SECTOR_BYTES;
    }
    out.send(source, "disk.done", { tag: body.tag, result: 0, grants: body.grants }, 300);
    return { cache };
  },
  "disk.flush": (state, { body, source }, out, access) => {
    const cache = access.blocks.flush(state.cache);
    out.send(source, "disk.done", { tag: body.tag, result: 0, grants: [] }, 900);
    return { cache };
  },
};

/** The disk is told apart by whether its cache is empty, so that its label changes often. */
const DISK: AnyBehaviour = seal<DiskState>({
  kind: "toy_disk",
  role: "disk",
  doc: "Owns the blocks.",
  owns: "blocks",
  states: {
    clean: { handles: ["disk.read", "disk.write", "disk.flush"] },
    dirty: { handles: ["disk.read", "disk.write", "disk.flush"] },
  },
  start: () => ({ cache: EMPTY_CACHE }),
  label: (state) => state.cache.pending.length === 0 ? "clean" : "dirty",
  signal(state, signal, _, access) {
    if (signal.kind !== "power_cut") return state;
    access.blocks.powerCut(state.cache, signal.survivors, signal.torn);
    return { cache: EMPTY_CACHE };
  },
  on: diskHandlers,
});

/** Shows what is written, and fires timers together with a line that nobody wants. */
const CONSOLE: AnyBehaviour = seal<{ shown: string }>({
  kind: "toy_console",
  role: "device",
  doc: "Shows text.",
  states: { on: { handles: ["console.write", "timer.arm"] } },
  start: () => ({ shown: "" }),
  label: () => "on",
  on: {
    "console.write": (state, { body }, out) => {
      out.send("person", "console.shown", { ...body });
      const all = new TextEncoder().encode(state.shown + body.text);
      return { shown: crc32Hex(all) };
    },
    "timer.arm": (state, { body, source }, out) => {
      out.send(source, "console.line", { line: "é — nobody reads this" }, body.delay_ns);
      out.send(source, "timer.fired", { tag: body.tag }, body.delay_ns);
      return state;
    },
  },
});

/** All toys. */
export const TOYS: readonly AnyBehaviour[] = [
  PERSON,
  FIRMWARE,
  MEMORY,
  DISK,
  CONSOLE,
  seal(KERNEL),
];

/** The toys' registry, with more behaviours if wanted. */
export function toyRegistry(...more: readonly AnyBehaviour[]): Registry {
  return registryOf([...TOYS, ...more]);
}

/** One behaviour, sealed. */
export function toy<S>(behaviour: Behaviour<S>): AnyBehaviour {
  return seal(behaviour);
}
