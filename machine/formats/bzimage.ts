/**
 * The bzImage: boot sector, set-up sectors with the set-up header, protected-mode part.
 *
 * Reads real kernels; bytes after the stated protected-mode part (a signature) are allowed and
 * belong to nothing. {@linkcode emitBzImage} builds our own small ones: a real header, real-mode
 * code that only halts, and a protected-mode part that begins with a kernel stamp (`stamp.ts`).
 * Of the compressed payload of a real kernel nothing is known here.
 *
 * @module
 */
import { sha256 } from "../digest.ts";
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";
import {
  HEADER_FIELD,
  KERNEL_64,
  LOADABLE_ABOVE_4G,
  LOADED_HIGH,
  PARAGRAPH_BYTES,
  parseSetupHeader,
  SETUP_HEADER_BYTES_MAX,
  SETUP_HEADER_OFFSET,
  type SetupHeader,
  setupHeaderEnd,
  writeSetupHeader,
} from "./setup_header.ts";
import { STAMP_BYTES, STAMP_KIND, stampProgram } from "./stamp.ts";

const FORMAT = "bzImage";
const SECTOR_BYTES = 512;
const VERSION_TEXT_BYTES_MAX = 512;

/** Offset of the 64-bit entry point in the protected-mode part; the 32-bit one is at 0. */
export const ENTRY_64_OFFSET = 0x200;

/** What kind of kernel a bzImage is. */
export type KernelArch = "i386" | "x86_64";

/** A bzImage's facts. */
export interface BzImageInfo extends SetupHeader {
  /** The text at the header's pointer, e.g. "6.1.0-56-amd64 (…) #1 SMP …"; "" for none. */
  readonly kernelVersion: string;
  /** Bytes of the file before the protected-mode part: boot sector and set-up sectors. */
  readonly setupBytes: number;
  /** Bytes of the protected-mode part as the header states it. */
  readonly bodyBytes: number;
  /** All bytes after the set-up sectors, a signature included: what kexec-tools loads. */
  readonly loadBytes: number;
  /** x86_64 when the kernel has the 64-bit entry point. */
  readonly arch: KernelArch;
}

function kernelVersionText(reader: FieldReader, setupBytes: number): string {
  const pointer = reader.u16(HEADER_FIELD.kernelVersion);
  if (pointer === 0) return "";
  const offset = pointer + 0x200;
  if (offset >= setupBytes) {
    reader.fail(HEADER_FIELD.kernelVersion, `version text at ${offset}, after the set-up sectors`);
  }
  const room = reader.slice(offset, Math.min(VERSION_TEXT_BYTES_MAX, setupBytes - offset));
  const end = room.indexOf(0);
  if (end < 0) reader.fail(offset, "version text without an end");
  return reader.text(offset, end);
}

/**
 * The facts of a bzImage.
 *
 * @throws {FormatError} if flag or magic are missing, it is a zImage (loaded low), or the file is
 * shorter than its header says.
 */
export function parseBzImage(bytes: Uint8Array): BzImageInfo {
  const reader = new FieldReader(FORMAT, bytes);
  const header = parseSetupHeader(reader);
  if ((header.loadFlags & LOADED_HIGH) === 0) {
    reader.fail(HEADER_FIELD.loadFlags, "a zImage (loaded low), not a bzImage");
  }
  const setupBytes = (header.setupSectors + 1) * SECTOR_BYTES;
  const bodyBytes = header.systemParagraphs * PARAGRAPH_BYTES;
  // A kernel whose length is no multiple of 16 has its last paragraph cut short.
  if (bytes.length + PARAGRAPH_BYTES <= setupBytes + bodyBytes || bytes.length < setupBytes) {
    reader.fail(
      bytes.length,
      `file ends: ${setupBytes + bodyBytes} bytes stated, ${bytes.length} available`,
    );
  }
  return {
    ...header,
    kernelVersion: kernelVersionText(reader, setupBytes),
    setupBytes,
    bodyBytes: Math.min(bodyBytes, bytes.length - setupBytes),
    loadBytes: bytes.length - setupBytes,
    arch: (header.extendedLoadFlags & KERNEL_64) === 0 ? "i386" : "x86_64",
  };
}

/** The protected-mode part as the header states it (no signature); a view of the input. */
export function bzImageBody(bytes: Uint8Array): Uint8Array {
  const { setupBytes, bodyBytes } = parseBzImage(bytes);
  return bytes.subarray(setupBytes, setupBytes + bodyBytes);
}

/** Everything that is loaded at the kernel's address, a signature included; a view of the input. */
export function bzImageLoadBytes(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(parseBzImage(bytes).setupBytes);
}

/**
 * SHA-256 of the protected-mode part in lower-case hexadecimal: what a CPU that finds the kernel
 * in RAM can compute, from the load address and the paragraph count in boot_params.
 */
export function kernelDigest(bytes: Uint8Array): string {
  return sha256(bzImageBody(bytes));
}

/** The set-up header's bytes, as kexec-tools copies them into the zero page (at most 127). */
export function setupHeaderBytes(bytes: Uint8Array): Uint8Array {
  parseBzImage(bytes);
  const reader = new FieldReader(FORMAT, bytes);
  const stated = HEADER_FIELD.magic + reader.u8(HEADER_FIELD.jump + 1) - SETUP_HEADER_OFFSET;
  return reader.slice(SETUP_HEADER_OFFSET, Math.min(stated, SETUP_HEADER_BYTES_MAX));
}

