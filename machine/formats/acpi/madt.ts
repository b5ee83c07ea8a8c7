/**
 * The MADT ("APIC"): the processors and interrupt controllers of the machine.
 *
 * Records of other kinds are kept with their bytes.
 *
 * @module
 */
import { FieldReader, FieldWriter } from "../byte_fields.ts";
import { emitTable, parseTable, TABLE_HEADER_BYTES, type TableIdentity } from "./table.ts";

const FORMAT = "MADT";
const LIST_OFFSET = 8;

/** One record of the list. */
export type MadtRecord =
  | {
    readonly kind: "localApic";
    readonly processorId: number;
    readonly apicId: number;
    readonly enabled: boolean;
  }
  | {
    readonly kind: "ioApic";
    readonly id: number;
    readonly address: number;
    readonly interruptBase: number;
  }
  | {
    readonly kind: "override";
    readonly source: number;
    readonly interrupt: number;
    readonly flags: number;
  }
  | { readonly kind: "other"; readonly type: number; readonly bytes: Uint8Array };

/** The table's facts. */
export interface Madt {
  readonly localApicAddress: number;
  /** Bit 0: the two 8259 are there too. */
  readonly flags: number;
  readonly records: readonly MadtRecord[];
}

function parseRecord(reader: FieldReader, offset: number): MadtRecord {
  const type = reader.u8(offset);
  const length = reader.u8(offset + 1);
  if (type === 0 && length === 8) {
    return {
      kind: "localApic",
      processorId: reader.u8(offset + 2),
      apicId: reader.u8(offset + 3),
      enabled: (reader.u32(offset + 4) & 1) !== 0,
    };
  }
  if (type === 1 && length === 12) {
    return {
      kind: "ioApic",
      id: reader.u8(offset + 2),
      address: reader.u32(offset + 4),
      interruptBase: reader.u32(offset + 8),
    };
  }
  if (type === 2 && length === 10) {
    return {
      kind: "override",
      source: reader.u8(offset + 3),
      interrupt: reader.u32(offset + 4),
      flags: reader.u16(offset + 8),
    };
  }
  return { kind: "other", type, bytes: reader.slice(offset + 2, length - 2) };
}

/**
 * The facts of a MADT.
 *
 * @throws {FormatError} as `parseTable`, or if a record is shorter than 2 bytes or cut short.
 */
export function parseMadt(bytes: Uint8Array): Madt {
  const { body } = parseTable(bytes, "APIC");
  const reader = new FieldReader(FORMAT, body, TABLE_HEADER_BYTES);
  const records: MadtRecord[] = [];
  const head = { localApicAddress: reader.u32(0), flags: reader.u32(4) };
  let offset = LIST_OFFSET;
  while (offset < body.length) {
    const length = reader.u8(offset + 1);
    if (length < 2) reader.fail(offset + 1, `record of ${length} bytes`);
    reader.slice(offset, length);
    records.push(parseRecord(reader, offset));
    offset += length;
  }
  return { ...head, records };
}

const RECORD_BYTES = { localApic: 8, ioApic: 12, override: 10 } as const;

function emitRecord(record: MadtRecord): Uint8Array {
  const length = record.kind === "other" ? record.bytes.length + 2 : RECORD_BYTES[record.kind];
  const writer = new FieldWriter(FORMAT, length);
  writer.u8(1, length);
  switch (record.kind) {
    case "localApic":
      writer.u8(2, record.processorId);
      writer.u8(3, record.apicId);
      writer.u32(4, record.enabled ? 1 : 0);
      break;
    case "ioApic":
      writer.u8(0, 1);
      writer.u8(2, record.id);
      writer.u32(4, record.address);
      writer.u32(8, record.interruptBase);
      break;
    case "override":
      writer.u8(0, 2);
      writer.u8(3, record.source);
      writer.u32(4, record.interrupt);
      writer.u16(8, record.flags);
      break;
    case "other":
      writer.u8(0, record.type);
      writer.put(2, record.bytes);
      break;
  }
  return writer.bytes;
}

/** The bytes of a MADT. */
export function emitMadt(madt: Madt, identity: TableIdentity): Uint8Array {
  const records = madt.records.map(emitRecord);
  const length = records.reduce((sum, record) => sum + record.length, LIST_OFFSET);
  const writer = new FieldWriter(FORMAT, length);
  writer.u32(0, madt.localApicAddress);
  writer.u32(4, madt.flags);
  let offset = LIST_OFFSET;
  for (const record of records) {
    writer.put(offset, record);
    offset += record.length;
  }
  return emitTable({ ...identity, signature: "APIC", revision: 1, body: writer.bytes });
}

/** The records of a PC with `cpuCount` processors, one I/O APIC and the usual two overrides. */
export function pcInterrupts(cpuCount: number, sciInterrupt: number): Madt {
  const cpus = Array.from({ length: cpuCount }, (_, index): MadtRecord => ({
    kind: "localApic",
    processorId: index,
    apicId: index,
    enabled: true,
  }));
  return {
    localApicAddress: 0xfee0_0000,
    flags: 1,
    records: [
      ...cpus,
      { kind: "ioApic", id: cpuCount, address: 0xfec0_0000, interruptBase: 0 },
      { kind: "override", source: 0, interrupt: 2, flags: 0 },
      // Active high and level-triggered, as the recorded machine has its SCI.
      { kind: "override", source: sciInterrupt, interrupt: sciInterrupt, flags: 0x0d },
    ],
  };
}
