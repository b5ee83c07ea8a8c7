/**
 * The control page: the relocate code, and behind it the CPU state that is needed to come back
 * (protocol.md C.6).
 *
 * Promises: the data stand at the offsets of the kernel of each architecture, from
 * {@linkcode CONTROL_DATA_OFFSET} of the *code page* on, so that what a simulated kernel leaves in
 * RAM is what a real one would. It says where code begins, not what it is: every program begins
 * with a stamp of 64 bytes, here one at {@linkcode RELOCATE_OFFSET} and one at
 * {@linkcode REENTRY_OFFSET}.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import type { KimageArch } from "./kimage.ts";
import { PAGE_BYTES } from "./page_runs.ts";

/** Most bytes of code; the data follow. */
export const CONTROL_CODE_BYTES_MAX = 2048;
/** Offset of the data in the code page. */
export const CONTROL_DATA_OFFSET = 2048;
/** Offset in the code page at which the kernel that jumps away enters the relocate code. */
export const RELOCATE_OFFSET = 0;
/** Offset in the code page of the jump-back entry: the return address of the call (C.7). */
export const REENTRY_OFFSET = 0xc0;

/** What is kept in the control page while the kernel is away. */
export interface ControlData {
  /** Stack pointer, a virtual address of the kernel. */
  readonly sp: bigint;
  readonly cr0: number;
  /** Physical address of the page tables, below 2^53. */
  readonly cr3: number;
  readonly cr4: number;
  /** Virtual address of the control page; i386 only, 0n on x86_64. */
  readonly virtualControlPage: bigint;
  /** Physical address of the page table for the switch. */
  readonly physicalPgd: number;
  readonly physicalSwapPage: number;
  /** First word of the entry list, with its flag. */
  readonly listHead: number;
}

const FORMAT = "control page";

const FIELDS = {
  i386: {
    sp: 0x0,
    cr0: 0x4,
    cr3: 0x8,
    cr4: 0xc,
    virtualControlPage: 0x10,
    physicalPgd: 0x14,
    physicalSwapPage: 0x18,
    listHead: 0x1c,
  },
  x86_64: {
    sp: 0x0,
    cr0: 0x8,
    cr3: 0x10,
    cr4: 0x18,
    virtualControlPage: undefined,
    physicalPgd: 0x20,
    physicalSwapPage: 0x28,
    listHead: 0x30,
  },
} as const;

/** Bytes of the whole allocation: 4096, or 8192 with the page table before the code. */
export function controlPageBytes(arch: KimageArch): number {
  return arch === "i386" ? PAGE_BYTES : 2 * PAGE_BYTES;
}

/** Which page of the allocation holds the code: 0, or 1 behind the top-level page table. */
export function codePageIndex(arch: KimageArch): 0 | 1 {
  return arch === "i386" ? 0 : 1;
}

/** Bytes of the data: 32 or 56. */
export function controlDataBytes(arch: KimageArch): number {
  return arch === "i386" ? 0x20 : 0x38;
}

/** Physical address at which a kernel that jumped away must be entered again (C.7). */
export function reentryAddress(arch: KimageArch, controlPagePhysical: number): number {
  return controlPagePhysical + codePageIndex(arch) * PAGE_BYTES + REENTRY_OFFSET;
}

/**
 * Reads the data out of a code page.
 *
 * @param codePage the page with the code, at least to the end of the data.
 * @throws {FormatError} if it is too short or a number is over 2^53.
 */
export function parseControlData(arch: KimageArch, codePage: Uint8Array): ControlData {
  const end = CONTROL_DATA_OFFSET + controlDataBytes(arch);
  if (codePage.length < end) {
    throw new FormatError(FORMAT, codePage.length, `${codePage.length} bytes, at least ${end}`);
  }
  const view = new DataView(codePage.buffer, codePage.byteOffset, codePage.byteLength);
  const fields = FIELDS[arch];
  const wide = (offset: number): bigint => {
    const at = CONTROL_DATA_OFFSET + offset;
    return arch === "i386" ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
  };
  const number = (offset: number, field: string): number => {
    const value = wide(offset);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      const message = `${field} 0x${value.toString(16)} is over 2^53`;
      throw new FormatError(FORMAT, CONTROL_DATA_OFFSET + offset, message);
    }
    return Number(value);
  };
  return {
    sp: wide(fields.sp),
    cr0: number(fields.cr0, "CR0"),
    cr3: number(fields.cr3, "CR3"),
    cr4: number(fields.cr4, "CR4"),
    virtualControlPage: fields.virtualControlPage === undefined
      ? 0n
      : wide(fields.virtualControlPage),
    physicalPgd: number(fields.physicalPgd, "page table address"),
    physicalSwapPage: number(fields.physicalSwapPage, "swap page address"),
    listHead: number(fields.listHead, "list head"),
  };
}

/**
 * The data's bytes, to be put at {@linkcode CONTROL_DATA_OFFSET} of the code page.
 *
 * @throws {RangeError} if a value does not fit its field, or `virtualControlPage` is not 0n on
 * x86_64, where it has no field.
 */
export function emitControlData(arch: KimageArch, data: ControlData): Uint8Array {
  const bytes = new Uint8Array(controlDataBytes(arch));
  const view = new DataView(bytes.buffer);
  const fields = FIELDS[arch];
  const put = (offset: number, value: bigint, field: string): void => {
    if (value < 0n || value >= 1n << (arch === "i386" ? 32n : 64n)) {
      throw new RangeError(`Cannot emit control page: ${field} ${value} does not fit its word`);
    }
    if (arch === "i386") view.setUint32(offset, Number(value), true);
    else view.setBigUint64(offset, value, true);
  };
  put(fields.sp, data.sp, "sp");
  put(fields.cr0, BigInt(data.cr0), "cr0");
  put(fields.cr3, BigInt(data.cr3), "cr3");
  put(fields.cr4, BigInt(data.cr4), "cr4");
  if (fields.virtualControlPage !== undefined) {
    put(fields.virtualControlPage, data.virtualControlPage, "virtualControlPage");
  } else if (data.virtualControlPage !== 0n) {
    throw new RangeError("Cannot emit control page: x86_64 has no field for virtualControlPage");
  }
  put(fields.physicalPgd, BigInt(data.physicalPgd), "physicalPgd");
  put(fields.physicalSwapPage, BigInt(data.physicalSwapPage), "physicalSwapPage");
  put(fields.listHead, BigInt(data.listHead), "listHead");
  return bytes;
}
