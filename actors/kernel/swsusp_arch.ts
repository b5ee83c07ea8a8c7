/**
 * swsusp_arch_suspend: the kernel writes itself into its own pages and these are copied at one
 * moment (protocol.md B.5.2 step 7.7, B.5.8). It returns twice: behind the copy, and, in another
 * life, behind restore_registers. The word in_suspend in a page that is in no image tells the two
 * apart.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { cutRanges } from "../../machine/grant_ranges.ts";
import { FRAME, FRAME_BYTES, setFrames } from "../../machine/formats/mem_map.ts";
import {
  formatPairRuns,
  PAGE_BYTES,
  type PageRun,
  type PairRun,
} from "../../machine/formats/page_runs.ts";
import { emitRestoreAddresses } from "../../machine/formats/restore_tables.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";
import { writeFrames } from "./allocator.ts";
import { layoutOf } from "./boot.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { ask, call, done, goto, next, orFail, type Procedure, procedure } from "./procedure.ts";
import { encodeState, fillRanges } from "./state_pages.ts";
import { inSuspendAddress, restoreCodePages, swsuspOf } from "./swsusp_state.ts";
import { bytesOf } from "./values.ts";

/** Frames of the page table that one grant covers. */
const FRAMES_PER_GRANT = 0x10_0000 / FRAME_BYTES;
/** The step that copies: where a restored kernel goes on. */
const COPY = "copy";

/** Pairs `copy:original` for the controller, in the order of the image. */
export function copyPairs(copies: readonly PageRun[], saved: readonly PageRun[]): PairRun[] {
  const pairs: PairRun[] = [];
  let index = 0;
  let used = 0;
  for (const { pfn, count } of saved) {
    for (let at = 0; at < count;) {
      const run = copies[index];
      if (run === undefined) throw new RangeError("Fewer copies than pages to be copied");
      const part = Math.min(count - at, run.count - used);
      pairs.push({ destination: run.pfn + used, source: pfn + at, count: part });
      at += part;
      used += part;
      if (used === run.count) {
        index++;
        used = 0;
      }
    }
  }
  return pairs;
}

/** The first pages of runs, as runs. */
export function firstPages(runs: readonly PageRun[], count: number): PageRun[] {
  const taken: PageRun[] = [];
  let left = count;
  for (const run of runs) {
    if (left <= 0) break;
    taken.push({ pfn: run.pfn, count: Math.min(left, run.count) });
    left -= run.count;
  }
  return taken;
}

/** restore_registers as it stands in this kernel's text: a stamp, and the variables it uses. */
function restoreRegisters(kernel: Kernel): Uint8Array {
  const { context, pageTable, state } = layoutOf(kernel);
  return stampProgram({
    kind: STAMP_KIND.restoreRegisters,
    version: kernel.profile.version,
    body: emitRestoreAddresses({
      context,
      inSuspend: inSuspendAddress(kernel),
      root: pageTable,
    }),
    argument: state.pfn * PAGE_BYTES,
  });
}

/** in_suspend as it is written: eight bytes. */
export function inSuspendBytes(value: number): string {
  const bytes = new Uint8Array(8);
  bytes[0] = value;
  return toHex(bytes);
}

