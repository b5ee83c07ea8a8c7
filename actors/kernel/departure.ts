/**
 * What a kernel does last before it stands still in RAM, whether it jumps or is copied: its page
 * table, its log and its own state go into its own pages (DESIGN.md law 2). The three steps are
 * the same for every way of leaving; what differs is the step at which the kernel goes on.
 *
 * @module
 */
import { cutRanges } from "../../machine/grant_ranges.ts";
import { FRAME_BYTES } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { writeFrames } from "./allocator.ts";
import { layoutOf } from "./boot.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { ask, goto, next, type Step } from "./procedure.ts";
import { encodeState, fillRanges } from "./state_pages.ts";

/** Frames of the page table that one grant covers. */
const FRAMES_PER_GRANT = 0x10_0000 / FRAME_BYTES;

/** How a departure differs from others. */
export interface DepartureOptions {
  /** Index of the step at which the kernel goes on, in the procedure that has these steps. */
  readonly goesOnAt: () => number;
  /** Changes the first part of the page table once it is written. */
  readonly mark?: (table: Uint8Array) => void;
}

function pageTable({ mark }: DepartureOptions): Step {
  return {
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
      if (first === 0) mark?.(table);
      vars["frame"] = first + count;
      return goto("page table");
    },
  };
}

const LOG_BUFFER: Step = {
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
};

function statePages({ goesOnAt }: DepartureOptions): Step {
  return {
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
      const bytes = encodeState(kernel, goesOnAt());
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
  };
}

/** The steps, in their order; nothing of the kernel's may change behind them. */
export function departureSteps(options: DepartureOptions): readonly Step[] {
  return [pageTable(options), LOG_BUFFER, statePages(options)];
}

/** Says that the kernel stands still from here, with its clocks, and where its page table is. */
export function sayLeaving(kernel: Kernel, preserve: boolean): void {
  const { memMap, frameCount } = layoutOf(kernel);
  const { clock, realAtClock } = kernel.state;
  kernel.fact("clock", { op: "leave", monotonic: clock.monotonic, real: realAtClock });
  if (!preserve) return;
  kernel.fact("leave", { mem_map: `0x${memMap.toString(16)}`, frames: frameCount });
}
