/**
 * The hibernating partition of khibernation v7 as its scripts use it: `khdev=MAJOR:MINOR`, a raw
 * partition with a header block and the memory image behind it (DESIGN.md 3).
 *
 * @module
 */
import { crc32, toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  emitKhdevHeader,
  KHDEV_HEADER_BYTES,
  type KhdevHeader,
  parseKhdevHeader,
} from "../../machine/formats/khdev_header.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { fromHex } from "../../machine/hex.ts";
import {
  giveScratch,
  partitionName,
  partitionOf,
  type PartitionPlace,
  PLACE,
  takeScratch,
} from "../kernel/block_devices.ts";
import { parameter } from "../kernel/boot.ts";
import { ERRNO } from "../kernel/errno.ts";
import { type Kernel, textOf } from "../kernel/kernel_context.ts";
import { ask, call, done, fail, next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { isError, plainRuns, readAs, resultOf, runRanges, RUNS } from "../kernel/values.ts";

const encoder = new TextEncoder();

/** Partition that `khdev=` names, or why there is none. */
export function khdevPartition(kernel: Kernel): number | string {
  const given = parameter(kernel.state.commandLine, "khdev");
  if (given === undefined) return "no khdev= on the command line";
  return partitionOf(given) ?? `khdev=${given}: no such device`;
}

/** The firmware's memory map as facts and the header's CRC have it. */
export function firmwareMapText(kernel: Kernel): string {
  return kernel.state.firmwareMap.map(({ start, length, type }) =>
    `${start.toString(16)}-${(start + length).toString(16)}:${type}`
  ).join(",");
}

/** Says the map, and gives its CRC-32. */
export function sayFirmwareMap(kernel: Kernel): number {
  const ranges = firmwareMapText(kernel);
  const crc = crc32(encoder.encode(ranges));
  kernel.fact("firmware_map", { ranges, crc: `0x${crc.toString(16)}` });
  return crc;
}

/** The hardware signature as the kernel read it at boot; 0 for one without ACPI. */
export function signatureOf(kernel: Kernel): number {
  return kernel.state.acpi?.sleep?.signature ?? 0;
}

function placeOf(vars: Vars): PartitionPlace {
  return readAs(PLACE, vars["place"]);
}

/** What the first block of a partition shows. */
export function signatureIn(block: Uint8Array): string {
  const latin = (from: number, to: number): string =>
    new TextDecoder("latin1").decode(block.subarray(from, to));
  if (latin(0, 8) === "KJKHDEV1") return "KJKHDEV1";
  if (block[1080] === 0x53 && block[1081] === 0xef) return "ext2";
  const swap = latin(4086, 4096);
  if (swap === "SWAPSPACE2" || swap === "SWAP-SPACE") return swap;
  return block.every((byte) => byte === 0) ? "blank" : "unknown";
}

/** `khdev_read_block {place}`: the first block in hexadecimal, or a negative errno. */
const readBlock = procedure("khdev_read_block", [
  takeScratch(1),
  {
    name: "read",
    run: (_kernel, vars) =>
      call("partition_pages", {
        place: { ...placeOf(vars) },
        page: 0,
        frames: plainRuns(readAs(RUNS, vars["scratch"])),
        write: false,
      }),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "look",
    run: (kernel, vars) => {
      const ranges = runRanges(readAs(RUNS, vars["scratch"]));
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then: (kernel, vars, _answer, access) => {
      const [range] = runRanges(readAs(RUNS, vars["scratch"]));
      if (range === undefined) return fail(ERRNO.ENOMEM);
      vars["block"] = toHex(access.read(range.start, KHDEV_HEADER_BYTES));
      giveScratch(kernel, vars);
      return done(vars["block"]);
    },
  },
]);

/** `khdev_write_block {place, block}`: the block in hexadecimal; 0, or a negative errno. */
const writeBlock = procedure("khdev_write_block", [
  takeScratch(1),
  {
    name: "fill",
    run: (kernel, vars) => {
      const ranges = runRanges(readAs(RUNS, vars["scratch"]));
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (_kernel, vars, _answer, access) => {
      const [range] = runRanges(readAs(RUNS, vars["scratch"]));
      if (range === undefined) return fail(ERRNO.ENOMEM);
      access.write(range.start, fromHex(textOf(vars["block"])));
      return next;
    },
  },
  {
    name: "write",
    run: (_kernel, vars) =>
      call("partition_pages", {
        place: { ...placeOf(vars) },
        page: 0,
        frames: plainRuns(readAs(RUNS, vars["scratch"])),
        write: true,
      }),
    then: (kernel, vars, answer) => {
      if (isError(answer)) return fail(-answer);
      giveScratch(kernel, vars);
      return done();
    },
  },
]);

/** `khdev_flush {}`: the drive's cache is on the medium; 0, or a negative errno. */
const flush = procedure("khdev_flush", [
  {
    name: "flush",
    run: (kernel) => ask("disk", "disk.flush", { by: kernel.name }),
    then: (_kernel, _vars, answer) => done(resultOf(answer)),
  },
]);

/** A call that writes a header. */
export function writeHeader(place: PartitionPlace, header: KhdevHeader): ReturnType<typeof call> {
  return call("khdev_write_block", {
    place: { ...place },
    block: toHex(emitKhdevHeader(header)),
  });
}

/** The header in a block that was read, or why there is none. */
export function headerIn(block: Uint8Array): KhdevHeader | string {
  try {
    return parseKhdevHeader(block);
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** Says to what device an image goes, and what is on it now. */
export function sayDevice(kernel: Kernel, partition: number, block: Uint8Array): void {
  kernel.fact("image_device", {
    device: partitionName(partition),
    kind: "raw",
    signature: signatureIn(block),
    active: false,
    mounted: kernel.state.mounts.some((mount) => mount.partition === partition),
  });
}

/** Blocks of 4 KiB of a partition. */
export function blocksOf({ sectorCount }: PartitionPlace): number {
  return Math.floor(sectorCount * 512 / PAGE_BYTES);
}

/** Procedures of this file. */
export const KHDEV_PROCEDURES: readonly Procedure[] = [readBlock, writeBlock, flush];