const archSuspend: Procedure = procedure("swsusp_arch_suspend", [
  {
    name: "restore_jump_address",
    run: (kernel) =>
      ask("memory", "memory.write", {
        by: kernel.name,
        address: restoreCodePages(kernel).restoreRegisters,
        bytes: toHex(restoreRegisters(kernel)),
      }),
  },
  {
    name: "swsusp_save",
    run: () => call("swsusp_save"),
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  {
    name: "in_suspend",
    run: (kernel) => {
      kernel.fact("in_suspend", { value: swsuspOf(kernel).inSuspend, at: "copy" });
      return next;
    },
  },
  {
    name: "page table",
    run: (kernel, vars) => {
      const { memMap, frameCount } = layoutOf(kernel);
      const first = numberOf(vars["frame"] ?? 0);
      if (first >= frameCount) return next;
      const count = Math.min(FRAMES_PER_GRANT, frameCount - first);
      const range = { start: memMap + first * FRAME_BYTES, length: count * FRAME_BYTES };
      return ask("memory", "memory.acquire", { by: kernel.name, ranges: [range], write: true });
    },
    then: (kernel, vars, _answer, access) => {
      const { memMap, frameCount } = layoutOf(kernel);
      const first = numberOf(vars["frame"] ?? 0);
      const count = Math.min(FRAMES_PER_GRANT, frameCount - first);
      const table = access.writable(memMap + first * FRAME_BYTES, count * FRAME_BYTES);
      writeFrames(kernel.state, table, first, count);
      if (first === 0) {
        const flags = FRAME.reserved | FRAME.nosave;
        setFrames(table, { pfn: 0, count: 1 }, { flags, owner: 0, count: 0 });
      }
      vars["frame"] = first + count;
      return goto("page table");
    },
  },
  {
    name: "log buffer",
    run: (kernel) => {
      const { log } = layoutOf(kernel);
      const ranges = [{ start: log.pfn * PAGE_BYTES, length: log.count * PAGE_BYTES }];
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (kernel, _vars, _answer, access) => {
      const { log } = layoutOf(kernel);
      const room = access.writable(log.pfn * PAGE_BYTES, log.count * PAGE_BYTES);
      room.fill(0);
      const text = new TextEncoder().encode(kernel.state.log.join("\n") + "\n");
      room.set(text.subarray(Math.max(0, text.length - room.length)));
      return next;
    },
  },
  {
    name: "state pages",
    run: (kernel) => {
      const { state } = layoutOf(kernel);
      const start = state.pfn * PAGE_BYTES;
      const ranges = cutRanges([{ start, length: state.count * PAGE_BYTES }]);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (kernel, _vars, _answer, access) => {
      const { state } = layoutOf(kernel);
      const clock = { at: kernel.out.now, monotonic: kernel.monotonic() };
      kernel.state.realAtClock = kernel.realMicroseconds();
      kernel.state.clock = clock;
      const bytes = encodeState(kernel, copyStep());
      if (bytes.length > state.count * PAGE_BYTES) {
        throw new Error(`State of ${bytes.length} bytes is over its ${state.count} pages`);
      }
      fillRanges(
        (start, content) => access.write(start, content),
        state.pfn * PAGE_BYTES,
        bytes,
      );
      return next;
    },
  },
  {
    name: COPY,
    run: (kernel) => {
      const { memMap, frameCount } = layoutOf(kernel);
      const { clock, realAtClock } = kernel.state;
      const { copies, saved } = swsuspOf(kernel);
      kernel.fact("clock", { op: "leave", monotonic: clock.monotonic, real: realAtClock });
      kernel.fact("leave", { mem_map: `0x${memMap.toString(16)}`, frames: frameCount });
      const pairs = formatPairRuns(copyPairs(copies, saved));
      return ask("memory", "memory.copy", { by: kernel.name, pairs });
    },
    // Control comes here twice: with the copy done, and from restore_registers.
    then: () => next,
  },
  {
    name: "which return",
    run: (kernel) =>
      ask("memory", "memory.read", {
        by: kernel.name,
        address: inSuspendAddress(kernel),
        length: 8,
      }),
    then: (kernel, _vars, answer) => {
      const [value = 0] = bytesOf(answer);
      swsuspOf(kernel).inSuspend = value;
      const at = value === 0 ? "second return" : "first return";
      kernel.fact("in_suspend", { value, at, returned: 0 });
      return done();
    },
  },
]);

function copyStep(): number {
  return archSuspend.steps.findIndex(({ name }) => name === COPY);
}

/** Procedures of this file. */
export const SWSUSP_ARCH_PROCEDURES: readonly Procedure[] = [archSuspend];
