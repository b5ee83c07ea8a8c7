/**
 * The x86 boot protocol's set-up header: the fields at 0x1f1 of a bzImage and, as a copy, of the
 * zero page.
 *
 * {@linkcode parseSetupHeader} reads it from either. A field that the header's protocol version
 * does not have yet gets the value the protocol states for such kernels.
 *
 * @module
 */
import type { FieldReader, FieldWriter } from "./byte_fields.ts";

/** Where the header starts, in the bzImage and in the zero page. */
export const SETUP_HEADER_OFFSET = 0x1f1;

/** Bytes of the header that kexec-tools copies at most. */
export const SETUP_HEADER_BYTES_MAX = 0x7f;

/** Offsets of the fields used, from the start of the bzImage or of the zero page. */
export const HEADER_FIELD = {
  setupSectors: 0x1f1,
  systemParagraphs: 0x1f4,
  bootFlag: 0x1fe,
  jump: 0x200,
  magic: 0x202,
  protocolVersion: 0x206,
  kernelVersion: 0x20e,
  loaderType: 0x210,
  loadFlags: 0x211,
  code32Start: 0x214,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  commandLinePointer: 0x228,
  initrdAddressMax: 0x22c,
  kernelAlignment: 0x230,
  relocatable: 0x234,
  minAlignment: 0x235,
  extendedLoadFlags: 0x236,
  commandLineSize: 0x238,
  payloadOffset: 0x248,
  payloadLength: 0x24c,
  setupData: 0x250,
  preferredAddress: 0x258,
  initSize: 0x260,
  handoverOffset: 0x264,
  kernelInfoOffset: 0x268,
} as const;

/** `loadFlags` bit: the protected-mode part is loaded at 1 MiB or above (a bzImage). */
export const LOADED_HIGH = 0x01;
/** `extendedLoadFlags` bit: has the 64-bit entry point at 0x200. */
export const KERNEL_64 = 0x01;
/** `extendedLoadFlags` bit: kernel, parameters, command line and ramdisk may lie above 4 GiB. */
export const LOADABLE_ABOVE_4G = 0x02;

/** Bytes of a paragraph, the unit of `systemParagraphs`. */
export const PARAGRAPH_BYTES = 16;

/** The header's facts. Sizes and addresses are bytes unless the name says otherwise. */
export interface SetupHeader {
  /** 512-byte sectors of set-up code after the boot sector; 0 is written for 4 in old kernels. */
  readonly setupSectors: number;
  /** Length of the protected-mode part in paragraphs of 16 bytes. */
  readonly systemParagraphs: number;
  /** Major version in the high byte: 0x020f is 2.15. */
  readonly protocolVersion: number;
  readonly loadFlags: number;
  readonly code32Start: number;
  readonly initrdAddressMax: number;
  readonly kernelAlignment: number;
  readonly relocatable: boolean;
  /** Power of two, 0 when unknown. */
  readonly minAlignment: number;
  readonly extendedLoadFlags: number;
  /** Longest command line without the terminating zero. */
  readonly commandLineSize: number;
  readonly payloadOffset: number;
  readonly payloadLength: number;
  readonly preferredAddress: number;
  /** Memory from the load address that the kernel needs before it reads the memory map. */
  readonly initSize: number;
  readonly handoverOffset: number;
}

/**
 * The header of a bzImage or zero page.
 *
 * @param reader Over the whole structure, so that offsets are those of {@linkcode HEADER_FIELD}.
 * @throws {FormatError} if boot flag or "HdrS" are missing, the protocol is older than 2.00 or
 * the input ends inside a field that the version has.
 */
