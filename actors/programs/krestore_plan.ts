/**
 * What krestore makes of an image before it writes anything: where each PT_LOAD goes, and why not
 * (protocol.md B.1.2 step 3, B.1.4, F76, F77, F80).
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import { endOf, type MemoryRange, parseSize } from "../../machine/formats/e820.ts";
import { EM_386, EM_X86_64, ET_CORE, parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { KimageArch } from "../../machine/formats/kimage.ts";
import { LOW_BYTES } from "../kernel/jump_buffer_reboot.ts";
import { notLoadable } from "./image_type.ts";

/** A stretch of the file and the memory it goes to; all in bytes, all whole pages. */
export interface RestorePiece {
  readonly offset: number;
  readonly target: number;
  readonly length: number;
}

/** What is to be done, or what the tool says before it exits with 1. */
export type RestorePlan =
  | { readonly kind: "planned"; readonly pieces: readonly RestorePiece[] }
  | { readonly kind: "refused"; readonly message: string };

/** The command line of the tool. */
export interface RestoreCommand {
  readonly file: string;
  /** Where [0,640K) goes; undefined without `-b`. */
  readonly backup: number | undefined;
}

/** What a plan is made from. */
export interface RestoreInput {
  readonly command: RestoreCommand;
  readonly header: Uint8Array;
  readonly fileBytes: number;
  readonly arch: KimageArch;
  /** RAM of the kernel the tool runs on, ascending. */
  readonly ownRam: readonly MemoryRange[];
}

/** `krestore [-b ADDRESS] FILE`; undefined if the words make no sense. */
export function parseRestoreCommand(words: readonly string[]): RestoreCommand | undefined {
  const left = words.slice(1);
  let backup: number | undefined;
  const files: string[] = [];
  while (left.length > 0) {
    const word = left.shift() ?? "";
    if (word === "-b") {
      backup = parseSize(left.shift() ?? "");
      if (backup === undefined || backup % PAGE_BYTES !== 0) return undefined;
    } else if (word.startsWith("-")) return undefined;
    else files.push(word);
  }
  const [file] = files;
  return file === undefined || files.length > 1 ? undefined : { file, backup };
}

interface Load {
  readonly offset: number;
  readonly paddr: number;
  readonly length: number;
}

/** The ranges of an image as `start-end` text, and its class. */
export interface ImageShape {
  readonly class: "32" | "64";
  readonly ranges: string;
}

/**
 * Class and ranges of an image.
 *
 * @throws {FormatError} if it is no ELF file.
 */
export function imageShape(header: Uint8Array): ImageShape {
  const elf = parseElf(header);
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const ranges = elf.programs.filter(({ type }) => type === PT_LOAD)
    .map(({ paddr, memsz }) => `${hex(paddr)}-${hex(paddr + memsz)}`).join(",");
  return { class: elf.header.class === 64 ? "64" : "32", ranges };
}

/** The image's loads, or what is wrong with the file. */
function loadsOf(input: RestoreInput): readonly Load[] | string {
  const { command: { file }, header, fileBytes, arch } = input;
  const elf = parseElf(header);
  if (elf.header.class !== 64) return `${file}: ELF class 32, krestore reads ELF64 only`;
  if (elf.header.type !== ET_CORE) return `${file}: ELF type ${elf.header.type} is no core`;
  if (elf.header.machine !== (arch === "i386" ? EM_386 : EM_X86_64)) {
    return `${file}: ELF machine ${elf.header.machine} is not this machine's`;
  }
  const loads: Load[] = [];
  for (const { type, offset, paddr, filesz, memsz } of elf.programs) {
    if (type !== PT_LOAD || memsz === 0) continue;
    const at = `segment at 0x${paddr.toString(16)}`;
    if (offset % PAGE_BYTES !== 0 || paddr % PAGE_BYTES !== 0 || memsz % PAGE_BYTES !== 0) {
      return `${file}: ${at} is not made of pages`;
    }
    if (filesz !== memsz) return `${file}: ${at} has ${filesz} of ${memsz} bytes in the file`;
    if (offset + filesz > fileBytes) {
      return `${file}: truncated: ${at} ends at file offset ${offset + filesz}, the file has ` +
        `${fileBytes} bytes`;
    }
    loads.push({ offset, paddr, length: memsz });
  }
  return loads.length === 0 ? `${file}: no memory in it` : loads;
}

function overlap(
  ranges: readonly MemoryRange[],
  start: number,
  length: number,
): MemoryRange | undefined {
  return ranges.find((range) => start < endOf(range) && range.start < start + length);
}

/** A load cut at 640K: what is below and what is above. */
function cut({ offset, paddr, length }: Load): Load[] {
  if (paddr >= LOW_BYTES || paddr + length <= LOW_BYTES) return [{ offset, paddr, length }];
  const low = LOW_BYTES - paddr;
  return [
    { offset, paddr, length: low },
    { offset: offset + low, paddr: LOW_BYTES, length: length - low },
  ];
}

/** Where a load goes; low memory, which the tool's own kernel uses, to the backup. */
function placed(load: Load, backup: number | undefined): RestorePiece {
  const { offset, paddr, length } = load;
  const moved = paddr < LOW_BYTES && backup !== undefined ? backup : 0;
  return { offset, target: paddr + moved, length };
}

/** An address that two pieces go to. */
function doubled(pieces: readonly RestorePiece[]): number | undefined {
  let end = 0;
  for (const { target, length } of [...pieces].sort((one, other) => one.target - other.target)) {
    if (target < end) return target;
    end = target + length;
  }
  return undefined;
}

/**
 * Plans a restore: every PT_LOAD to its place, [0,640K) to the backup. Refused, before anything
 * is written, where that would write over the kernel the tool runs on: then that kernel's memory
 * is not part of the one's that saved the image (F76).
 */
export function planRestore(input: RestoreInput): RestorePlan {
  const refused = (message: string): RestorePlan => ({ kind: "refused", message });
  const { command: { file, backup }, ownRam } = input;
  try {
    const loads = loadsOf(input);
    if (typeof loads === "string") return refused(`krestore: ${loads}`);
    const pieces = loads.flatMap(cut).map((load) => placed(load, backup));
    for (const { target, length } of pieces) {
      const own = overlap(ownRam, target, length);
      if (own === undefined) continue;
      const hex = (value: number): string => value.toString(16);
      const place = `[0x${hex(target)}-0x${hex(target + length)})`;
      if (target < LOW_BYTES) {
        return refused(`krestore: ${place} is used by this kernel: say with -b where its copy is`);
      }
      return refused(
        `krestore: ${file} would write ${place} over this kernel, which has ` +
          `[0x${hex(own.start)}-0x${hex(endOf(own))}): its memory must be a part of that of the ` +
          "kernel that saved the image",
      );
    }
    const twice = doubled(pieces);
    if (twice !== undefined) {
      const at = `0x${twice.toString(16)}`;
      return refused(`krestore: ${file} has two contents for ${at}: is -b right?`);
    }
    return { kind: "planned", pieces };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return refused(`krestore: ${file}: ${notLoadable(input.header, error.message)}`);
  }
}
