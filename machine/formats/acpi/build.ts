/**
 * The firmware's set of ACPI tables, laid out at physical addresses.
 *
 * Like real firmware it puts RSDP below 1 MiB, FACS in NVS, and the rest in the ACPI data range.
 * Later revisions get RSDT and XSDT, ACPI 1.0 (revision 1) RSDT only.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { E820_TYPE, endOf, type MemoryRange } from "../e820_table.ts";
import { emitDsdt, type SleepTypes } from "./dsdt.ts";
import { emitFacs, FACS_BYTES } from "./facs.ts";
import { emitFadt, type Fadt, FADT_FLAG } from "./fadt.ts";
import { emitMadt, pcInterrupts } from "./madt.ts";
import { emitRootTable } from "./root_table.ts";
import { emitRsdp } from "./rsdp.ts";
import { LABORATORY_IDENTITY, type TableIdentity } from "./table.ts";

const FORMAT = "ACPI tables";
const NO_BLOCK = { port: 0, bytes: 0 } as const;

/** Where RSDP may lie: the BIOS area, on a 16-byte boundary. */
export const RSDP_AREA: MemoryRange = { start: 0xe_0000, length: 0x2_0000 };

/** The machine that the tables describe. Ports are I/O ports. */
export interface AcpiMachine {
  /** FADT revision: 1 for ACPI 1.0, 3 to 6 for later ones. */
  readonly revision: number;
  /** 16-byte aligned, in {@linkcode RSDP_AREA}. */
  readonly rsdpAddress: number;
  readonly data: MemoryRange;
  /** e820 type of `data`; 3 unless given. */
  readonly dataType?: number;
  readonly nvs: MemoryRange;
  /** e820 type of `nvs`; 4 unless given. */
  readonly nvsType?: number;
  readonly cpuCount: number;
  readonly hardwareSignature: number;
  /** First port of PM1a status and enable, 4 bytes. */
  readonly pm1aEventPort: number;
  /** PM1a control, 2 bytes. */
  readonly pm1aControlPort: number;
  /** PM1b control, 2 bytes; none unless given. */
  readonly pm1bControlPort?: number;
  readonly pmTimerPort: number;
  /** GPE0 status and enable, 4 bytes. */
  readonly gpe0Port: number;
  readonly sciInterrupt: number;
  /** SMI command port; 0 if ACPI mode is always on. */
  readonly smiCommandPort: number;
  readonly acpiEnable: number;
  readonly acpiDisable: number;
  /** Value for the SMI command port that asks for S4BIOS; 0 for none. */
  readonly s4biosRequest: number;
  readonly sleepTypes: SleepTypes;
  readonly debugPort: number;
  readonly oldSleepMethods: boolean;
  /** A notebook: has a lid, states the mobile profile. */
  readonly mobile: boolean;
  readonly identity?: TableIdentity;
}

/** The ports and values of QEMU's `pc` machine, which the other profiles share. */
export const PC_ACPI_PORTS: Pick<
  AcpiMachine,
  | "pm1aEventPort"
  | "pm1aControlPort"
  | "pmTimerPort"
  | "gpe0Port"
  | "sciInterrupt"
  | "smiCommandPort"
  | "acpiEnable"
  | "acpiDisable"
  | "s4biosRequest"
  | "debugPort"
> = {
  pm1aEventPort: 0x600,
  pm1aControlPort: 0x604,
  pmTimerPort: 0x608,
  gpe0Port: 0xafe0,
  sciInterrupt: 9,
  smiCommandPort: 0xb2,
  acpiEnable: 0xf1,
  acpiDisable: 0xf0,
  s4biosRequest: 0,
  debugPort: 0x80,
};

/** SLP_TYP values: those of QEMU's `pc` and those of an Intel ICH (T42, present-day laptop). */
export const SLEEP_TYPES: Readonly<Record<"virtualMachine" | "ich", SleepTypes>> = {
  virtualMachine: { s3: { a: 1, b: 1 }, s4: { a: 2, b: 2 }, s5: { a: 0, b: 0 } },
  ich: {
    s0: { a: 0, b: 0 },
    s3: { a: 5, b: 0 },
    s4: { a: 6, b: 0 },
    s5: { a: 7, b: 0 },
  },
};

/** A table at its place. `e820Type` is that of the range it lies in. */
export interface PlacedTable {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly e820Type: number;
}

