/**
 * A dump that goes to a partition without a file system, or into blocks of a file past it.
 *
 * @module
 */
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { list, natural, optional, record } from "../../machine/messages/shape.ts";
import { numberOf } from "../kernel/kernel_context.ts";
import type { Vars } from "../kernel/state.ts";
import { readAs } from "../kernel/values.ts";

/** Where on a partition without a file system a dump goes. */
export const RAW_PLACE = record({
  firstSector: natural,
  block: natural,
  blocks: natural,
  /** Where its blocks are, if they do not follow each other from `block` on. */
  extents: optional(list(record({ fileBlock: natural, block: natural, count: natural }))),
});

/** Whether a dump of `vars.bytes` fits. */
export function fitsRaw(vars: Vars): boolean {
  const { block, blocks } = readAs(RAW_PLACE, vars["raw"]);
  return block + Math.ceil(numberOf(vars["bytes"]) / PAGE_BYTES) <= blocks;
}

/** The transfer of a whole dump to such a place. */
export function rawJob(vars: Vars, pieces: readonly Range[]): Vars {
  const { firstSector, block, extents } = readAs(RAW_PLACE, vars["raw"]);
  const bytes = numberOf(vars["bytes"]);
  const whole = [{ fileBlock: 0, block, count: Math.ceil(bytes / PAGE_BYTES) }];
  return {
    firstSector,
    write: true,
    sums: true,
    offset: 0,
    length: bytes,
    size: bytes,
    pieces: pieces.map(({ start, length }) => ({ start, length })),
    extents: (extents ?? whole).map((run) => ({ ...run })),
  };
}
