/**
 * swsusp_arch_suspend: the kernel writes itself into its own pages and these are copied at one
 * moment (protocol.md B.5.2 step 7.7, B.5.8). It returns twice: behind the copy, and, in another
 * life, behind restore_registers. The word in_suspend in a page that is in no image tells the two
 * apart.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { FRAME, setFrames } from "../../machine/formats/mem_map.ts";
import {
  formatPairRuns,
  PAGE_BYTES,
  type PageRun,
  type PairRun,
} from "../../machine/formats/page_runs.ts";
import { emitRestoreAddresses } from "../../machine/formats/restore_tables.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";
import { layoutOf } from "./boot.ts";
import { departureSteps, sayLeaving } from "./departure.ts";
import type { Kernel } from "./kernel_context.ts";
import { ask, call, done, next, orFail, type Procedure, procedure } from "./procedure.ts";
import { inSuspendAddress, restoreCodePages, swsuspOf } from "./swsusp_state.ts";
import { bytesOf } from "./values.ts";

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
  ...departureSteps({
    goesOnAt: copyStep,
    mark: (table) => {
      const flags = FRAME.reserved | FRAME.nosave;
      setFrames(table, { pfn: 0, count: 1 }, { flags, owner: 0, count: 0 });
    },
  }),
  {
    name: COPY,
    run: (kernel) => {
      const { copies, saved } = swsuspOf(kernel);
      sayLeaving(kernel, true);
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
