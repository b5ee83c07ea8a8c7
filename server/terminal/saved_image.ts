/**
 * The memory image that a disk holds, looked at from outside of the machine: the ELF file, B's
 * manifest and sums, and whether they agree. On the way the file can be copied out.
 *
 * @module
 */
import { parseSums } from "../../actors/kernel/small_files.ts";
import {
  IMAGE_FILES,
  IMAGE_ROOT,
  type ImageManifest,
  parseManifest,
} from "../../actors/programs/image_manifest.ts";
import { Sha256, sha256 } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { type ElfFile, parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { type Ext2Image, isRegular } from "../../machine/formats/ext2/mod.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { DiskFile } from "./disk_file.ts";

/** Bytes that one sum covers. */
const SUM_BYTES = 0x1_0000;

/** What comes of comparing an image with B's manifest. */
export interface ManifestCheck {
  /** Sums compared. */
  readonly sums: number;
  readonly wrong: number;
  /** First wrong 64 KiB: offset in the file, and physical address where it is memory. */
  readonly fileOffset?: number;
  readonly physical?: number;
  /** Why there was nothing to compare with. */
  readonly missing?: string;
}

/** See the module's header. */
export interface SavedImage {
  /** `ready`: a resume will take it; `used`: one has; `unfinished`: it was never committed. */
  readonly state: "ready" | "used" | "unfinished";
  /** Path in partition 3. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Pages of memory in it. */
  readonly pages: number;
  readonly segments: number;
  readonly manifest?: ImageManifest;
  readonly check: ManifestCheck;
}

/** A path of the image's files as the partition itself has it. */
function inPartition(path: string): string {
  return path.slice(IMAGE_ROOT.length);
}

const STATES = [
  ["ready", inPartition(IMAGE_FILES.image)],
  ["used", inPartition(IMAGE_FILES.used)],
  ["unfinished", inPartition(IMAGE_FILES.part)],
] as const;

function textAt(image: Ext2Image, path: string): string | undefined {
  const inode = image.inodeAt(path);
  if (inode === undefined || !isRegular(inode)) return undefined;
  return new TextDecoder().decode(image.fileAt(path));
}

/** Headers of the file, if its first piece has them. */
function headersOf(piece: Uint8Array): ElfFile | undefined {
  try {
    return parseElf(piece);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function physicalOf(elf: ElfFile | undefined, offset: number): number | undefined {
  const load = elf?.programs.find((each) =>
    each.type === PT_LOAD && offset + SUM_BYTES > each.offset && offset < each.offset + each.filesz
  );
  return load === undefined ? undefined : load.paddr + Math.max(0, offset - load.offset);
}

/** Sums of a file as they are, 64 KiB each. */
class Summing {
  readonly sums: string[] = [];
  readonly whole: Sha256 = new Sha256();

  take(piece: Uint8Array): void {
    this.whole.update(piece);
    for (let at = 0; at < piece.length; at += SUM_BYTES) {
      this.sums.push(sha256(piece.subarray(at, at + SUM_BYTES)));
    }
  }
}

function compareSums(
  found: readonly string[],
  sumsText: string | undefined,
  manifest: ImageManifest | undefined,
  elf: ElfFile | undefined,
): ManifestCheck {
  const none = { sums: 0, wrong: 0 };
  if (manifest === undefined) return { ...none, missing: "there is no manifest, or a damaged one" };
  const wanted = sumsText === undefined ? undefined : parseSums(sumsText);
  if (wanted === undefined || sumsText === undefined) {
    return { ...none, missing: "there is no list of sums, or a damaged one" };
  }
  if (sha256(sumsText) !== manifest.sums) {
    return { ...none, missing: "the list of sums is not the one that the manifest names" };
  }
  const count = Math.max(found.length, wanted.length);
  const wrong = Array.from({ length: count }, (_, index) => index)
    .filter((index) => found[index] !== wanted[index]);
  const [first] = wrong;
  if (first === undefined) return { sums: count, wrong: 0 };
  const fileOffset = first * SUM_BYTES;
  const physical = physicalOf(elf, fileOffset);
  return {
    sums: count,
    wrong: wrong.length,
    fileOffset,
    ...(physical === undefined ? {} : { physical }),
  };
}

/**
 * The image on a disk, or `undefined` where there is none.
 *
 * @param copy takes the file's bytes in order.
 */
export function readSavedImage(
  disk: DiskFile,
  copy: (piece: Uint8Array) => void = () => {},
): SavedImage | undefined {
  const number = disk.hibernating();
  const image = disk.fileSystem(number);
  const found = STATES.find(([, path]) => {
    const inode = image.inodeAt(path);
    return inode !== undefined && isRegular(inode);
  });
  if (found === undefined) return undefined;
  const [state, path] = found;
  const summing = new Summing();
  let elf: ElfFile | undefined;
  let bytes = 0;
  for (const piece of disk.pieces(number, path)) {
    if (bytes === 0) elf = headersOf(piece);
    bytes += piece.length;
    summing.take(piece);
    copy(piece);
  }
  const manifestText = textAt(image, inPartition(IMAGE_FILES.manifest));
  const manifest = manifestText === undefined ? undefined : parseManifest(manifestText);
  const loads = elf?.programs.filter(({ type }) => type === PT_LOAD) ?? [];
  const memory = loads.reduce((sum, { filesz }) => sum + filesz, 0);
  return {
    state,
    path,
    bytes,
    sha256: summing.whole.hex(),
    pages: Math.ceil(memory / PAGE_BYTES),
    segments: loads.length,
    ...(manifest === undefined ? {} : { manifest }),
    check: compareSums(
      summing.sums,
      textAt(image, inPartition(IMAGE_FILES.sums)),
      manifest,
      elf,
    ),
  };
}
