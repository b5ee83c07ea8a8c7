/**
 * Physical-mode code as it runs (protocol.md B.4.6): called as a function without arguments, with
 * paging off or an identity map, devices of its caller frozen. It computes over a page of its own,
 * prints through the firmware's service, and gives control back: by a plain `ret`, which leaves SP
 * where nobody pushed anything (C.7 P1), or by calling the entry its caller left, as a peer kernel
 * does.
 *
 * What it does stands in its text in RAM, what it remembers in its data page; between two calls
 * this actor does not exist.
 *
 * @module
 */
import {
  type AnyBehaviour,
  type Behaviour,
  type Envelope,
  type Out,
  seal,
} from "../../machine/actor.ts";
import { crc32, fromHex, toHex } from "../../machine/digest.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { STAMP_BYTES } from "../../machine/formats/stamp.ts";
import {
  parsePhysicalMode,
  PHYSICAL_MODE_COUNTERS_BYTES,
  type PhysicalModeTable,
} from "./physical_mode_program.ts";

interface PhysicalModeState {
  step: "start" | "text" | "data" | "written" | "stack" | "returning";
  entry: number;
  sp: number;
  mode: string;
  table: PhysicalModeTable | null;
  /** The word it found at SP: where `ret` goes. */
  word: number;
}

function tableOf(state: PhysicalModeState): PhysicalModeTable {
  if (state.table === null) throw new Error("The text was not read yet");
  return state.table;
}

function read(state: PhysicalModeState, out: Out, address: number, length: number): void {
  out.send("memory", "memory.read", { tag: state.step, by: out.self, address, length });
}

function write(state: PhysicalModeState, out: Out, address: number, bytes: Uint8Array): void {
  const tag = state.step;
  out.send("memory", "memory.write", { tag, by: out.self, address, bytes: toHex(bytes) });
}

function numberIn(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const high = bytes.length === 8 ? view.getUint32(4, true) : 0;
  return view.getUint32(0, true) + high * 2 ** 32;
}

/** The work: counts its calls, and a checksum over the rest of its page. */
function compute(state: PhysicalModeState, page: Uint8Array, out: Out): void {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const calls = view.getUint32(0, true) + 1;
  const sum = crc32(page.subarray(PHYSICAL_MODE_COUNTERS_BYTES));
  view.setUint32(0, calls, true);
  view.setUint32(4, sum, true);
  const text = `${out.self}: call ${calls}, ${state.mode}, checksum 0x${sum.toString(16)}`;
  out.send("console", "console.write", { by: out.self, text, prompt: false });
  write(state, out, tableOf(state).data, page.subarray(0, PHYSICAL_MODE_COUNTERS_BYTES));
}

function takeData(
  state: PhysicalModeState,
  { body }: Envelope<"memory.data">,
  out: Out,
): PhysicalModeState {
  const bytes = fromHex(body.bytes);
  switch (state.step) {
    case "text":
      state.table = parsePhysicalMode(bytes.subarray(STAMP_BYTES));
      state.step = "data";
      read(state, out, state.table.data, PAGE_BYTES);
      return state;
    case "data":
      state.step = "written";
      compute(state, bytes, out);
      return state;
    default:
      state.word = numberIn(bytes);
      return giveBack(state, out);
  }
}

/** The word at SP is known: back to where it says. */
function giveBack(state: PhysicalModeState, out: Out): PhysicalModeState {
  const { returns, stack, wordBytes } = tableOf(state);
  state.step = "returning";
  if (returns === "ret") {
    const sp = state.sp + wordBytes;
    out.send("cpu", "cpu.enter", { entry: state.word, sp, word: 0, argument: 0, preserve: false });
    return state;
  }
  const own = new Uint8Array(wordBytes);
  new DataView(own.buffer).setUint32(0, state.entry, true);
  write(state, out, stack + PAGE_BYTES - wordBytes, own);
  return state;
}

function takeDone(state: PhysicalModeState, out: Out): PhysicalModeState {
  const { stack, wordBytes } = tableOf(state);
  if (state.step === "written") {
    state.step = "stack";
    read(state, out, state.sp, wordBytes);
    return state;
  }
  // Its own entry is on top of its own stack: whoever reads that word can call it again.
  out.send("cpu", "cpu.enter", {
    entry: state.word,
    sp: stack + PAGE_BYTES - wordBytes,
    word: state.entry,
    argument: 0,
    preserve: true,
  });
  return state;
}

const behaviour: Behaviour<PhysicalModeState> = {
  kind: "physical_mode",
  role: "program",
  doc: "Physical-mode code: computes, prints, gives control back.",
  states: {
    start: { handles: ["program.start"] },
    text: { handles: ["memory.data"] },
    data: { handles: ["memory.data"] },
    written: { handles: ["memory.done"] },
    stack: { handles: ["memory.data"] },
    returning: { handles: ["memory.done"] },
  },
  start: () => ({ step: "start", entry: 0, sp: 0, mode: "", table: null, word: 0 }),
  label: (state) => state.step,
  on: {
    "program.start": (state, { body }, out) => {
      Object.assign(state, { step: "text", entry: body.entry, sp: body.sp, mode: body.mode ?? "" });
      read(state, out, body.entry, PAGE_BYTES);
      return state;
    },
    "memory.data": takeData,
    "memory.done": (state, _envelope, out) => takeDone(state, out),
  },
};

/** The behaviour `physical_mode`. */
export const physicalMode: AnyBehaviour = seal(behaviour);
