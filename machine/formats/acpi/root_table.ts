/**
 * RSDT and XSDT: the lists of the other tables' addresses, of 4 and of 8 bytes each.
 *
 * @module
 */
import { FieldReader, FieldWriter } from "../byte_fields.ts";
import { emitTable, parseTable, TABLE_HEADER_BYTES, type TableIdentity } from "./table.ts";

/** Which of the two lists. */
export type RootSignature = "RSDT" | "XSDT";

const POINTER_BYTES: Readonly<Record<RootSignature, number>> = { RSDT: 4, XSDT: 8 };

/**
 * Physical addresses of the tables a list names.
 *
 * @throws {FormatError} as `parseTable`, or if the last address is cut short.
 */
export function parseRootTable(bytes: Uint8Array, signature: RootSignature): number[] {
  const { body } = parseTable(bytes, signature);
  const reader = new FieldReader(signature, body, TABLE_HEADER_BYTES);
  const step = POINTER_BYTES[signature];
  return Array.from(
    { length: Math.ceil(body.length / step) },
    (_, index) => step === 4 ? reader.u32(index * step) : reader.u64(index * step),
  );
}

/** The bytes of a list. */
export function emitRootTable(
  signature: RootSignature,
  addresses: readonly number[],
  identity: TableIdentity,
): Uint8Array {
  const step = POINTER_BYTES[signature];
  const writer = new FieldWriter(signature, addresses.length * step);
  for (const [index, address] of addresses.entries()) {
    if (step === 4) writer.u32(index * step, address);
    else writer.u64(index * step, address);
  }
  return emitTable({ ...identity, signature, revision: 1, body: writer.bytes });
}
