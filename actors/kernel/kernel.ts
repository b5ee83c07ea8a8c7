/**
 * A kernel as an actor. It is started because the processor found its text (or its jump-back
 * entry) in RAM; it ends when it leaves the processor. What it is between two messages is plain
 * data, what it is over a jump stands in its own pages.
 *
 * @module
 */
import { cutRanges } from "../../machine/grant_ranges.ts";
import type { Access } from "../../machine/access.ts";
import {
  type AnyBehaviour,
  type Behaviour,
  type Envelope,
  type Out,
  seal,
} from "../../machine/actor.ts";
import { crc32 } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  type KernelStateHeader,
  parseKernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../machine/formats/kernel_state_header.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { MessageType } from "../../machine/messages/vocabulary.ts";
import { Interpreter, type ProcedureTable } from "./interpreter.ts";
import { profileOfVersion } from "./profiles.ts";
import { blankState, type KernelState } from "./state.ts";
import { decodeState } from "./state_pages.ts";
import { bytesOf } from "./values.ts";

/** The actor's state: the kernel's, and while it reads itself back, how far it is. */
interface KernelActor {
  kernel: KernelState;
  waking: {
    readonly address: number;
    readonly peer: number;
    header: KernelStateHeader | null;
  } | null;
}

const REPLIES = [
  "memory.granted",
  "memory.data",
  "memory.done",
  "disk.identity",
  "disk.done",
  "cpu.context",
  "cpu.done",
  "acpi.value",
  "acpi.done",
  "device.done",
  "timer.fired",
  "rtc.time",
] as const satisfies readonly MessageType[];

function panic(state: KernelActor, out: Out, reason: string): KernelActor {
  const line = `Kernel panic - not syncing: ${reason}`;
  state.kernel.label = "halted";
  out.send("console", "console.write", { by: state.kernel.name, text: line, prompt: false });
  out.send("cpu", "cpu.halt", { reason });
  return state;
}

function wakeHeader(
  state: KernelActor,
  waking: NonNullable<KernelActor["waking"]>,
  envelope: Envelope<"memory.data">,
  out: Out,
): KernelActor {
  try {
    const header = parseKernelStateHeader(bytesOf(envelope.body));
    waking.header = header;
    out.send("memory", "memory.acquire", {
      tag: "wake",
      by: state.kernel.name,
      ranges: cutRanges([
        { start: waking.address, length: STATE_HEADER_BYTES + header.length },
      ]),
      write: false,
    });
    return state;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return panic(state, out, `state pages at 0x${waking.address.toString(16)}: ${error.message}`);
  }
}

function wakeState(
  state: KernelActor,
  waking: NonNullable<KernelActor["waking"]>,
  envelope: Envelope<"memory.granted">,
  out: Out,
  access: Access,
  procedures: ProcedureTable,
): KernelActor {
  const { header } = waking;
  if (header === null) return panic(state, out, "state pages came before their header");
  const bytes = new Uint8Array(STATE_HEADER_BYTES + header.length);
  for (const grant of envelope.body.grants) {
    bytes.set(access.read(grant.start, grant.length), grant.start - waking.address);
  }
  out.send("memory", "memory.release", { grants: envelope.body.grants });
  const text = bytes.subarray(STATE_HEADER_BYTES);
  const decoded = decodeState(waking.address, header, text);
  out.fact("selftest", {
    k: state.kernel.name,
    what: "state",
    name: `0x${waking.address.toString(16)}`,
    expected: header.crc.toString(16),
    actual: crc32(text).toString(16),
  });
  if (decoded.kind === "damaged") return panic(state, out, decoded.reason);
  const { peer } = waking;
  state.waking = null;
  state.kernel = decoded.state;
  new Interpreter(procedures, state.kernel, out).comeBack({ peer }, access);
  return state;
}

function firstInstruction(
  state: KernelActor,
  { body }: Envelope<"program.start">,
  out: Out,
  access: Access,
  procedures: ProcedureTable,
): KernelActor {
  const { kernel } = state;
  kernel.label = "booting";
  kernel.clock = { at: out.now, monotonic: 0 };
  kernel.processes.push({
    pid: 1,
    name: "init",
    kind: "kernel",
    parent: 1,
    frames: [{
      procedure: "start_kernel",
      step: 0,
      vars: { entry: body.entry, argument: body.argument },
      done: [],
    }],
    wait: { kind: "ready" },
    frozen: false,
    sleeping: false,
    memory: [],
    status: 0,
  });
  kernel.nextPid = 2;
  new Interpreter(procedures, kernel, out).settle(access);
  return state;
}

