/**
 * Our own DSDT: sleep states, sleep methods and a few devices (protocol.md E.6.5).
 *
 * The sleep methods write their state to a debug port, so that the firmware actor sees which ones
 * a kernel ran and in which order: `_TTS` writes 0x10 (`_TTS(4)` 0x14), `_PTS` 0x20, `_GTS` 0x30,
 * `_BFS` 0x40 and `_WAK` 0x50, each with the state in the low four bits.
 *
 * @module
 */
import {
  type Aml,
  ARGUMENT_0,
  byteField,
  device,
  eisaId,
  integer,
  ioRegion,
  method,
  name,
  nameString,
  or,
  packageOf,
  returns,
  scope,
} from "./aml.ts";
import type { SleepType } from "./sleep_package.ts";
import { emitTable, type TableIdentity } from "./table.ts";

/** What each sleep method adds to the state that it writes to the debug port. */
export const SLEEP_METHOD_CODE = {
  _TTS: 0x10,
  _PTS: 0x20,
  _GTS: 0x30,
  _BFS: 0x40,
  _WAK: 0x50,
} as const;

/** The name of a sleep method. */
export type SleepMethod = keyof typeof SLEEP_METHOD_CODE;

/** SLP_TYP values by state; a state without one is not declared. */
export interface SleepTypes {
  readonly s0?: SleepType;
  readonly s3?: SleepType;
  readonly s4?: SleepType;
  readonly s5: SleepType;
}

/** What the DSDT says. */
export interface DsdtSource {
  readonly sleepTypes: SleepTypes;
  /** I/O port that the sleep methods write to, 8 bits. */
  readonly debugPort: number;
  /** Whether `_GTS` and `_BFS` are there (ACPI 2.0 to 5.0). */
  readonly oldSleepMethods: boolean;
  /** Whether a lid is there (a notebook). */
  readonly lid: boolean;
  /** General-purpose event that lid, buttons and RTC wake by. */
  readonly wakeEvent: number;
}

function sleepPackages(types: SleepTypes): Aml[] {
  const states = [["\\_S0", types.s0], ["\\_S3", types.s3], ["\\_S4", types.s4], [
    "\\_S5",
    types.s5,
  ]] as const;
  return states.flatMap(([text, type]) =>
    type === undefined
      ? []
      : [name(text, packageOf([integer(type.a), integer(type.b), integer(0), integer(0)]))]
  );
}

function sleepMethod(text: SleepMethod, returned: readonly Aml[]): Aml {
  const write = or(ARGUMENT_0, integer(SLEEP_METHOD_CODE[text]), nameString("DBGB"));
  return method(`\\${text}`, 1, [write, ...returned]);
}

/** A device that can wake the machine from S4. */
function wakingDevice(text: string, identifier: string, event: number, terms: readonly Aml[]): Aml {
  return device(text, [
    name("_HID", eisaId(identifier)),
    name("_PRW", packageOf([integer(event), integer(4)])),
    ...terms,
  ]);
}

function devices(source: DsdtSource): Aml {
  const event = source.wakeEvent;
  const lid = wakingDevice("LID0", "PNP0C0D", event, [
    method("_LID", 0, [returns(integer(1))]),
  ]);
  return scope("\\_SB_", [
    ...(source.lid ? [lid] : []),
    wakingDevice("PWRB", "PNP0C0C", event, []),
    device("PCI0", [
      name("_HID", eisaId("PNP0A03")),
      name("_UID", integer(0)),
      wakingDevice("RTC0", "PNP0B00", event, []),
      device("KBD0", [name("_HID", eisaId("PNP0303"))]),
    ]),
  ]);
}

/** The bytes of the DSDT. */
export function emitDsdt(source: DsdtSource, identity: TableIdentity): Uint8Array {
  const old = source.oldSleepMethods ? [sleepMethod("_GTS", []), sleepMethod("_BFS", [])] : [];
  const terms: Aml[] = [
    ioRegion("DBGP", source.debugPort, 1),
    byteField("DBGP", "DBGB"),
    ...sleepPackages(source.sleepTypes),
    sleepMethod("_TTS", []),
    sleepMethod("_PTS", []),
    ...old,
    sleepMethod("_WAK", [returns(packageOf([integer(0), integer(0)]))]),
    devices(source),
  ];
  const body = Uint8Array.from(terms.flat());
  // From revision 2 on integers have 64 bits.
  return emitTable({ ...identity, signature: "DSDT", revision: 2, body });
}
