/**
 * An image in a file that is reached by its block list: the first block has the header of a
 * hibernating partition and, behind it, the list; the ELF follows in the next blocks.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import {
  BLOCK_LIST_OFFSET,
  blockCount,
  type BlockList,
  emitBlockList,
  firstSectorOf,
  parseBlockList,
  runsBehindFirst,
} from "../../machine/formats/block_list.ts";
import {
  emitKhdevHeader,
  KHDEV_HEADER_BYTES,
  type KhdevHeader,
  parseKhdevHeader,
} from "../../machine/formats/khdev_header.ts";
import { toHex } from "../../machine/hex.ts";
import { partitionName, type PartitionPlace } from "../kernel/block_devices.ts";
import { call, type Next } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";

const BLOCK_SECTORS = 8;

/** Where in the file the ELF begins. */
export const IMAGE_OFFSET: number = KHDEV_HEADER_BYTES;

/** Header and list of an image. */
export interface ListedImage {
  readonly header: KhdevHeader;
  readonly list: BlockList;
}

/** One block of the disk, as the procedures for partitions want a place. */
export function blockAt(sector: number, partition: number): PartitionPlace {
  return { partition, type: 0, firstSector: sector, sectorCount: BLOCK_SECTORS };
}

/** A call that writes the file's first block. */
export function writeFirstBlock({ header, list }: ListedImage): Next {
  const block = emitKhdevHeader(header);
  block.set(emitBlockList(list), BLOCK_LIST_OFFSET);
  const sector = firstSectorOf(list) ?? 0;
  return call("khdev_write_block", {
    place: { ...blockAt(sector, list.partition) },
    block: toHex(block),
  });
}

/** What a first block says, or why it says nothing. */
export function readFirstBlock(block: Uint8Array): ListedImage | string {
  try {
    return {
      header: parseKhdevHeader(block),
      list: parseBlockList(block.subarray(BLOCK_LIST_OFFSET)),
    };
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** Where the ELF goes, as `dump_write` takes it. */
export function rawPlace(list: BlockList): Vars {
  return {
    firstSector: list.firstSector,
    block: 0,
    blocks: blockCount(list) - 1,
    extents: runsBehindFirst(list).map((run) => ({ ...run })),
  };
}

/** How facts and messages call it. */
export function deviceOf(list: BlockList): string {
  return partitionName(list.partition);
}