/** What {@linkcode emitBzImage} builds; sizes and addresses in bytes. */
export interface BzImageSource {
  readonly arch: KernelArch;
  /** 0x020f for 2.15; x86_64 needs 0x020c at least. */
  readonly protocolVersion: number;
  /** Printable text without a zero, at most 511 bytes. */
  readonly kernelVersion: string;
  /** Version number in the kernel's stamp. */
  readonly stampVersion: number;
  /** Our own code and data after the stamp. */
  readonly body: Uint8Array;
  readonly relocatable: boolean;
  /** A power of two, at least 4096. */
  readonly alignment: number;
  readonly initSize: number;
  readonly prefAddress: number;
  readonly initrdAddressMax?: number;
  readonly commandLineSize?: number;
  readonly flags?: number;
  readonly argument?: number;
}

function paddedTo(bytes: Uint8Array, unit: number): Uint8Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / unit) * unit);
  padded.set(bytes);
  return padded;
}

/**
 * The protected-mode part. The 64-bit entry lies 0x200 after the 32-bit one and what runs is
 * decided by the bytes at the entry, so an x86_64 kernel has a stamp at each; the first covers
 * the second.
 */
function stampedBody(source: BzImageSource): Uint8Array {
  const { stampVersion: version, flags = 0, argument = 0 } = source;
  const stamped = (body: Uint8Array) =>
    stampProgram({ kind: STAMP_KIND.kernel, version, body, flags, argument });
  const body = paddedTo(source.body, PARAGRAPH_BYTES);
  if (source.arch === "i386") return stamped(body);
  const entry = stamped(body);
  const rest = new Uint8Array(ENTRY_64_OFFSET - STAMP_BYTES + entry.length);
  rest.set(entry, ENTRY_64_OFFSET - STAMP_BYTES);
  return stamped(rest);
}

function headerOf(source: BzImageSource, setupSectors: number, part: Uint8Array): SetupHeader {
  const is64 = source.arch === "x86_64";
  const payloadOffset = part.length - paddedTo(source.body, PARAGRAPH_BYTES).length;
  return {
    setupSectors,
    systemParagraphs: part.length / PARAGRAPH_BYTES,
    protocolVersion: source.protocolVersion,
    loadFlags: LOADED_HIGH,
    code32Start: 0x10_0000,
    initrdAddressMax: source.initrdAddressMax ?? (is64 ? 0x7fff_ffff : 0x37ff_ffff),
    kernelAlignment: source.alignment,
    relocatable: source.relocatable,
    minAlignment: Math.log2(source.alignment),
    extendedLoadFlags: is64 ? KERNEL_64 | LOADABLE_ABOVE_4G : 0,
    commandLineSize: source.commandLineSize ?? 2047,
    payloadOffset,
    payloadLength: source.body.length,
    preferredAddress: source.prefAddress,
    initSize: source.initSize,
    handoverOffset: 0,
  };
}

function checkSource(source: BzImageSource): void {
  const { arch, protocolVersion, alignment, kernelVersion } = source;
  const least = arch === "x86_64" ? 0x020c : 0x0202;
  if (protocolVersion < least) {
    throw new FormatError(
      FORMAT,
      HEADER_FIELD.protocolVersion,
      `${arch} needs protocol 0x${least.toString(16)}`,
    );
  }
  if (alignment < 4096 || !Number.isInteger(Math.log2(alignment))) {
    throw new FormatError(FORMAT, HEADER_FIELD.kernelAlignment, `alignment ${alignment}`);
  }
  if (kernelVersion.length >= VERSION_TEXT_BYTES_MAX || kernelVersion.includes("\0")) {
    throw new FormatError(FORMAT, HEADER_FIELD.kernelVersion, "version text too long or with zero");
  }
}

/**
 * A bzImage of ours, a multiple of 16 bytes long.
 *
 * @throws {FormatError} if the version cannot have the arch, the alignment is no power of two of
 * 4096 or more, or a number does not fit its field.
 */
export function emitBzImage(source: BzImageSource): Uint8Array {
  checkSource(source);
  const part = stampedBody(source);
  const codeOffset = setupHeaderEnd(source.protocolVersion);
  const halt = Uint8Array.of(0xfa, 0xf4, 0xeb, 0xfd); // cli; hlt; jmp back to hlt
  const textOffset = codeOffset + halt.length;
  const setupBytes = Math.ceil((textOffset + source.kernelVersion.length + 1) / SECTOR_BYTES) *
    SECTOR_BYTES;
  const writer = new FieldWriter(FORMAT, setupBytes + part.length);
  writeSetupHeader(writer, headerOf(source, setupBytes / SECTOR_BYTES - 1, part));
  writer.u16(HEADER_FIELD.kernelVersion, textOffset - 0x200);
  writer.put(codeOffset, halt);
  writer.text(textOffset, source.kernelVersion.length, source.kernelVersion);
  writer.put(setupBytes, part);
  return writer.bytes;
}
