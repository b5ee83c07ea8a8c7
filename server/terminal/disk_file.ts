/**
 * A disk image of the host, read only: partition table, NVRAM, file systems. Blocks are read as
 * they are asked for, and large files in pieces, so that the image may be of any size.
 *
 * @module
 */
import { FormatError, UsageError } from "../../machine/errors.ts";
import { hibernatingNumber, PARTITION } from "../../machine/formats/disk_layout.ts";
import {
  BLOCK_BYTES,
  Ext2Image,
  extentsOf,
  type Inode,
  isRegular,
  SparseBlocks,
} from "../../machine/formats/ext2/mod.ts";
import { partitionsOf } from "../../machine/formats/ebr.ts";
import { type Mbr, parseMbr, type Partition, SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import { NVRAM_BYTES, type NvramRecord, parseNvram } from "../../machine/formats/nvram.ts";
import { onHost } from "./output_folder.ts";

/** Bytes of one piece of a file that is read in pieces. */
const PIECE_BYTES = 0x10_0000;

/** See the module's header. */
export class DiskFile implements Disposable {
  readonly path: string;
  readonly byteLength: number;
  readonly #file: Deno.FsFile;

  /** @throws {UsageError} if it cannot be opened or is no file. */
  constructor(path: string) {
    this.path = path;
    this.#file = onHost(path, "open", () => Deno.openSync(path, { read: true }));
    const info = onHost(path, "look at", () => this.#file.statSync());
    this.byteLength = info.size;
    if (info.isFile) return;
    this.#file.close();
    throw new UsageError(`'${path}' is no file`);
  }

  /** Bytes at an offset; fewer at the end of the file. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.byteLength - offset)));
    onHost(this.path, "read", () => {
      this.#file.seekSync(offset, Deno.SeekMode.Start);
      for (let done = 0; done < bytes.length;) {
        const count = this.#file.readSync(bytes.subarray(done));
        if (count === null) throw new UsageError(`'${this.path}' was cut short while it was read`);
        done += count;
      }
    });
    return bytes;
  }

  /** @throws {FormatError} if there is none. */
  mbr(): Mbr {
    return parseMbr(this.read(0, SECTOR_BYTES));
  }

  /** All partitions by number, logical ones included. @throws {FormatError} if they are damaged. */
  partitions(): Map<number, Partition> {
    return partitionsOf((sector) => this.read(sector * SECTOR_BYTES, SECTOR_BYTES));
  }

  /** @throws {FormatError} if there is no such partition, or it ends after the file. */
  partition(number: number): Partition {
    const partition = this.partitions().get(number);
    if (partition === undefined || partition.sectorCount === 0) {
      throw new FormatError("disk image", 446, `partition ${number} is missing`);
    }
    const end = (partition.firstSector + partition.sectorCount) * SECTOR_BYTES;
    if (end > this.byteLength) {
      const message = `partition ${number} ends at ${end}, the file at ${this.byteLength}`;
      throw new FormatError("disk image", this.byteLength, message);
    }
    return partition;
  }

  /** Number of the partition on which images are kept in a file system. */
  hibernating(): number {
    return hibernatingNumber(this.mbr().partitions[PARTITION.hibernating - 1]?.type);
  }

  /** The newest NVRAM record. @throws {FormatError} if there is none. */
  nvram(): NvramRecord {
    const offset = this.partition(PARTITION.nvram).firstSector * SECTOR_BYTES;
    const record = parseNvram(this.read(offset, NVRAM_BYTES));
    if (record === undefined) throw new FormatError("disk image", offset, "the NVRAM is blank");
    return record;
  }

  /** The file system of a partition. */
  fileSystem(number: number): Ext2Image {
    const { firstSector } = this.partition(number);
    const start = firstSector * SECTOR_BYTES;
    return new Ext2Image(
      new SparseBlocks((block) => this.read(start + block * BLOCK_BYTES, BLOCK_BYTES)),
    );
  }

  /** A file's bytes in pieces of at most 1 MiB; holes are zeros. */
  *pieces(number: number, path: string): Generator<Uint8Array, void, void> {
    const image = this.fileSystem(number);
    const inode = image.inodeAt(path);
    if (inode === undefined || !isRegular(inode)) {
      throw new UsageError(`Partition ${number} of '${this.path}' has no file ${path}`);
    }
    const start = this.partition(number).firstSector * SECTOR_BYTES;
    for (let offset = 0; offset < inode.size; offset += PIECE_BYTES) {
      yield this.#piece(image, inode, start, offset);
    }
  }

  #piece(image: Ext2Image, inode: Inode, start: number, offset: number): Uint8Array {
    const length = Math.min(PIECE_BYTES, inode.size - offset);
    const count = Math.ceil(length / BLOCK_BYTES);
    const fileBlock = offset / BLOCK_BYTES;
    const bytes = new Uint8Array(count * BLOCK_BYTES);
    for (const extent of extentsOf(image.access, inode, { fileBlock, count })) {
      const at = (extent.fileBlock - fileBlock) * BLOCK_BYTES;
      bytes.set(this.read(start + extent.block * BLOCK_BYTES, extent.count * BLOCK_BYTES), at);
    }
    return bytes.subarray(0, length);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
