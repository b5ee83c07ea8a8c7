/**
 * How a kernel finds its ACPI hardware: from RSDP through the root table to FADT, FACS and DSDT.
 *
 * Memory is read through a callback, so that every byte comes out of simulated RAM.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { FieldReader } from "../byte_fields.ts";
import { endOf } from "../e820_table.ts";
import { RSDP_AREA } from "./build.ts";
import { type Facs, FACS_BYTES, parseFacs } from "./facs.ts";
import { type Fadt, parseFadt } from "./fadt.ts";
import { type MadtRecord, parseMadt } from "./madt.ts";
import { parseRootTable } from "./root_table.ts";
import { hasRsdpSignature, parseRsdp, type Rsdp, RSDP_BYTES } from "./rsdp.ts";
import { parseSleepPackage, type SleepType } from "./sleep_package.ts";
import { parseTable, statedTableBytes } from "./table.ts";

/** Reads `length` bytes of physical memory. */
export type ReadMemory = (address: number, length: number) => Uint8Array;

const FORMAT = "ACPI tables";
const EBDA_POINTER = 0x40e;
const STEP_BYTES = 16;
/** Tables that a root table may name here. */
const TABLES_MAX = 256;

function scan(read: ReadMemory, start: number, length: number): number | undefined {
  const area = read(start, length);
  for (let offset = 0; offset + RSDP_BYTES.first <= length; offset += STEP_BYTES) {
    if (!hasRsdpSignature(area.subarray(offset, offset + 8))) continue;
    try {
      parseRsdp(area.subarray(offset));
      return start + offset;
    } catch (error) {
      // A signature with a wrong checksum is an accident of the data: look on.
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return undefined;
}

/**
 * Physical address of RSDP: in the first KiB of the EBDA, else in 0xe0000 to 0xfffff; undefined
 * when there is none, which means a machine without ACPI.
 */
export function findRsdp(read: ReadMemory): number | undefined {
  const ebda = new FieldReader("BIOS data area", read(EBDA_POINTER, 2)).u16(0) * 16;
  const isLow = ebda > 0x400 && ebda + 1024 <= 0xa_0000;
  const inEbda = isLow ? scan(read, ebda, 1024) : undefined;
  return inEbda ?? scan(read, RSDP_AREA.start, RSDP_AREA.length);
}

/** A table of the root table's list; `bytes` with a right checksum. */
export interface FoundTable {
  readonly address: number;
  readonly signature: string;
  readonly bytes: Uint8Array;
}

/**
 * The table at an address.
 *
 * @throws {FormatError} if there is none or its checksum is wrong.
 */
export function readTable(read: ReadMemory, address: number): FoundTable {
  const bytes = read(address, statedTableBytes(read(address, 8)));
  return { address, signature: parseTable(bytes).signature, bytes };
}

/** What a kernel takes from the tables. */
export interface AcpiView {
  readonly rsdpAddress: number;
  readonly rsdp: Rsdp;
  readonly tables: readonly FoundTable[];
  readonly fadt: Fadt;
  readonly facsAddress: number;
  readonly facs: Facs;
  readonly dsdt: Uint8Array;
  /** SLP_TYP of S4; undefined when the machine has no S4. */
  readonly s4: SleepType | undefined;
  readonly s5: SleepType | undefined;
  /** Enabled processors. */
  readonly cpuCount: number;
}

function readRsdp(read: ReadMemory, address: number): Rsdp {
  // A revision 0 RSDP may be the last 20 bytes of its area.
  const length = address + RSDP_BYTES.extended <= endOf(RSDP_AREA) || address > endOf(RSDP_AREA)
    ? RSDP_BYTES.extended
    : RSDP_BYTES.first;
  return parseRsdp(read(address, length));
}

function listed(read: ReadMemory, rsdp: Rsdp): number[] {
  const root = rsdp.xsdtAddress === 0 ? rsdp.rsdtAddress : rsdp.xsdtAddress;
  const { bytes } = readTable(read, root);
  const addresses = parseRootTable(bytes, rsdp.xsdtAddress === 0 ? "RSDT" : "XSDT");
  if (addresses.length > TABLES_MAX) {
    throw new FormatError(FORMAT, root, `${addresses.length} tables, at most ${TABLES_MAX}`);
  }
  return addresses;
}

function countCpus(records: readonly MadtRecord[]): number {
  return records.filter((record) => record.kind === "localApic" && record.enabled).length;
}

/**
 * Walks the tables.
 *
 * @param rsdpAddress Where RSDP is, if known (`boot_params` or `acpi_rsdp=`); looked for when not.
 * @returns undefined when the machine has no RSDP.
 * @throws {FormatError} if a table on the way is missing or malformed.
 */
export function walkAcpi(read: ReadMemory, rsdpAddress?: number): AcpiView | undefined {
  const place = rsdpAddress === undefined || rsdpAddress === 0 ? findRsdp(read) : rsdpAddress;
  if (place === undefined) return undefined;
  const rsdp = readRsdp(read, place);
  const tables = listed(read, rsdp).map((address) => readTable(read, address));
  const fadtTable = tables.find((table) => table.signature === "FACP");
  if (fadtTable === undefined) throw new FormatError(FORMAT, place, "no FADT");
  const fadt = parseFadt(fadtTable.bytes);
  const dsdt = readTable(read, fadt.dsdtAddress).bytes;
  const madt = tables.find((table) => table.signature === "APIC");
  return {
    rsdpAddress: place,
    rsdp,
    tables,
    fadt,
    facsAddress: fadt.facsAddress,
    facs: parseFacs(read(fadt.facsAddress, FACS_BYTES)),
    dsdt,
    s4: parseSleepPackage(dsdt, "_S4_"),
    s5: parseSleepPackage(dsdt, "_S5_"),
    cpuCount: madt === undefined ? 1 : countCpus(parseMadt(madt.bytes).records),
  };
}
