/**
 * The ext2 file system of the machine's disk: revision 0, blocks of 4 KiB (DESIGN.md 3). This file
 * only says what is public; how operations behave is told in block_access.ts.
 *
 * @module
 */
export {
  BLOCK_BYTES,
  type BlockAccess,
  Ext2Error,
  type Ext2ErrorCode,
  type Extent,
  NeedBlock,
} from "./block_access.ts";
export { extentsOf, type FileExtent, type FileRange } from "./block_map.ts";
export { ImageBlocks, type InitialisedBlock, SparseBlocks } from "./block_stores.ts";
export { buildExt2, type BuildOptions, type FileToBuild, writeWhole } from "./build.ts";
export { makeDirectory, removeDirectory, rename } from "./directories.ts";
export {
  type AtTime,
  createFile,
  type CreateOptions,
  type FileWithExtents,
  setSize,
  touch,
  unlink,
} from "./files.ts";
export { formatExt2, type FormatOptions } from "./format.ts";
export { Ext2Image, type ListedFile } from "./image.ts";
export {
  FILE_TYPE,
  type Inode,
  type InodeReference,
  isDirectory,
  isRegular,
} from "./inode_record.ts";
export { mountExt2, type MountInfo, unmountExt2 } from "./mount.ts";
export { type DirectoryEntry, lookup, readDirectory, readInode } from "./path.ts";
export { EXT2_STATE, readSuperblock, type SuperblockInfo } from "./superblock.ts";
