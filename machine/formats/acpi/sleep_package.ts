/**
 * The sleep states' packages in a DSDT: what a kernel writes into SLP_TYP (protocol.md E.6.4).
 *
 * Found by scanning the AML for the name, which needs no interpreter and works for real tables:
 * firmware declares these packages with constants.
 *
 * @module
 */
import { FieldReader } from "../byte_fields.ts";
import { parseTable, TABLE_HEADER_BYTES } from "./table.ts";

/** SLP_TYP values for the PM1a and PM1b control registers, 0 to 7. */
export interface SleepType {
  readonly a: number;
  readonly b: number;
}

interface Constant {
  readonly value: number;
  /** Bytes it takes. */
  readonly length: number;
}

function constant(reader: FieldReader, offset: number): Constant {
  const operation = reader.u8(offset);
  switch (operation) {
    case 0x00:
    case 0x01:
      return { value: operation, length: 1 };
    case 0x0a:
      return { value: reader.u8(offset + 1), length: 2 };
    case 0x0b:
      return { value: reader.u16(offset + 1), length: 3 };
    case 0x0c:
      return { value: reader.u32(offset + 1), length: 5 };
    case 0xff:
      return { value: 0xff, length: 1 };
    default:
      return reader.fail(offset, `AML operation 0x${operation.toString(16)} is no constant`);
  }
}

/** Whether a `Name` operation stands before the name, with or without a root prefix. */
function isDeclared(reader: FieldReader, nameOffset: number): boolean {
  const before = nameOffset > 0 ? reader.u8(nameOffset - 1) : 0;
  if (before === 0x08) return true;
  return before === 0x5c && nameOffset > 1 && reader.u8(nameOffset - 2) === 0x08;
}

function readPackage(reader: FieldReader, offset: number): SleepType {
  const follow = reader.u8(offset) >> 6;
  const countOffset = offset + 1 + follow;
  const count = reader.u8(countOffset);
  if (count === 0) reader.fail(countOffset, "empty sleep package");
  const first = constant(reader, countOffset + 1);
  // Old firmware packs both values into one element: low byte a, next byte b.
  if (count === 1) return { a: first.value & 7, b: (first.value >> 8) & 7 };
  const second = constant(reader, countOffset + 1 + first.length);
  return { a: first.value & 7, b: second.value & 7 };
}

/**
 * The values of a sleep state's package; undefined when the DSDT has none, which means that the
 * machine lacks the state.
 *
 * @param dsdt The whole table, header included.
 * @param state Such as "_S4_" or "_S5_".
 * @throws {FormatError} if the table is malformed or the package holds no constants.
 */
export function parseSleepPackage(dsdt: Uint8Array, state: string): SleepType | undefined {
  const { body } = parseTable(dsdt, "DSDT");
  const reader = new FieldReader("DSDT", body, TABLE_HEADER_BYTES);
  for (let offset = 0; offset + 5 <= body.length; offset++) {
    if (reader.text(offset, 4) !== state) continue;
    if (isDeclared(reader, offset) && reader.u8(offset + 4) === 0x12) {
      return readPackage(reader, offset + 5);
    }
  }
  return undefined;
}
