/**
 * The processor. It runs what the bytes at the entry say, walks the entry list that stands in
 * RAM, keeps registers and the interrupt flag, and takes the other processors offline before a
 * jump. It knows no kernel: whom to start it reads from memory.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { type AnyBehaviour, type Behaviour, type Out, seal } from "../../machine/actor.ts";
import { fromHex, toHex } from "../../machine/digest.ts";
import type { Grant } from "../../machine/messages/declare.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { transferNs } from "../service_time.ts";
import { ENTER_STEPS } from "./enter.ts";
import { enter } from "./entering.ts";
import { tripleFault } from "./fault.ts";
import { contextDigest, emitContext, parseContext, resetRegisters } from "./registers.ts";
import { CONTEXT_BYTES } from "./registers.ts";
import { RELOCATE_STEPS, startRelocation } from "./relocate.ts";
import { RESTORE_STEPS, startRestore } from "./restore.ts";
import type { CpuState, JobVars } from "./state.ts";
import { finishJob, type MicroStep, readThen, textVar, writeThen } from "./steps.ts";

const contextSaved: MicroStep = ({ state, vars, out }) => {
  const digest = textVar(vars, "digest");
  out.send(textVar(vars, "by"), "cpu.context", { tag: textVar(vars, "tag"), digest });
  finishJob(state);
};

/** restore_processor_state: segment loads need a usable GDT (protocol.md C.7 P2). */
const contextRead: MicroStep = (context) => {
  const { state, vars, answer, out } = context;
  if (vars["reloadGdt"] !== true && state.registers.gdtLimit === 0) {
    return tripleFault(context, "#GP(0x18) on a segment load: the GDT has base 0 and limit 0");
  }
  state.registers = parseContext(answer.bytes);
  out.send(textVar(vars, "by"), "cpu.context", {
    tag: textVar(vars, "tag"),
    digest: contextDigest(answer.bytes),
  });
  finishJob(state);
};

const STEPS: Readonly<Record<string, MicroStep>> = {
  ...ENTER_STEPS,
  ...RELOCATE_STEPS,
  ...RESTORE_STEPS,
  "context.saved": contextSaved,
  "context.read": contextRead,
};

function proceed(
  state: CpuState,
  bytes: string,
  grants: readonly Grant[],
  out: Out,
  access: Access,
): CpuState {
  const { job } = state;
  if (job === null) return state;
  const step = STEPS[job.step];
  if (step === undefined) throw new Error(`No micro-program step '${job.step}'`);
  step({ state, vars: job.vars, answer: { bytes: fromHex(bytes), grants }, out, access });
  return state;
}

/** A micro-program begins; the processor does one thing at a time. */
function begin(state: CpuState, vars: JobVars): JobVars {
  if (state.job !== null) throw new Error(`Processor is busy with '${state.job.step}'`);
  return vars;
}

/** The configuration's `guests`: behaviours of kernels that the laboratory does not know. */
function guestsOf(config: Plain): { [version: string]: string } {
  const given: unknown = typeof config === "object" && config !== null
    ? Reflect.get(config, "guests")
    : undefined;
  const guests: { [version: string]: string } = {};
  if (typeof given !== "object" || given === null) return guests;
  for (const [version, behaviour] of Object.entries(given)) guests[version] = String(behaviour);
  return guests;
}

function start(config: Plain): CpuState {
  const field = (name: string): number =>
    typeof config === "object" && config !== null ? Number(Reflect.get(config, name)) : NaN;
  return {
    count: field("count"),
    jumpNs: field("jumpNs"),
    kernelBootNs: field("kernelBootNs"),
    compressBytesPerSecond: field("compressBytesPerSecond"),
    expandBytesPerSecond: field("expandBytesPerSecond"),
    guests: guestsOf(config),
    online: 1,
    registers: resetRegisters(),
    interrupts: false,
    running: "",
    kernel: false,
    job: null,
    pending: [],
    nextTag: 1,
  };
}

function deliverPending(state: CpuState, out: Out): void {
  if (!state.interrupts || !state.kernel) return;
  for (const interrupt of state.pending) out.send(state.running, "kernel.interrupt", interrupt);
  state.pending = [];
}

function onlineText(count: number): string {
  return count === 1 ? "0" : `0-${count - 1}`;
}

