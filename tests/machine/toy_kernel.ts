/**
 * The kernel of the toy machine: rounds of acquire, scribble, write to disk, read back, flush,
 * with a generator of its own in its state.
 *
 * @module
 */
import type { Behaviour, Out } from "../../machine/actor.ts";
import { crc32Hex } from "../../machine/digest.ts";
import type { Grant } from "../../machine/messages/declare.ts";
import type { MessageType } from "../../machine/messages/vocabulary.ts";
import type { Plain } from "../../machine/messages/shape.ts";

/** State of a toy kernel: plain data. */
export interface KernelState {
  phase: "asking" | "writing" | "reading" | "flushing" | "done";
  readonly seed: number;
  words: number;
  rounds: number;
  readonly base: number;
  readonly last: boolean;
  tag: number;
  ticks: number;
}

const PAGE = 4096;
const always: readonly MessageType[] = ["console.line"];
const late: readonly MessageType[] = ["timer.fired"];

function draw(state: KernelState, bound: number): number {
  state.words = (Math.imul(state.words, 1664525) + 1013904223) >>> 0;
  return Math.floor((state.words / 0x1_0000_0000) * bound);
}

function ask(state: KernelState, out: Out): KernelState {
  state.phase = "asking";
  state.tag++;
  const count = 1 + draw(state, 3);
  const ranges = Array.from({ length: count }, (_, index) => ({
    start: state.base + (index * 4 + draw(state, 4)) * PAGE,
    length: PAGE,
  }));
  const tag = String(state.tag);
  out.send("memory", "memory.acquire", { tag, by: out.self, ranges, write: true }, draw(state, 40));
  if (draw(state, 3) === 0) out.send("console", "timer.arm", { tag, delay_ns: draw(state, 500) });
  out.timer("again", 20_000);
  return state;
}

function nextRound(state: KernelState, out: Out): KernelState {
  state.rounds--;
  if (state.rounds > 0) return ask(state, out);
  state.phase = "done";
  out.send("console", "console.write", { by: out.self, text: `${state.words}\n`, prompt: false });
  if (state.last) {
    out.send("firmware", "acpi.write", { tag: "off", by: out.self, port: 4, value: 1 }, 2_000);
  }
  return state;
}

function field(config: Plain, name: string): number {
  const value: unknown = typeof config === "object" && config !== null
    ? Reflect.get(config, name)
    : undefined;
  return typeof value === "number" ? value : 0;
}

function sectorOf(state: KernelState): number {
  return (state.base / PAGE) * 8 + (state.tag % 4) * 32;
}

function transfer(state: KernelState, out: Out, grants: readonly Grant[]) {
  return {
    tag: String(state.tag),
    by: out.self,
    sector: sectorOf(state),
    count: grants.length * 8,
    grants,
  };
}

/** See the module's header. */
export const KERNEL: Behaviour<KernelState> = {
  kind: "toy_kernel",
  role: "kernel",
  doc: "Moves data between RAM and disk.",
  states: {
    asking: { handles: ["memory.granted", "timer.fired"], ignores: [...always, "disk.done"] },
    writing: { handles: ["disk.done"], defers: late, ignores: [...always, "memory.granted"] },
    reading: { handles: ["disk.done"], defers: late, ignores: [...always, "memory.granted"] },
    flushing: { handles: ["disk.done"], defers: late, ignores: [...always, "memory.granted"] },
    done: { handles: ["timer.fired"], ignores: [...always, "disk.done", "memory.granted"] },
  },
  start(config, out) {
    const seed = field(config, "seed");
    return ask({
      phase: "asking",
      seed,
      words: seed,
      rounds: field(config, "rounds"),
      base: field(config, "base"),
      last: field(config, "last") === 1,
      tag: 0,
      ticks: 0,
    }, out);
  },
  label: (state) => state.phase,
  signal(state, signal, out) {
    if (signal.kind !== "timer" || state.phase === "done") return state;
    // Something got lost: a fresh round.
    return ask(state, out);
  },
  on: {
    "timer.fired": (state, { body }, out) => {
      state.ticks += Number(body.tag);
      out.send("console", "console.write", { by: out.self, text: "tick", prompt: false });
      return state;
    },
    "memory.granted": (state, { body }, out, access) => {
      if (body.tag !== String(state.tag)) {
        out.send("memory", "memory.release", { grants: body.grants });
        return state;
      }
      for (const grant of body.grants) {
        access.writable(grant.start, grant.length).fill(draw(state, 256), draw(state, 2048));
      }
      state.phase = "writing";
      out.send("disk", "disk.write", transfer(state, out, body.grants));
      return state;
    },
    "disk.done": (state, { body }, out, access) => {
      if (body.tag !== String(state.tag)) {
        if (body.grants.length > 0) out.send("memory", "memory.release", { grants: body.grants });
        return state;
      }
      if (state.phase === "writing") {
        state.phase = "reading";
        out.send("disk", "disk.read", transfer(state, out, body.grants));
        return state;
      }
      if (state.phase === "flushing") return nextRound(state, out);
      const first = body.grants[0];
      const bytes = first === undefined ? new Uint8Array() : access.read(first.start, first.length);
      out.fact("image_start", { k: out.self, start: `0x${crc32Hex(bytes)}` }, bytes.slice(0, 300));
      out.send("memory", "memory.release", { grants: body.grants });
      if (draw(state, 2) === 0) {
        state.phase = "flushing";
        out.send("disk", "disk.flush", { tag: String(state.tag), by: out.self });
        return state;
      }
      return nextRound(state, out);
    },
  },
};
