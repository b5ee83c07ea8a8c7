/**
 * The RSDP, the pointer that a kernel looks for in low memory (protocol.md E.6.1).
 *
 * Revision 0 (ACPI 1.0) has 20 bytes and points to the RSDT; revision 2 has 36 and points to the
 * XSDT as well.
 *
 * @module
 */
import { FieldReader, FieldWriter } from "../byte_fields.ts";
import { byteSum, setChecksum } from "./table.ts";

const FORMAT = "RSDP";
const SIGNATURE = "RSD PTR ";

/** Bytes of an RSDP of revision 0 and of a later one. */
export const RSDP_BYTES = { first: 20, extended: 36 } as const;

/** Addresses are physical; `xsdtAddress` is 0 in revision 0. */
export interface Rsdp {
  readonly oemId: string;
  readonly revision: number;
  readonly rsdtAddress: number;
  readonly xsdtAddress: number;
}

/** Whether an RSDP's signature stands at the start of the bytes. */
export function hasRsdpSignature(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && String.fromCharCode(...bytes.subarray(0, 8)) === SIGNATURE;
}

/**
 * The RSDP at the start of the bytes.
 *
 * @throws {FormatError} if the signature or a checksum is wrong or the input ends early.
 */
export function parseRsdp(bytes: Uint8Array): Rsdp {
  const reader = new FieldReader(FORMAT, bytes);
  if (reader.text(0, 8) !== SIGNATURE) reader.fail(0, `no '${SIGNATURE}'`);
  if (byteSum(reader.slice(0, RSDP_BYTES.first)) !== 0) reader.fail(8, "wrong checksum");
  const revision = reader.u8(15);
  const head = { oemId: reader.text(9, 6).trimEnd(), revision, rsdtAddress: reader.u32(16) };
  if (revision < 2) return { ...head, xsdtAddress: 0 };
  const length = reader.u32(20);
  if (length < RSDP_BYTES.extended || length > 4096) reader.fail(20, `length ${length}`);
  if (byteSum(reader.slice(0, length)) !== 0) reader.fail(32, "wrong extended checksum");
  return { ...head, xsdtAddress: reader.u64(24) };
}

/** The bytes of an RSDP: 20 below revision 2, else 36. */
export function emitRsdp(rsdp: Rsdp): Uint8Array {
  const extended = rsdp.revision >= 2;
  const writer = new FieldWriter(FORMAT, extended ? RSDP_BYTES.extended : RSDP_BYTES.first);
  writer.text(0, 8, SIGNATURE);
  writer.text(9, 6, rsdp.oemId, 0x20);
  writer.u8(15, rsdp.revision);
  writer.u32(16, rsdp.rsdtAddress);
  setChecksum(writer.bytes.subarray(0, RSDP_BYTES.first), 8);
  if (extended) {
    writer.u32(20, RSDP_BYTES.extended);
    writer.u64(24, rsdp.xsdtAddress);
    setChecksum(writer.bytes, 32);
  }
  return writer.bytes;
}
