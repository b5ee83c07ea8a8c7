/**
 * Makes a whole ext2 file system with files in it, offline.
 *
 * @module
 */
import { BLOCK_BYTES, type BlockAccess, Ext2Error } from "./block_access.ts";
import { type InitialisedBlock, SparseBlocks } from "./block_stores.ts";
import { makeDirectory } from "./directories.ts";
import { createFile, type FileWithExtents } from "./files.ts";
import { formatInto, type FormatOptions } from "./format.ts";

/** A file to be built: with these bytes, or with blocks of zeros for so many. */
export type FileToBuild =
  & { readonly path: string; readonly mode: number }
  & ({ readonly data: Uint8Array } | { readonly size: number });

/** What a file system is built from. */
export interface BuildOptions extends FormatOptions {
  /** Directories on the way that are missing are made with mode 0755. */
  readonly files: readonly FileToBuild[];
}

/**
 * Creates a file and writes its data block by block through the access; the rest of the last block
 * is zeros. After a NeedBlock it may be called again.
 *
 * @throws {Ext2Error} as createFile.
 */
export function writeWhole(
  access: BlockAccess,
  path: string,
  data: Uint8Array,
  { mode, time }: { readonly mode: number; readonly time: number },
): FileWithExtents {
  const file = createFile(access, path, { mode, time, size: data.length });
  for (const { fileBlock, block, count } of file.extents) {
    for (let index = 0; index < count; index++) {
      const at = (fileBlock + index) * BLOCK_BYTES;
      access.fresh(block + index).set(data.subarray(at, at + BLOCK_BYTES));
      access.changed(block + index);
    }
  }
  return file;
}

function makeParents(access: BlockAccess, path: string, time: number, made: Set<string>): void {
  const components = path.split("/").filter((component) => component !== "");
  for (let length = 1; length < components.length; length++) {
    const directory = `/${components.slice(0, length).join("/")}`;
    if (made.has(directory)) continue;
    made.add(directory);
    try {
      makeDirectory(access, directory, { mode: 0o755, time });
    } catch (error) {
      if (!(error instanceof Ext2Error) || error.code !== "EEXIST") throw error;
    }
  }
}

/**
 * A file system with files, as the blocks that are not zero; all others must read as zeros.
 *
 * @throws {Ext2Error} ENOSPC if the files have no room, EEXIST if two have one path, and others.
 * @throws {RangeError} as formatExt2.
 */
export function buildExt2(options: BuildOptions): InitialisedBlock[] {
  const blocks = new SparseBlocks();
  formatInto(blocks, options);
  const made = new Set<string>();
  for (const file of options.files) {
    const { path, mode } = file;
    makeParents(blocks, path, options.time, made);
    if ("data" in file) writeWhole(blocks, path, file.data, { mode, time: options.time });
    else createFile(blocks, path, { mode, time: options.time, size: file.size });
  }
  return blocks.takeChanged();
}