const behaviour: Behaviour<CpuState> = {
  kind: "cpu",
  role: "cpu",
  doc: "The processor: runs what the bytes at the entry say.",
  states: {
    ready: {
      handles: [
        "cpu.enter",
        "cpu.run_control_page",
        "cpu.run_restore",
        "cpu.set_online",
        "cpu.set_interrupts",
        "cpu.compute",
        "cpu.load_tables",
        "cpu.save_context",
        "cpu.restore_context",
        "cpu.halt",
        "cpu.interrupt",
      ],
      ignores: ["memory.done", "memory.data"],
    },
    busy: {
      handles: ["memory.data", "memory.done", "memory.granted", "cpu.interrupt"],
      defers: ["cpu.enter", "cpu.set_online", "cpu.set_interrupts", "cpu.compute", "cpu.halt"],
    },
  },
  start,
  label: (state) => state.job === null ? "ready" : "busy",
  on: {
    "cpu.enter": (state, { source, body }, out, access) => {
      if (source !== "firmware") out.dispose(source);
      const vars = begin(state, {});
      enter({ state, vars, out, access }, { ...body, from: source, jump: false });
      return state;
    },
    "cpu.run_control_page": (state, { source, body }, out, access) => {
      const vars = begin(state, {
        control: body.control,
        head: body.head,
        start: body.start,
        swapPage: body.swap,
        preserve: body.preserve,
        argument: body.argument,
        owner: source,
        by: source,
      });
      startRelocation({ state, vars, out, access });
      return state;
    },
    "cpu.run_restore": (state, { source, body }, out, access) => {
      const vars = begin(state, { ...body, owner: source, by: source });
      startRestore({ state, vars, out, access });
      return state;
    },
    "cpu.set_online": (state, { source, body }, out) => {
      state.online = Math.max(1, Math.min(body.count, state.count));
      out.fact("cpus", { k: source, online: onlineText(state.online) });
      out.send(source, "cpu.done", { tag: body.tag, result: 0, online: state.online });
      return state;
    },
    "cpu.set_interrupts": (state, { source, body }, out) => {
      state.interrupts = body.enabled;
      out.fact("interrupts", { k: source, enabled: body.enabled });
      out.send(source, "cpu.done", { tag: body.tag, result: 0 });
      deliverPending(state, out);
      return state;
    },
    "cpu.compute": (state, { source, body }, out) => {
      const speed = body.work === "compress"
        ? state.compressBytesPerSecond
        : state.expandBytesPerSecond;
      // Units are independent of each other, so all processors work on them.
      const after = transferNs(body.bytes, speed * state.online);
      out.send(source, "cpu.done", { tag: body.tag, result: 0 }, after);
      return state;
    },
    "cpu.load_tables": (state, { source, body }, out) => {
      state.registers = {
        ...state.registers,
        cr0: body.paging ? 0x8005_0033 : 0x11,
        cr3: body.cr3,
        cr4: 0x6f0,
        gdtBase: body.gdt,
        gdtLimit: 0xff,
        idtBase: body.idt,
        idtLimit: 0x7ff,
        taskRegister: 0x80,
        gsBase: body.gdt + 0x1000,
      };
      // What the rest of a kernel's initialisation costs is spent here, once its tables stand.
      out.send(source, "cpu.done", { tag: body.tag, result: 0 }, state.kernelBootNs);
      return state;
    },
    "cpu.save_context": (state, { source, body }, out, access) => {
      const bytes = emitContext(state.registers);
      const vars = begin(state, { by: source, tag: body.tag, digest: contextDigest(bytes) });
      writeThen({ state, vars, out, access }, body.address, toHex(bytes), "context.saved");
      return state;
    },
    "cpu.restore_context": (state, { source, body }, out, access) => {
      const vars = begin(state, { by: source, tag: body.tag, reloadGdt: body.reload_gdt });
      readThen({ state, vars, out, access }, body.address, CONTEXT_BYTES, "context.read");
      return state;
    },
    "cpu.halt": (state, { source, body }, out) => {
      out.fact("panic", { k: source, reason: body.reason });
      out.dispose(source);
      state.running = "";
      state.kernel = false;
      return state;
    },
    "cpu.interrupt": (state, { body }, out) => {
      const { line, device, wake } = body;
      state.pending.push({ line, device, ...(wake === undefined ? {} : { wake }) });
      deliverPending(state, out);
      return state;
    },
    "memory.data": (state, { body }, out, access) => proceed(state, body.bytes, [], out, access),
    "memory.done": (state, _envelope, out, access) => proceed(state, "", [], out, access),
    "memory.granted": (state, { body }, out, access) =>
      proceed(state, "", body.grants, out, access),
  },
};

/**
 * The processor's behaviour. Config: `{ count, jumpNs, kernelBootNs, compressBytesPerSecond,
 * expandBytesPerSecond, guests? }`.
 */
export const cpu: AnyBehaviour = seal(behaviour);
