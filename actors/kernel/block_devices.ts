/**
 * Block devices by name and number: the one disk under the two names it had over the years, and
 * its partitions as the disk's own tables have them (never from a layout the kernel knows).
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { FormatError } from "../../machine/errors.ts";
import { firstRecord, parseEbr } from "../../machine/formats/ebr.ts";
import {
  parseMbr,
  type Partition,
  PARTITION_TYPE,
  SECTOR_BYTES,
} from "../../machine/formats/mbr.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { type Infer, natural, record } from "../../machine/messages/shape.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { grantsOf, isError, plainRuns, readAs, resultOf, runRanges, RUNS } from "./values.ts";

/** Where a partition lies. */
export const PLACE = record({
  partition: natural,
  /** Type byte of its entry. */
  type: natural,
  firstSector: natural,
  sectorCount: natural,
});

/** See {@linkcode PLACE}. */
export type PartitionPlace = Infer<typeof PLACE>;

/** Block devices' major numbers: IDE, SCSI. */
const MAJORS: readonly number[] = [3, 8];
const PARTITION_MAX = 64;

/**
 * The partition a device name means, or `undefined` where it means none of the disk's: `/dev/hda7`,
 * `/dev/sda7`, `sda7`, and `3:7`, `8:7` as MAJOR:MINOR.
 */
export function partitionOf(device: string): number | undefined {
  const named = /^(?:\/dev\/)?[hs]da([1-9]\d?)$/.exec(device)?.[1];
  const numbered = /^(\d+):([1-9]\d?)$/.exec(device);
  const known = numbered !== null && MAJORS.includes(Number(numbered[1]));
  const number = Number(named ?? (known ? numbered[2] : Number.NaN));
  return number < PARTITION_MAX ? number : undefined;
}

/** The name under which facts and messages have a partition: `sda7`. */
export function partitionName(partition: number): string {
  return `sda${partition}`;
}

/** A record of the chain, as this procedure's variables keep it. */
const WALK = record({ number: natural, sector: natural, start: natural, end: natural });

function scratchAddress(vars: Vars): number {
  return (readAs(RUNS, vars["scratch"])[0]?.pfn ?? 0) * PAGE_BYTES;
}

function placed(vars: Vars, partition: Partition | undefined): Next {
  if (partition === undefined || partition.type === PARTITION_TYPE.empty) {
    return fail(ERRNO.ENODEV);
  }
  const { type, firstSector, sectorCount } = partition;
  return done({ partition: numberOf(vars["partition"]), type, firstSector, sectorCount });
}

function lookInto(vars: Vars, sector: Uint8Array): Next {
  const wanted = numberOf(vars["partition"]);
  if (vars["walk"] === undefined) {
    const { partitions } = parseMbr(sector);
    if (wanted <= 4) return placed(vars, partitions[wanted - 1]);
    const first = firstRecord(partitions);
    if (first === undefined) return fail(ERRNO.ENODEV);
    vars["walk"] = { ...first };
    return goto("acquire");
  }
  const walk = readAs(WALK, vars["walk"]);
  const { partition, next: following } = parseEbr(sector, walk);
  if (walk.number === wanted) return placed(vars, partition);
  if (following === undefined) return fail(ERRNO.ENODEV);
  vars["walk"] = { ...following };
  return goto("acquire");
}

function look(vars: Vars, access: Access): Next {
  try {
    return lookInto(vars, access.read(scratchAddress(vars), SECTOR_BYTES));
  } catch (error) {
    if (error instanceof FormatError) return fail(ERRNO.ENODEV);
    throw error;
  }
}

function acquireScratch(kernel: Kernel, vars: Vars): Next {
  const ranges = [{ start: scratchAddress(vars), length: SECTOR_BYTES }];
  return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
}

/**
 * `partition_lookup {partition, scratch}`: reads the disk's tables into the first sector of the
 * page runs `scratch` until it knows where the partition is. A {@linkcode PLACE}, or -ENODEV, -EIO.
 */
const LOOKUP = procedure("partition_lookup", [
  {
    name: "acquire",
    run: acquireScratch,
    then(kernel, vars, answer) {
      kernel.keepGrants();
      vars["grants"] = grantsOf(answer);
      return next;
    },
  },
  {
    name: "read",
    run: (kernel, vars) =>
      ask("disk", "disk.read", {
        by: kernel.name,
        sector: vars["walk"] === undefined ? 0 : readAs(WALK, vars["walk"]).sector,
        count: 1,
        grants: grantsOf({ grants: vars["grants"] ?? [] }),
      }),
    then(_kernel, vars, answer, access) {
      const result = resultOf(answer);
      return result < 0 ? fail(-result) : look(vars, access);
    },
  },
]);

/** A step that takes `pages` frames in one run as `vars.scratch`; undone it gives them back. */
export function takeScratch(pages: number): Step {
  return {
    name: "scratch",
    run(kernel, vars) {
      const request = { pages, flags: FRAME.kernel, owner: 0, contiguous: true };
      const runs = kernel.allocate(request);
      if (runs === undefined) return fail(ERRNO.ENOMEM);
      vars["scratch"] = plainRuns(runs);
      return next;
    },
    undo(kernel, vars) {
      kernel.release(readAs(RUNS, vars["scratch"]));
      return next;
    },
  };
}

/** Gives back what {@linkcode takeScratch} took, before a procedure returns. */
export function giveScratch(kernel: Kernel, vars: Vars): void {
  kernel.release(readAs(RUNS, vars["scratch"]));
}

/** `partition_place {partition}`: where it is, a {@linkcode PLACE}; -ENODEV, -EIO, -ENOMEM. */
const PLACE_OF = procedure("partition_place", [
  takeScratch(1),
  {
    name: "look up",
    run: (_kernel, vars) =>
      call("partition_lookup", {
        partition: vars["partition"] ?? 0,
        scratch: vars["scratch"] ?? [],
      }),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      giveScratch(kernel, vars);
      return done(answer);
    },
  },
]);

/**
 * `partition_pages {place, page, frames, write}`: moves consecutive pages of a partition, counted
 * from its start, between the disk and the frames of a list; 0, or -EIO behind its end or from the
 * drive.
 */
const PAGES = procedure("partition_pages", [
  {
    name: "move",
    run(_kernel, vars) {
      const { firstSector, sectorCount } = readAs(PLACE, vars["place"]);
      const frames = readAs(RUNS, vars["frames"]);
      const sectors = PAGE_BYTES / SECTOR_BYTES;
      const sector = numberOf(vars["page"]) * sectors;
      const count = countPages(frames) * sectors;
      if (sector + count > sectorCount) return fail(ERRNO.EIO);
      return call("disk_transfer", {
        sector: firstSector + sector,
        count,
        ranges: runRanges(frames),
        write: vars["write"] === true,
      });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Partitions of mounted file systems, by number. */
export function isMounted(kernel: Kernel, partition: number): boolean {
  return kernel.state.mounts.some((mount) => mount.partition === partition);
}

/** Procedures of this file. */
export const BLOCK_DEVICE_PROCEDURES: readonly Procedure[] = [LOOKUP, PLACE_OF, PAGES];