function fadtOf(machine: AcpiMachine, facsAddress: number, dsdtAddress: number): Fadt {
  const isOld = machine.revision < 2;
  return {
    revision: machine.revision,
    facsAddress,
    dsdtAddress,
    profile: isOld ? 0 : machine.mobile ? 2 : 1,
    sciInterrupt: machine.sciInterrupt,
    smiCommand: machine.smiCommandPort,
    acpiEnable: machine.acpiEnable,
    acpiDisable: machine.acpiDisable,
    s4biosRequest: machine.s4biosRequest,
    pm1aEvent: { port: machine.pm1aEventPort, bytes: 4 },
    pm1bEvent: NO_BLOCK,
    pm1aControl: { port: machine.pm1aControlPort, bytes: 2 },
    pm1bControl: machine.pm1bControlPort === undefined
      ? NO_BLOCK
      : { port: machine.pm1bControlPort, bytes: 2 },
    pm2Control: NO_BLOCK,
    pmTimer: { port: machine.pmTimerPort, bytes: 4 },
    gpe0: { port: machine.gpe0Port, bytes: 4 },
    gpe1: NO_BLOCK,
    century: 0x32,
    bootArch: isOld ? 0 : 0x3,
    flags: FADT_FLAG.wbinvd | FADT_FLAG.processorC1 | FADT_FLAG.powerButtonDevice |
      FADT_FLAG.sleepButtonDevice | FADT_FLAG.s4RtcWake | FADT_FLAG.s4RtcStatusValid |
      (isOld ? 0 : FADT_FLAG.resetRegister),
    resetPort: isOld ? 0 : 0xcf9,
    resetValue: isOld ? 0 : 6,
  };
}

/** Hands out 16-byte aligned places in the ACPI data range. */
class Placer {
  readonly tables: PlacedTable[] = [];
  readonly #range: MemoryRange;
  readonly #type: number;
  #next: number;

  constructor(range: MemoryRange, e820Type: number) {
    this.#range = range;
    this.#type = e820Type;
    this.#next = range.start;
  }

  place(name: string, bytes: Uint8Array): number {
    const address = Math.ceil(this.#next / 16) * 16;
    this.#next = address + bytes.length;
    if (this.#next > endOf(this.#range)) {
      throw new FormatError(FORMAT, address, `${name} does not fit the ACPI data range`);
    }
    this.tables.push({ address, bytes, name, e820Type: this.#type });
    return address;
  }
}

function placeRsdp(machine: AcpiMachine, rsdtAddress: number, xsdtAddress: number): PlacedTable {
  const address = machine.rsdpAddress;
  const { oemId } = machine.identity ?? LABORATORY_IDENTITY;
  const revision = machine.revision < 2 ? 0 : 2;
  const bytes = emitRsdp({ oemId, revision, rsdtAddress, xsdtAddress });
  const isInArea = address >= RSDP_AREA.start && address + bytes.length <= endOf(RSDP_AREA);
  if (!isInArea || address % 16 !== 0) {
    throw new FormatError(FORMAT, 0, `RSDP at 0x${address.toString(16)}`);
  }
  return { address, bytes, name: "RSDP", e820Type: E820_TYPE.reserved };
}

function placeFacs(machine: AcpiMachine): PlacedTable {
  const address = Math.ceil(machine.nvs.start / FACS_BYTES) * FACS_BYTES;
  if (address + FACS_BYTES > endOf(machine.nvs)) {
    throw new FormatError(FORMAT, address, "FACS does not fit the NVS range");
  }
  const bytes = emitFacs({
    hardwareSignature: machine.hardwareSignature,
    wakingVector: 0,
    globalLock: 0,
    flags: machine.s4biosRequest === 0 ? 0 : 1,
    extendedWakingVector: 0,
    version: machine.revision < 2 ? 0 : 2,
    ospmFlags: 0,
  });
  return { address, bytes, name: "FACS", e820Type: machine.nvsType ?? E820_TYPE.nvs };
}

/**
 * All tables of a machine with their places, RSDP first.
 *
 * @throws {FormatError} if a table does not fit its range, RSDP is outside its area or not
 * aligned, or a number does not fit its field.
 */
export function buildAcpiTables(machine: AcpiMachine): PlacedTable[] {
  const identity = machine.identity ?? LABORATORY_IDENTITY;
  const placer = new Placer(machine.data, machine.dataType ?? E820_TYPE.acpi);
  const facs = placeFacs(machine);
  const dsdt = placer.place(
    "DSDT",
    emitDsdt({
      sleepTypes: machine.sleepTypes,
      debugPort: machine.debugPort,
      oldSleepMethods: machine.oldSleepMethods,
      lid: machine.mobile,
      wakeEvent: 8,
    }, identity),
  );
  const fadt = placer.place("FACP", emitFadt(fadtOf(machine, facs.address, dsdt), identity));
  const interrupts = pcInterrupts(machine.cpuCount, machine.sciInterrupt);
  const madt = placer.place("APIC", emitMadt(interrupts, identity));
  const rsdt = placer.place("RSDT", emitRootTable("RSDT", [fadt, madt], identity));
  const xsdt = machine.revision < 2
    ? 0
    : placer.place("XSDT", emitRootTable("XSDT", [fadt, madt], identity));
  return [placeRsdp(machine, rsdt, xsdt), ...placer.tables, facs];
}