/** Control is back behind the jump: the state is read out of the pages it was left in. */
function wake(
  state: KernelActor,
  { body }: Envelope<"program.resume">,
  out: Out,
): KernelActor {
  state.waking = { address: body.state, peer: body.peer, header: null };
  out.send("memory", "memory.read", {
    tag: "wake",
    by: state.kernel.name,
    address: body.state,
    length: STATE_HEADER_BYTES,
  });
  return state;
}

function reply(
  state: KernelActor,
  envelope: Envelope,
  out: Out,
  access: Access,
  procedures: ProcedureTable,
): KernelActor {
  new Interpreter(procedures, state.kernel, out).answer(envelope, access);
  return state;
}

function begin(config: Plain): KernelActor {
  const field = (name: string): unknown =>
    typeof config === "object" && config !== null ? Reflect.get(config, name) : undefined;
  const version = Number(field("version"));
  // A kernel that comes back has its profile in its pages; the processor starts no unknown one.
  const profile = profileOfVersion(version)?.name ?? "";
  return { kernel: blankState(String(field("name")), profile), waking: null };
}

function label(state: KernelActor): string {
  return state.waking === null ? state.kernel.label : "resuming";
}

/** The behaviour of kernels that know the given procedures. */
export function kernelBehaviour(procedures: ProcedureTable): AnyBehaviour {
  const working = {
    handles: [...REPLIES, "console.line", "console.request", "kernel.interrupt"],
  } as const;
  const behaviour: Behaviour<KernelActor> = {
    kind: "kernel",
    role: "kernel",
    doc: "A kernel: procedures over RAM.",
    states: {
      loaded: { handles: ["program.start", "program.resume"] },
      booting: working,
      running: working,
      resuming: { handles: ["memory.data", "memory.granted"], ignores: ["kernel.interrupt"] },
      leaving: {
        handles: [],
        ignores: ["kernel.interrupt", "console.line", "console.request", "timer.fired"],
      },
      halted: {
        handles: [],
        ignores: [...REPLIES, "console.line", "console.request", "kernel.interrupt"],
      },
    },
    start: begin,
    label,
    on: {
      "program.start": (state, envelope, out, access) =>
        firstInstruction(state, envelope, out, access, procedures),
      "program.resume": wake,
      "memory.data": (state, envelope, out, access) =>
        state.waking === null
          ? reply(state, envelope, out, access, procedures)
          : wakeHeader(state, state.waking, envelope, out),
      "memory.granted": (state, envelope, out, access) =>
        state.waking === null
          ? reply(state, envelope, out, access, procedures)
          : wakeState(state, state.waking, envelope, out, access, procedures),
      "console.line": (state, { body }, out, access) => {
        state.kernel.typed.push(body.line);
        new Interpreter(procedures, state.kernel, out).settle(access);
        return state;
      },
      "console.request": (state, { body }, out, access) => {
        state.kernel.typed.push({ id: body.id, call: body.call });
        new Interpreter(procedures, state.kernel, out).settle(access);
        return state;
      },
      "kernel.interrupt": (state, { body }, out) => {
        const { kernel } = state;
        // With device interrupts suspended a wake-up event is counted and no handler runs.
        const masked = kernel.drivers.some(({ phase }) => phase.endsWith("_noirq"));
        if (body.wake === true) kernel.wakeupPending++;
        if (body.wake !== true || !masked) {
          out.fact("irq", { k: kernel.name, device: body.device });
        }
        return state;
      },
      ...Object.fromEntries(
        REPLIES.filter((type) => type !== "memory.data" && type !== "memory.granted").map((
          type,
        ) => [
          type,
          (state: KernelActor, envelope: Envelope, out: Out, access: Access) =>
            reply(state, envelope, out, access, procedures),
        ]),
      ),
    },
  };
  return seal(behaviour);
}
