/**
 * Dump files that a run left on the hibernating partition.
 */
import assert from "node:assert/strict";
import { diskLayout, PARTITION } from "../../machine/formats/disk_layout.ts";
import { parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { Ext2Image } from "../../machine/formats/ext2/mod.ts";
import { SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import type { Run } from "./run_kit.ts";

/** Memory as a dump file has it. */
export class Dump {
  readonly #file: Uint8Array;

  constructor(file: Uint8Array) {
    this.#file = file;
  }

  at(address: number, length: number): Uint8Array {
    const load = parseElf(this.#file).programs.find(({ type, paddr, filesz }) =>
      type === PT_LOAD && paddr <= address && address + length <= paddr + filesz
    );
    assert.ok(load !== undefined, `0x${address.toString(16)} is not in the dump`);
    const start = load.offset + address - load.paddr;
    return this.#file.subarray(start, start + length);
  }
}

/** A file of the hibernating partition, as it is on the medium. */
export function fileOn(run: Run, memoryMiB: number, path: string): Uint8Array {
  const partitions = diskLayout({ memoryBytes: memoryMiB * 1024 ** 2 });
  const partition = partitions[PARTITION.hibernating - 1];
  assert.ok(partition !== undefined);
  const { firstSector, sectorCount } = partition;
  const bytes = run.medium.store.view(firstSector * SECTOR_BYTES, sectorCount * SECTOR_BYTES);
  const volume = Ext2Image.of(bytes);
  const file = new Uint8Array(volume.inodeAt(path)?.size ?? 0);
  const part = 8 * 1024 ** 2;
  for (let at = 0; at < file.length; at += part) file.set(volume.readAt(path, at, part), at);
  return file;
}
