/**
 * restore_image and restore_registers, as micro-programs (protocol.md B.5.8, B.5.9): the code that
 * puts a hibernation image in place over the kernel that read it, and the code of the image kernel
 * that it jumps to. What is copied is decided by the list that stands in RAM, where control goes
 * by the temporary page tables and the bytes behind them. No stack is used and nothing of the boot
 * kernel's but what is on the lists, for the copy may overwrite all else.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  parseKernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../machine/formats/kernel_state_header.ts";
import {
  countPages,
  formatPairRuns,
  formatRuns,
  mergeRuns,
  PAGE_BYTES,
  type PageRun,
  type PairRun,
} from "../../machine/formats/page_runs.ts";
import {
  parseRestoreAddresses,
  readBackups,
  readTableEntry,
  RESTORE_ADDRESSES_BYTES,
  RESTORE_IN_PLACE,
  tableIndex,
} from "../../machine/formats/restore_tables.ts";
import { parseStamp, STAMP_BYTES, STAMP_KIND, verifyStamp } from "../../machine/formats/stamp.ts";
import { LIMITS } from "../../machine/limits.ts";
import { list, natural, record, type Shape } from "../../machine/messages/shape.ts";
import { readAs } from "../kernel/values.ts";
import { tripleFault } from "./fault.ts";
import {
  copyThen,
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
const PAIRS: Shape<readonly PairRun[]> = list(
  record({ destination: natural, source: natural, count: natural }),
);

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function sayTables(context: StepContext, which: "boot" | "temporary" | "image", root: number) {
  const k = textVar(context.vars, which === "image" ? "owner" : "from");
  context.out.fact("page_tables", { k, which, root: hex(root) });
}

/** swsusp_arch_resume's last jump. */
export function startRestore(context: Requesting): void {
  context.vars["from"] = context.vars["owner"] ?? "";
  readThen(context, numberVar(context.vars, "code"), PAGE_BYTES, "restore.code");
}

/** A stamped program at the start of a page, checked against its digest. */
function stampedProgram(page: Uint8Array, kind: number): ReturnType<typeof parseStamp> {
  const stamp = parseStamp(page);
  if (stamp?.kind !== kind || STAMP_BYTES + stamp.length > page.length) return undefined;
  const body = page.subarray(STAMP_BYTES, STAMP_BYTES + stamp.length);
  return verifyStamp(stamp, body) ? stamp : undefined;
}

const takeCode: MicroStep = (context) => {
  const { state, vars, answer, out } = context;
  const stamp = stampedProgram(answer.bytes, STAMP_KIND.restoreImage);
  if (stamp === undefined) {
    return tripleFault(context, `no restore code at ${hex(numberVar(vars, "code"))}`);
  }
  vars["inPlace"] = (stamp.flags & RESTORE_IN_PLACE) !== 0;
  vars["pairs"] = [];
  vars["skipped"] = -1;
  sayTables(context, "boot", state.registers.cr3);
  state.registers.cr3 = numberVar(vars, "tables");
  sayTables(context, "temporary", state.registers.cr3);
  // From here on the boot kernel's memory is being overwritten: it does nothing more.
  out.dispose(textVar(vars, "from"));
  state.running = "";
  state.kernel = false;
  followList(context, numberVar(vars, "list"));
};

function followList(context: StepContext, address: number): void {
  if (address === 0) return copyPages(context);
  context.vars["at"] = address;
  readThen(context, address - (address % PAGE_BYTES), PAGE_BYTES, "restore.list");
}

/** Adds pairs to those before, in order; what goes on where the last one ended becomes longer. */
function withPair(pairs: PairRun[], destination: number, source: number): void {
  const last = pairs.at(-1);
  const goesOn = last !== undefined && last.destination + last.count === destination &&
    last.source + last.count === source;
  if (goesOn) pairs[pairs.length - 1] = { ...last, count: last.count + 1 };
  else pairs.push({ destination, source, count: 1 });
}

const takeList: MicroStep = (context) => {
  const { vars, answer } = context;
  const at = numberVar(vars, "at");
  const pageAddress = at - (at % PAGE_BYTES);
  const pairs = [...readAs(PAIRS, vars["pairs"])];
  const own = vars["inPlace"] === true ? numberVar(vars, "code") : -1;
  try {
    const { backups, next } = readBackups(answer.bytes, pageAddress, at);
    for (const { address, original } of backups) {
      // Its own page the code leaves to restore_registers: R10 := address, R9 is the page.
      if (original === own) vars["skipped"] = address;
      else withPair(pairs, original / PAGE_BYTES, address / PAGE_BYTES);
    }
    const entries = pairs.reduce((sum, { count }) => sum + count, 0);
    if (entries > context.access.ramBytes / PAGE_BYTES) {
      return tripleFault(context, `page list at ${hex(at)} has no end`);
    }
    vars["pairs"] = pairs.map((pair) => ({ ...pair }));
    followList(context, next);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    tripleFault(context, `page list at ${hex(at)}: ${error.message}`);
  }
};

/** All of the list is here: copies it, at most so many runs at a time. */
function copyPages(context: StepContext): void {
  const { vars } = context;
  const pairs = readAs(PAIRS, vars["pairs"]);
  const frames = Math.floor(context.access.ramBytes / PAGE_BYTES);
  const beyond = pairs.find(({ destination, source, count }) =>
    Math.max(destination, source) + count > frames
  );
  if (beyond !== undefined) {
    return tripleFault(context, `no memory for ${formatPairRuns([beyond])}`);
  }
  const from = typeof vars["copied"] === "number" ? vars["copied"] : 0;
  if (from >= pairs.length) return translate(context, 0, numberVar(vars, "tables"));
  vars["copied"] = from + LIMITS.exchangePairs;
  const part = pairs.slice(from, from + LIMITS.exchangePairs);
  copyThen(context, formatPairRuns(part), "restore.copied");
}

