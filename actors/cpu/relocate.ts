/**
 * The relocate code and the re-entry code of a control page, as micro-programs (protocol.md C.5
 * to C.7). What is exchanged is decided by the entry list that stands in RAM, what is entered by
 * the bytes at the address; nothing is remembered between a jump and the way back.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  CONTROL_DATA_OFFSET,
  type ControlData,
  emitControlData,
  parseControlData,
  REENTRY_OFFSET,
} from "../../machine/formats/control_page.ts";
import {
  IND_DONE,
  IND_INDIRECTION,
  type KimageArch,
  pairRuns,
  walkEntryList,
  wordBytes,
} from "../../machine/formats/kimage.ts";
import {
  parseKernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../machine/formats/kernel_state_header.ts";
import { formatPairRuns, PAGE_BYTES, type PairRun } from "../../machine/formats/page_runs.ts";
import { parseStamp, STAMP_BYTES, STAMP_KIND, verifyStamp } from "../../machine/formats/stamp.ts";
import { LIMITS } from "../../machine/limits.ts";
import { enter } from "./entering.ts";
import { tripleFault } from "./fault.ts";
import type { JobVars } from "./state.ts";
import {
  bytesVar,
  exchangeThen,
  finishJob,
  inMemory,
  type MicroStep,
  numberVar,
  readThen,
  type Requesting,
  type StepContext,
  textVar,
  writeThen,
} from "./steps.ts";

const encoder = new TextEncoder();
/** Longest pair text that stands in a fact's summary. */
const INLINE_MAX = 200;

/** Bits that the relocate code leaves in the control registers (C.7 step 12). */
const CR0_PG = 0x8000_0000;
const CR0_PE = 1;
const CR4_PAE = 0x20;

/** The architecture whose relocate code stands in the page: a bit of its stamp's flags. */
export const STAMP_FLAG_X86_64 = 1;
/** Whether it pushes what it calls before the return address: the cure of C.7 P1. */
const STAMP_FLAG_PUSHES_ENTRY = 2;

function archOf(flags: number): KimageArch {
  return (flags & STAMP_FLAG_X86_64) !== 0 ? "x86_64" : "i386";
}

/** A stamped program inside a page, checked against its digest. */
function programAt(page: Uint8Array, offset: number, kind: number): ReturnType<typeof parseStamp> {
  const stamp = parseStamp(page.subarray(offset, offset + STAMP_BYTES));
  if (stamp === undefined || stamp.kind !== kind) return undefined;
  const body = page.subarray(offset + STAMP_BYTES, offset + STAMP_BYTES + stamp.length);
  return body.length === stamp.length && verifyStamp(stamp, body) ? stamp : undefined;
}