export function parseSetupHeader(reader: FieldReader): SetupHeader {
  if (reader.u16(HEADER_FIELD.bootFlag) !== 0xaa55) {
    reader.fail(HEADER_FIELD.bootFlag, "no boot flag 55 AA");
  }
  if (reader.text(HEADER_FIELD.magic, 4) !== "HdrS") {
    reader.fail(HEADER_FIELD.magic, "no 'HdrS'");
  }
  const version = reader.u16(HEADER_FIELD.protocolVersion);
  if (version < 0x0200) {
    reader.fail(HEADER_FIELD.protocolVersion, `boot protocol 0x${version.toString(16)} is too old`);
  }
  const since = <T>(least: number, read: () => T, before: T): T =>
    version >= least ? read() : before;
  const sectors = reader.u8(HEADER_FIELD.setupSectors);
  return {
    setupSectors: sectors === 0 ? 4 : sectors,
    systemParagraphs: since(
      0x0204,
      () => reader.u32(HEADER_FIELD.systemParagraphs),
      reader.u16(HEADER_FIELD.systemParagraphs),
    ),
    protocolVersion: version,
    loadFlags: reader.u8(HEADER_FIELD.loadFlags),
    code32Start: reader.u32(HEADER_FIELD.code32Start),
    initrdAddressMax: since(0x0203, () => reader.u32(HEADER_FIELD.initrdAddressMax), 0x37ff_ffff),
    kernelAlignment: since(0x0205, () => reader.u32(HEADER_FIELD.kernelAlignment), 0),
    relocatable: since(0x0205, () => reader.u8(HEADER_FIELD.relocatable) !== 0, false),
    minAlignment: since(0x020a, () => reader.u8(HEADER_FIELD.minAlignment), 0),
    extendedLoadFlags: since(0x020c, () => reader.u16(HEADER_FIELD.extendedLoadFlags), 0),
    commandLineSize: since(0x0206, () => reader.u32(HEADER_FIELD.commandLineSize), 255),
    payloadOffset: since(0x0208, () => reader.u32(HEADER_FIELD.payloadOffset), 0),
    payloadLength: since(0x0208, () => reader.u32(HEADER_FIELD.payloadLength), 0),
    preferredAddress: since(0x020a, () => reader.u64(HEADER_FIELD.preferredAddress), 0x10_0000),
    initSize: since(0x020a, () => reader.u32(HEADER_FIELD.initSize), 0),
    handoverOffset: since(0x020b, () => reader.u32(HEADER_FIELD.handoverOffset), 0),
  };
}

/** First offset after the header of each protocol version, by what the version added last. */
const HEADER_ENDS: readonly (readonly [number, number])[] = [
  [0x020f, 0x26c],
  [0x020b, 0x268],
  [0x020a, 0x264],
  [0x0209, 0x258],
  [0x0208, 0x250],
  [0x0207, 0x248],
  [0x0206, 0x23c],
  [0x0205, 0x238],
  [0x0203, 0x230],
  [0x0202, 0x22c],
  [0x0200, 0x228],
];

/** First offset after the header of a protocol version. */
export function setupHeaderEnd(protocolVersion: number): number {
  return HEADER_ENDS.find(([version]) => protocolVersion >= version)?.[1] ?? 0x228;
}

/**
 * Writes a header into a structure, fields that its version does not have left zero.
 *
 * @throws {FormatError} if a number does not fit its field.
 */
export function writeSetupHeader(writer: FieldWriter, header: SetupHeader): void {
  const version = header.protocolVersion;
  const end = setupHeaderEnd(version);
  writer.u8(HEADER_FIELD.setupSectors, header.setupSectors);
  writer.u32(HEADER_FIELD.systemParagraphs, header.systemParagraphs);
  writer.u16(HEADER_FIELD.bootFlag, 0xaa55);
  // A short jump over the header; its distance is how the header's length is stated.
  writer.u8(HEADER_FIELD.jump, 0xeb);
  writer.u8(HEADER_FIELD.jump + 1, end - HEADER_FIELD.magic);
  writer.text(HEADER_FIELD.magic, 4, "HdrS");
  writer.u16(HEADER_FIELD.protocolVersion, version);
  writer.u8(HEADER_FIELD.loadFlags, header.loadFlags);
  writer.u32(HEADER_FIELD.code32Start, header.code32Start);
  if (version >= 0x0203) writer.u32(HEADER_FIELD.initrdAddressMax, header.initrdAddressMax);
  if (version >= 0x0205) {
    writer.u32(HEADER_FIELD.kernelAlignment, header.kernelAlignment);
    writer.u8(HEADER_FIELD.relocatable, header.relocatable ? 1 : 0);
  }
  if (version >= 0x0206) writer.u32(HEADER_FIELD.commandLineSize, header.commandLineSize);
  if (version >= 0x0208) {
    writer.u32(HEADER_FIELD.payloadOffset, header.payloadOffset);
    writer.u32(HEADER_FIELD.payloadLength, header.payloadLength);
  }
  if (version >= 0x020a) {
    writer.u8(HEADER_FIELD.minAlignment, header.minAlignment);
    writer.u64(HEADER_FIELD.preferredAddress, header.preferredAddress);
    writer.u32(HEADER_FIELD.initSize, header.initSize);
  }
  if (version >= 0x020b) writer.u32(HEADER_FIELD.handoverOffset, header.handoverOffset);
  if (version >= 0x020c) writer.u16(HEADER_FIELD.extendedLoadFlags, header.extendedLoadFlags);
}