/** The jump: its virtual address goes through the tables, one level at a time. */
function translate(context: StepContext, level: number, table: number): void {
  const { vars } = context;
  vars["level"] = level;
  const index = tableIndex(BigInt(textVar(vars, "jump")), level);
  readThen(context, table + index * 8, 8, "restore.entry");
}

const takeEntry: MicroStep = (context) => {
  const { vars, answer } = context;
  const jump = textVar(vars, "jump");
  const entry = readTableEntry(answer.bytes, numberVar(vars, "level"), BigInt(jump));
  if (entry.kind === "table") {
    return translate(context, numberVar(vars, "level") + 1, entry.address);
  }
  if (entry.kind === "absent") {
    return tripleFault(
      context,
      `#PF at ${jump}: not mapped by the page tables at ${hex(numberVar(vars, "tables"))}`,
    );
  }
  vars["entry"] = entry.address;
  if (!inMemory(context, entry.address, STAMP_BYTES + RESTORE_ADDRESSES_BYTES)) return;
  readThen(context, entry.address, STAMP_BYTES + RESTORE_ADDRESSES_BYTES, "restore.entered");
};

/** restore_registers of the image kernel runs; the page that was skipped comes last. */
const takeRegisters: MicroStep = (context) => {
  const { vars, answer } = context;
  const stamp = stampedProgram(answer.bytes, STAMP_KIND.restoreRegisters);
  if (stamp === undefined) {
    return tripleFault(context, `#UD at ${hex(numberVar(vars, "entry"))}: no restore_registers`);
  }
  const addresses = parseRestoreAddresses(answer.bytes.subarray(STAMP_BYTES));
  vars["stateAddress"] = stamp.argument;
  vars["inSuspend"] = addresses.inSuspend;
  if (numberVar(vars, "root") === 0) vars["root"] = addresses.root;
  const skipped = numberVar(vars, "skipped");
  if (skipped < 0) return clearFlag(context);
  const pair = { destination: numberVar(vars, "code") / PAGE_BYTES, source: skipped / PAGE_BYTES };
  const before = readAs(PAIRS, vars["pairs"]).map((one) => ({ ...one }));
  vars["pairs"] = [...before, { ...pair, count: 1 }];
  copyThen(context, formatPairRuns([{ ...pair, count: 1 }]), "restore.last");
};

/** in_suspend := 0, in a page that came with no image. */
function clearFlag(context: StepContext): void {
  sayCopy(context);
  context.state.registers.cr3 = numberVar(context.vars, "root");
  const zero = toHex(new Uint8Array(8));
  writeThen(context, numberVar(context.vars, "inSuspend"), zero, "restore.cleared");
}

function sayCopy(context: StepContext): void {
  const { vars, out } = context;
  const pairs = readAs(PAIRS, vars["pairs"]);
  const written: PageRun[] = pairs.map(({ destination, count }) => ({ pfn: destination, count }));
  const last = written.at(-1);
  const text = formatRuns(mergeRuns(written));
  const fields = {
    k: textVar(vars, "from"),
    code: hex(numberVar(vars, "code") / PAGE_BYTES),
    count: countPages(written),
    last: hex(last === undefined ? 0 : last.pfn + last.count - 1),
    stack: false,
  };
  if (text.length <= LIMITS.summaryInlineBytes) out.fact("final_copy", { ...fields, runs: text });
  else out.fact("final_copy", fields, encoder.encode(text));
}

const cleared: MicroStep = (context) => {
  readThen(context, numberVar(context.vars, "stateAddress"), STATE_HEADER_BYTES, "restore.header");
};

/** Whose registers these are: the kernel reads itself back from its pages. */
const takeOwner: MicroStep = (context) => {
  const { state, vars, answer, out } = context;
  try {
    const { name, memMap, frames } = parseKernelStateHeader(answer.bytes);
    vars["owner"] = name;
    sayTables(context, "image", state.registers.cr3);
    out.fact("jump", {
      from: textVar(vars, "from"),
      to: name,
      entry: textVar(vars, "jump"),
      preserve: false,
      sp: "0x0",
      word: "0x0",
    });
    out.fact("resumed", { k: name, peer: "0x0", mem_map: hex(memMap), frames });
    out.spawn(name, "kernel", { name, resuming: true });
    state.running = name;
    state.kernel = true;
    state.interrupts = false;
    out.send(name, "program.resume", {
      entry: numberVar(vars, "entry"),
      peer: 0,
      state: numberVar(vars, "stateAddress"),
      gdt: state.registers.gdtLimit !== 0,
    }, state.jumpNs);
    finishJob(state);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const at = hex(numberVar(vars, "stateAddress"));
    tripleFault(context, `kernel state at ${at}: ${error.message}`);
  }
};

/** Steps by name. */
export const RESTORE_STEPS: Readonly<Record<string, MicroStep>> = {
  "restore.code": takeCode,
  "restore.list": takeList,
  "restore.copied": copyPages,
  "restore.entry": takeEntry,
  "restore.entered": takeRegisters,
  "restore.last": clearFlag,
  "restore.cleared": cleared,
  "restore.header": takeOwner,
};