function cut(runs: readonly PairRun[], most: number): PairRun[][] {
  const parts: PairRun[][] = [];
  let part: PairRun[] = [];
  let room = most;
  for (const run of runs) {
    for (let at = 0; at < run.count;) {
      const count = Math.min(run.count - at, room);
      part.push({ destination: run.destination + at, source: run.source + at, count });
      at += count;
      room -= count;
      if (room === 0) {
        parts.push(part);
        part = [];
        room = most;
      }
    }
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** The list makes no sense: what the relocate code would do with it nobody can say. */
function badList(context: StepContext, why: string): void {
  const head = numberVar(context.vars, "head").toString(16);
  tripleFault(context, `entry list at 0x${head}: ${why}`);
}

/** Reads the list's pages one after the other, each through the link at its end. */
function followList(context: StepContext, link: number): void {
  const flags = link % PAGE_BYTES;
  if ((flags & IND_INDIRECTION) === 0) return walk(context);
  const { vars } = context;
  const pfn = (link - flags) / PAGE_BYTES;
  if (vars[`page.${pfn}`] !== undefined) {
    return badList(context, `page 0x${pfn.toString(16)} comes a second time`);
  }
  vars["page"] = pfn;
  readThen(context, link - flags, PAGE_BYTES, "relocate.page");
}

const takePage: MicroStep = (context) => {
  const { vars, answer } = context;
  vars[`page.${numberVar(vars, "page")}`] = toHex(answer.bytes);
  const arch = archOf(numberVar(vars, "flags"));
  const size = wordBytes(arch);
  const view = new DataView(answer.bytes.buffer, answer.bytes.byteOffset, PAGE_BYTES);
  for (let at = 0; at < PAGE_BYTES; at += size) {
    const low = view.getUint32(at, true);
    const word = size === 4 ? low : low + view.getUint32(at + 4, true) * 2 ** 32;
    if ((word & IND_INDIRECTION) !== 0) return followList(context, word);
    if ((word & IND_DONE) !== 0) return walk(context);
  }
  walk(context);
};

/** A page of the list that was read; a list that is garbage may name others. */
function listPage(vars: JobVars, pfn: number): Uint8Array {
  const name = `page.${pfn}`;
  return vars[name] === undefined ? new Uint8Array() : bytesVar(vars, name);
}

/** All pages are here: makes the pairs and exchanges them, at most 256 at a time. */
function walk(context: StepContext): void {
  const { vars, out } = context;
  const arch = archOf(numberVar(vars, "flags"));
  const head = numberVar(vars, "head");
  let runs: PairRun[];
  try {
    runs = pairRuns(walkEntryList(arch, head, (pfn) => listPage(vars, pfn)));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return badList(context, error.message);
  }
  const frames = Math.floor(context.access.ramBytes / PAGE_BYTES);
  const beyond = runs.find(({ destination, source, count }) =>
    Math.max(destination, source) + count > frames
  );
  if (beyond !== undefined) return badList(context, `no memory for ${formatPairRuns([beyond])}`);
  const swapPage = numberVar(vars, "swapPage");
  if (swapPage % PAGE_BYTES !== 0) {
    return badList(context, `swap page at 0x${swapPage.toString(16)}`);
  }
  if (!inMemory(context, swapPage, PAGE_BYTES)) return;
  for (const name of Object.keys(vars)) if (name.startsWith("page.")) delete vars[name];
  const all = formatPairRuns(runs);
  const inline = all.length <= INLINE_MAX;
  out.fact("swap", {
    k: textVar(vars, "owner"),
    head: `0x${head.toString(16)}`,
    temporary: `0x${(swapPage / PAGE_BYTES).toString(16)}`,
    count: runs.reduce((sum, run) => sum + run.count, 0),
    walk: numberVar(vars, "walk"),
    ...(inline ? { pairs: all } : {}),
  }, inline ? undefined : encoder.encode(all));
  vars["parts"] = cut(runs, LIMITS.exchangePairs).map(formatPairRuns);
  nextPart(context);
}

function nextPart(context: StepContext): void {
  const { vars } = context;
  const parts = Array.isArray(vars["parts"]) ? vars["parts"] : [];
  const [part, ...rest] = parts;
  if (typeof part !== "string") return walked(context);
  vars["parts"] = rest;
  exchangeThen(context, part, numberVar(vars, "swapPage"), "relocate.exchanged");
}

function walked(context: StepContext): void {
  if (textVar(context.vars, "direction") === "out") departed(context);
  else returned(context);
}

/** machine_kexec: the control page at `control` runs. */
export function startRelocation(context: Requesting): void {
  readThen(context, numberVar(context.vars, "control"), PAGE_BYTES, "relocate.code");
}

/** Steps 8 to 10 of C.7: registers into the page's data, then the walk. */
const takeCode: MicroStep = (context) => {
  const { state, vars, answer } = context;
  const stamp = programAt(answer.bytes, 0, STAMP_KIND.relocate);
  if (stamp === undefined) {
    return tripleFault(
      context,
      `no relocate code at 0x${numberVar(vars, "control").toString(16)}`,
    );
  }
  vars["flags"] = stamp.flags;
  vars["direction"] = "out";
  vars["walk"] = 1;
  const arch = archOf(stamp.flags);
  const data = emitControlData(arch, {
    sp: BigInt(numberVar(vars, "control") + PAGE_BYTES - 64),
    cr0: state.registers.cr0,
    cr3: state.registers.cr3,
    cr4: state.registers.cr4,
    virtualControlPage: arch === "i386" ? BigInt(numberVar(vars, "control")) + 0xc000_0000n : 0n,
    physicalPgd: state.registers.cr3,
    physicalSwapPage: numberVar(vars, "swapPage"),
    listHead: numberVar(vars, "head"),
  });
  const at = numberVar(vars, "control") + CONTROL_DATA_OFFSET;
  writeThen(context, at, toHex(data), "relocate.saved");
};

const saved: MicroStep = (context) => followList(context, numberVar(context.vars, "head"));
const exchanged: MicroStep = (context) => nextPart(context);

/** A word of the architecture, little-endian. */
function wordOf(arch: KimageArch, value: number): Uint8Array {
  const bytes = new Uint8Array(wordBytes(arch));
  const view = new DataView(bytes.buffer);
  if (arch === "i386") view.setUint32(0, value, true);
  else view.setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** The pages are in place: the return address goes to the stack's top (C.7), then the call. */
function departed(context: StepContext): void {
  const { vars, state } = context;
  const arch = archOf(numberVar(vars, "flags"));
  const preserve = vars["preserve"] === true;
  const control = numberVar(vars, "control");
  const end = preserve ? numberVar(vars, "swapPage") + PAGE_BYTES : control + PAGE_BYTES;
  const pushes = preserve && (numberVar(vars, "flags") & STAMP_FLAG_PUSHES_ENTRY) !== 0;
  vars["sp"] = end - (pushes ? 2 : 1) * wordBytes(arch);
  vars["word"] = preserve ? control + REENTRY_OFFSET : 0;
  // Paging goes off (or to the identity map), the descriptor tables are unusable from here on.
  state.registers.cr0 = arch === "i386" ? CR0_PE : CR0_PG + CR0_PE;
  state.registers.cr4 = arch === "i386" ? 0 : CR4_PAE;
  state.registers.gdtBase = 0;
  state.registers.gdtLimit = 0;
  state.registers.idtBase = 0;
  state.registers.idtLimit = 0;
  state.registers.cr3 = 0;
  const bytes = toHex(wordOf(arch, numberVar(vars, "word")));
  const below = pushes ? toHex(wordOf(arch, numberVar(vars, "start"))) : "";
  writeThen(context, numberVar(vars, "sp"), bytes + below, "relocate.called");
}

const called: MicroStep = (context) => {
  const { vars, out, state } = context;
  const from = textVar(vars, "owner");
  out.dispose(from);
  state.running = "";
  state.kernel = false;
  enter(context, {
    entry: numberVar(vars, "start"),
    sp: numberVar(vars, "sp"),
    word: numberVar(vars, "word"),
    argument: numberVar(vars, "argument"),
    preserve: vars["preserve"] === true,
    from,
    jump: true,
  });
};

/** The bytes entered are a jump-back entry: steps 15 to 19 of C.7. */
export function startReentry(context: StepContext, flags: number, argument: number): void {
  const { vars } = context;
  vars["flags"] = flags;
  vars["stateAddress"] = argument;
  vars["direction"] = "back";
  vars["walk"] = 2;
  readThen(context, numberVar(vars, "sp"), wordBytes(archOf(flags)), "reentry.word");
}

const takeWord: MicroStep = (context) => {
  const { vars, answer } = context;
  const view = new DataView(answer.bytes.buffer, answer.bytes.byteOffset, answer.bytes.length);
  const high = answer.bytes.length === 8 ? view.getUint32(4, true) : 0;
  vars["peer"] = view.getUint32(0, true) + high * 2 ** 32;
  const page = numberVar(vars, "entry") - REENTRY_OFFSET;
  readThen(context, page, PAGE_BYTES, "reentry.page");
};

const takeControl: MicroStep = (context) => {
  const { vars, answer } = context;
  let data: ControlData;
  try {
    data = parseControlData(archOf(numberVar(vars, "flags")), answer.bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return tripleFault(context, error.message);
  }
  vars["head"] = data.listHead;
  vars["swapPage"] = data.physicalSwapPage;
  vars["cr0"] = data.cr0;
  vars["cr3"] = data.cr3;
  vars["cr4"] = data.cr4;
  readThen(context, numberVar(vars, "stateAddress"), STATE_HEADER_BYTES, "reentry.header");
};

/**
 * Whose pages these are. The header may itself lie in a swapped page, but kernels here keep their
 * state outside the window, so it can be read before the walk; it is read again after it.
 */
const takeOwner: MicroStep = (context) => {
  const { vars, answer } = context;
  try {
    const header = parseKernelStateHeader(answer.bytes);
    vars["owner"] = header.name;
    vars["by"] = header.name;
    vars["memMap"] = header.memMap;
    vars["frames"] = header.frames;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const at = numberVar(vars, "stateAddress").toString(16);
    return tripleFault(context, `kernel state at 0x${at}: ${error.message}`);
  }
  followList(context, numberVar(vars, "head"));
};

function returned(context: StepContext): void {
  const { state, vars, out } = context;
  const name = textVar(vars, "owner");
  const hex = (field: string): string => `0x${numberVar(vars, field).toString(16)}`;
  state.registers.cr0 = numberVar(vars, "cr0");
  state.registers.cr3 = numberVar(vars, "cr3");
  state.registers.cr4 = numberVar(vars, "cr4");
  out.fact("jump", {
    from: textVar(vars, "from"),
    to: name,
    entry: hex("entry"),
    preserve: vars["preserve"] === true,
    sp: hex("sp"),
    word: hex("peer"),
  });
  out.fact("resumed", {
    k: name,
    peer: hex("peer"),
    mem_map: hex("memMap"),
    frames: numberVar(vars, "frames"),
  });
  out.spawn(name, "kernel", { name, resuming: true });
  state.running = name;
  state.kernel = true;
  state.interrupts = false;
  out.send(name, "program.resume", {
    entry: numberVar(vars, "entry"),
    peer: numberVar(vars, "peer"),
    state: numberVar(vars, "stateAddress"),
    gdt: state.registers.gdtLimit !== 0,
  }, state.jumpNs);
  finishJob(state);
}

/** Steps by name. */
export const RELOCATE_STEPS: Readonly<Record<string, MicroStep>> = {
  "relocate.code": takeCode,
  "relocate.saved": saved,
  "relocate.page": takePage,
  "relocate.exchanged": exchanged,
  "relocate.called": called,
  "reentry.word": takeWord,
  "reentry.page": takeControl,
  "reentry.header": takeOwner,
};
