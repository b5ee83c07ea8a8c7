/**
 * Purgatory (protocol.md B.4.3 step 5): runs between the relocate code and the new kernel. It
 * takes the word at the top of the stack for the jump-back entry, checks the SHA-256 of the
 * segments (and loops for ever when it differs), appends the entry to the command line if it is
 * not zero, and enters the kernel. The purgatory of a kernel in a reserved region copies low memory
 * to its backup instead (B.1.1 step 5): such a kernel is told of no jump-back entry.
 *
 * What it needs to know stands in its own body in RAM, put there by the kexec tool.
 *
 * @module
 */
import { type AnyBehaviour, type Behaviour, seal } from "../../machine/actor.ts";
import type { Access } from "../../machine/access.ts";
import type { Envelope, Out } from "../../machine/actor.ts";
import { fromHex, Sha256, toHex } from "../../machine/digest.ts";
import { COMMAND_LINE_BYTES } from "../../machine/formats/boot_params.ts";
import {
  parsePurgatory,
  type PurgatoryBackup,
  type PurgatoryTable,
} from "../../machine/formats/purgatory_table.ts";
import { cutRanges } from "../../machine/grant_ranges.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { STAMP_BYTES } from "../../machine/formats/stamp.ts";

interface PurgatoryState {
  step: "start" | "table" | "digest" | "backup" | "command_line" | "written" | "looping";
  word: number;
  entry: number;
  /** What stands in the body, once it was read. */
  table: PurgatoryTable | null;
}

function tableOf(state: PurgatoryState): PurgatoryTable {
  if (state.table === null) throw new Error("Purgatory's table was not read yet");
  return state.table;
}

function enterKernel(state: PurgatoryState, out: Out): PurgatoryState {
  const table = tableOf(state);
  out.send("cpu", "cpu.enter", {
    entry: table.kernelEntry,
    sp: state.entry,
    word: 0,
    argument: table.bootParams,
    preserve: false,
  });
  return state;
}

/** An address as purgatory prints it: 16 digits on 64 bits, as few as it needs on 32. */
function entryText(entry: number, wordBytes: number): string {
  return `0x${entry.toString(16).padStart(wordBytes === 8 ? 16 : 0, "0")}`;
}

function takeData(
  state: PurgatoryState,
  { body }: Envelope<"memory.data">,
  out: Out,
): PurgatoryState {
  const bytes = fromHex(body.bytes);
  if (state.step === "table") {
    const table = parsePurgatory(bytes.subarray(STAMP_BYTES));
    state.table = table;
    state.step = "digest";
    const ranges = cutRanges(table.segments);
    out.send("memory", "memory.acquire", { tag: "digest", by: out.self, ranges, write: false });
    return state;
  }
  const end = bytes.indexOf(0);
  const text = ` kexec_jump_back_entry=${entryText(state.word, tableOf(state).wordBytes)}`;
  const tail = new Uint8Array(text.length + 1);
  tail.set(new TextEncoder().encode(text));
  state.step = "written";
  out.send("memory", "memory.write", {
    tag: "written",
    by: out.self,
    address: tableOf(state).commandLine + Math.max(0, end),
    bytes: toHex(tail),
  });
  return state;
}

/** The kernel uses low memory too: its content goes to the backup segment first (D.3). */
function copyLowMemory(
  state: PurgatoryState,
  { start, length, copy }: PurgatoryBackup,
  out: Out,
): PurgatoryState {
  const page = (address: number): string => (address / PAGE_BYTES).toString(16);
  state.step = "backup";
  out.send("memory", "memory.copy", {
    tag: "backup",
    by: out.self,
    pairs: `${page(copy)}:${page(start)}+${page(length)}`,
  });
  return state;
}

function checkDigest(
  state: PurgatoryState,
  { body }: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): PurgatoryState {
  const table = tableOf(state);
  const hash = new Sha256();
  for (const grant of body.grants) hash.update(access.read(grant.start, grant.length));
  out.send("memory", "memory.release", { grants: body.grants });
  const actual = hash.hex();
  out.fact("purgatory", { k: out.self, expected: table.digest, actual });
  if (actual !== table.digest) {
    state.step = "looping";
    out.send("cpu", "cpu.halt", { reason: "purgatory: segments do not match their SHA-256" });
    return state;
  }
  if (table.backup !== undefined) return copyLowMemory(state, table.backup, out);
  if (state.word === 0) return enterKernel(state, out);
  state.step = "command_line";
  out.send("memory", "memory.read", {
    tag: "command_line",
    by: out.self,
    address: table.commandLine,
    length: COMMAND_LINE_BYTES,
  });
  return state;
}

const behaviour: Behaviour<PurgatoryState> = {
  kind: "purgatory",
  role: "program",
  doc: "Checks the segments and passes the jump-back entry on.",
  states: {
    start: { handles: ["program.start"] },
    table: { handles: ["memory.data"] },
    digest: { handles: ["memory.granted"] },
    backup: { handles: ["memory.done"] },
    command_line: { handles: ["memory.data"] },
    written: { handles: ["memory.done"] },
    looping: { handles: [] },
  },
  start: () => ({ step: "start", word: 0, entry: 0, table: null }),
  label: (state) => state.step,
  on: {
    "program.start": (state, { body }, out) => {
      state.word = body.word;
      state.entry = body.entry;
      state.step = "table";
      out.send("memory", "memory.read", {
        tag: "table",
        by: out.self,
        address: body.entry,
        length: PAGE_BYTES,
      });
      return state;
    },
    "memory.data": takeData,
    "memory.granted": checkDigest,
    "memory.done": (state, _envelope, out) => enterKernel(state, out),
  },
};

/** Purgatory's behaviour. */
export const purgatory: AnyBehaviour = seal(behaviour);
