/**
 * Mounting and unmounting, as far as the disk shows it: the state and the mount count in the
 * superblock, by which an undue mount between two halves of a hibernation can be found.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { type BlockAccess, Ext2Error } from "./block_access.ts";
import {
  EXT2_STATE,
  FEATURES_WRITABLE,
  parseSuperblock,
  SUPERBLOCK_FIELD,
  type SuperblockInfo,
} from "./superblock.ts";
import { change, Volume } from "./volume.ts";

/** What a mount found. */
export interface MountInfo extends SuperblockInfo {
  /** True if the file system was unmounted properly the last time, and no errors are noted. */
  readonly clean: boolean;
}

function isClean(state: number): boolean {
  return (state & EXT2_STATE.valid) !== 0 && (state & EXT2_STATE.errors) === 0;
}

/**
 * Checks the file system; unless it is mounted read-only, takes the mark of validity away, counts
 * the mount and sets the times. Read-only changes nothing. What is returned is what stood there
 * before. A file system that is not clean is mounted all the same, as Linux does.
 *
 * @throws {FormatError} if it is no ext2 that this code reads.
 * @throws {Ext2Error} EROFS if it has features under which it may only be mounted read-only.
 * @throws {NeedBlock} if block 0 or a block of group descriptors is not at hand.
 */
export function mountExt2(
  access: BlockAccess,
  { time, readOnly }: { readonly time: number; readonly readOnly: boolean },
): MountInfo {
  const before = parseSuperblock(access.block(0));
  const info = { ...before, clean: isClean(before.state) };
  if (readOnly) {
    checkDescriptors(new Volume(access));
    return info;
  }
  const unknown = before.revision === 0 ? 0 : before.readOnlyCompatible & ~FEATURES_WRITABLE;
  if (unknown !== 0) {
    throw new Ext2Error("EROFS", `features 0x${unknown.toString(16)} allow reading only`);
  }
  return change(access, time, (volume) => {
    checkDescriptors(volume);
    volume.setSuperblock([
      ["state", before.state & ~EXT2_STATE.valid, 16],
      ["mountCount", Math.min(before.mountCount + 1, 0xffff), 16],
      ["mountTime", time, 32],
    ]);
    return info;
  });
}

/** Looks whether every group's tables lie in that group, as a kernel does when it mounts. */
function checkDescriptors(volume: Volume): void {
  const { groups, blocksPerGroup, blockCount, inodesPerGroup } = volume.geometry;
  volume.need(volume.descriptorBlocks());
  for (let group = 0; group < groups; group++) {
    const { blockBitmap, inodeBitmap, inodeTable } = volume.descriptor(group);
    const start = group * blocksPerGroup;
    const end = Math.min(start + blocksPerGroup, blockCount);
    const tableEnd = inodeTable + Math.ceil(inodesPerGroup / 32);
    const inside = [blockBitmap, inodeBitmap, inodeTable].every((block) => block > start);
    if (!inside || Math.max(blockBitmap + 1, inodeBitmap + 1, tableEnd) > end) {
      throw new FormatError("ext2", 4096 + 32 * group, `tables of group ${group} are outside it`);
    }
  }
}

/**
 * Puts the mark of validity back after a read-write mount. `wasClean` false leaves it away: a file
 * system that was not clean when it was mounted stays so until it is checked, as in Linux.
 *
 * @throws {NeedBlock} if block 0 is not at hand.
 */
export function unmountExt2(
  access: BlockAccess,
  { time, wasClean = true }: { readonly time: number; readonly wasClean?: boolean },
): void {
  change(access, time, (volume) => {
    const bytes = volume.read(0);
    const state = (bytes[SUPERBLOCK_FIELD.state] ?? 0) & ~EXT2_STATE.valid;
    volume.setSuperblock([["state", wasClean ? state | EXT2_STATE.valid : state, 16]]);
  });
}
