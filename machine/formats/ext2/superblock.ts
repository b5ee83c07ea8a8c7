/**
 * The ext2 superblock and the geometry that follows from it.
 *
 * Read are revision 0, and revision 1 with inodes of 128 bytes and no incompatible feature: that
 * is what revision 0 becomes, here as in Linux, when its first file of 2 GiB or more is made.
 * Anything else is refused with {@linkcode FormatError}, whose offset counts from the start of
 * the file system.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { BLOCK_BYTES, type BlockAccess } from "./block_access.ts";

/** Byte offset of the superblock in block 0. */
export const SUPERBLOCK_AT = 1024;

/** Byte offsets of superblock fields, from the start of block 0. */
export const SUPERBLOCK_FIELD = {
  inodeCount: 1024,
  blockCount: 1028,
  reservedBlocks: 1032,
  freeBlocks: 1036,
  freeInodes: 1040,
  firstDataBlock: 1044,
  blockSizeLog: 1048,
  fragmentSizeLog: 1052,
  blocksPerGroup: 1056,
  fragmentsPerGroup: 1060,
  inodesPerGroup: 1064,
  mountTime: 1068,
  writeTime: 1072,
  mountCount: 1076,
  maxMountCount: 1078,
  magic: 1080,
  state: 1082,
  errorBehaviour: 1084,
  checkTime: 1088,
  revision: 1100,
  firstInode: 1108,
  inodeBytes: 1112,
  incompatible: 1120,
  readOnlyCompatible: 1124,
  uuid: 1128,
  volumeName: 1144,
} as const;

/** The value of the magic field. */
export const EXT2_MAGIC = 0xef53;

/** Bits of the state field. */
export const EXT2_STATE = { valid: 1, errors: 2 } as const;

/** Bit of the read-only compatible features: files of 2 GiB and more. */
export const FEATURE_LARGE_FILE = 2;

/** Features under which a file system may still be written by this code: sparse backups, large. */
export const FEATURES_WRITABLE = 3;

/** Bytes of an inode. */
export const INODE_BYTES = 128;

/** Inode number of the root directory. */
export const ROOT_INODE = 2;

/** First inode number that is not reserved. */
export const FIRST_INODE = 11;

/** Bytes of a group descriptor. */
export const DESCRIPTOR_BYTES = 32;

/** Sizes that never change while a file system exists. */
export interface Geometry {
  readonly blockCount: number;
  readonly inodeCount: number;
  readonly blocksPerGroup: number;
  readonly inodesPerGroup: number;
  /** Block groups. */
  readonly groups: number;
}

/** What the superblock says. Times are in seconds since 1970. */
export interface SuperblockInfo extends Geometry {
  readonly freeBlocks: number;
  readonly freeInodes: number;
  /** 0, or 1 once a large file was made. */
  readonly revision: number;
  /** Bits of {@linkcode EXT2_STATE}. */
  readonly state: number;
  readonly mountCount: number;
  /** Mounts after which a check is due; negative for never. */
  readonly maxMountCount: number;
  readonly mountTime: number;
  readonly writeTime: number;
  readonly checkTime: number;
  readonly volumeName: string;
  readonly uuid: Uint8Array;
  /** Bits of the read-only compatible features. */
  readonly readOnlyCompatible: number;
}

function refuse(offset: number, message: string): never {
  throw new FormatError("ext2", offset, message);
}

function checkKind(view: DataView): void {
  const F = SUPERBLOCK_FIELD;
  const magic = view.getUint16(F.magic, true);
  if (magic !== EXT2_MAGIC) refuse(F.magic, `magic is 0x${magic.toString(16)}, not 0xef53`);
  const revision = view.getUint32(F.revision, true);
  if (revision > 1) refuse(F.revision, `revision ${revision} is not supported, only 0 and 1`);
  const sizeLog = view.getUint32(F.blockSizeLog, true);
  if (sizeLog !== 2) refuse(F.blockSizeLog, `block size code is ${sizeLog}, not 2 (4 KiB)`);
  const first = view.getUint32(F.firstDataBlock, true);
  if (first !== 0) refuse(F.firstDataBlock, `first data block is ${first}, not 0`);
  if (revision === 0) return;
  const inodeBytes = view.getUint16(F.inodeBytes, true);
  if (inodeBytes !== INODE_BYTES) refuse(F.inodeBytes, `inodes of ${inodeBytes} bytes, not 128`);
  const features = view.getUint32(F.incompatible, true);
  if (features !== 0) refuse(F.incompatible, `incompatible features 0x${features.toString(16)}`);
}

function geometryOf(view: DataView): Geometry {
  const F = SUPERBLOCK_FIELD;
  const blockCount = view.getUint32(F.blockCount, true);
  const inodeCount = view.getUint32(F.inodeCount, true);
  const blocksPerGroup = view.getUint32(F.blocksPerGroup, true);
  const inodesPerGroup = view.getUint32(F.inodesPerGroup, true);
  const bits = BLOCK_BYTES * 8;
  if (blocksPerGroup < 64 || blocksPerGroup > bits || blocksPerGroup % 8 !== 0) {
    refuse(F.blocksPerGroup, `${blocksPerGroup} blocks per group`);
  }
  if (inodesPerGroup < 8 || inodesPerGroup > bits) {
    refuse(F.inodesPerGroup, `${inodesPerGroup} inodes per group`);
  }
  if (blockCount < 8) refuse(F.blockCount, `${blockCount} blocks`);
  const groups = Math.ceil(blockCount / blocksPerGroup);
  if (inodeCount !== groups * inodesPerGroup || inodeCount < FIRST_INODE) {
    refuse(F.inodeCount, `${inodeCount} inodes in ${groups} groups of ${inodesPerGroup}`);
  }
  return { blockCount, inodeCount, blocksPerGroup, inodesPerGroup, groups };
}

/**
 * Reads the superblock out of block 0.
 *
 * @throws {FormatError} if the block is short or is not of a kind that this code reads.
 */
export function parseSuperblock(block: Uint8Array): SuperblockInfo {
  if (block.length < BLOCK_BYTES) refuse(block.length, `block 0 has ${block.length} bytes`);
  const F = SUPERBLOCK_FIELD;
  const view = new DataView(block.buffer, block.byteOffset, BLOCK_BYTES);
  checkKind(view);
  const name = block.slice(F.volumeName, F.volumeName + 16);
  const nameEnd = name.indexOf(0);
  return {
    ...geometryOf(view),
    freeBlocks: view.getUint32(F.freeBlocks, true),
    freeInodes: view.getUint32(F.freeInodes, true),
    revision: view.getUint32(F.revision, true),
    state: view.getUint16(F.state, true),
    mountCount: view.getUint16(F.mountCount, true),
    maxMountCount: view.getInt16(F.maxMountCount, true),
    mountTime: view.getUint32(F.mountTime, true),
    writeTime: view.getUint32(F.writeTime, true),
    checkTime: view.getUint32(F.checkTime, true),
    volumeName: new TextDecoder().decode(name.subarray(0, nameEnd < 0 ? 16 : nameEnd)),
    uuid: block.slice(F.uuid, F.uuid + 16),
    readOnlyCompatible: view.getUint32(F.readOnlyCompatible, true),
  };
}

/**
 * Reads the superblock.
 *
 * @throws {FormatError} if it is not of a kind that this code reads.
 * @throws {NeedBlock} if block 0 is not at hand.
 */
export function readSuperblock(access: BlockAccess): SuperblockInfo {
  return parseSuperblock(access.block(0));
}
