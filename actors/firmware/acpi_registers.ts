/**
 * The fixed hardware of ACPI: PM1 event and control registers, general-purpose event block 0, PM
 * timer, SMI command port and reset register (protocol.md E.6.4).
 *
 * Status bits are cleared by writing ones. SLP_EN is write-only. A port that nobody decodes
 * takes writes without effect and reads as all ones.
 *
 * @module
 */
import type { AcpiProfile } from "../../machine/hardware_profile.ts";

/** Bits of the PM1 status register. */
export const PM1_STATUS = { powerButton: 1 << 8, rtc: 1 << 10, wake: 1 << 15 } as const;

/** Bits of the PM1 control register. */
export const PM1_CONTROL = {
  sciEnable: 1,
  busMasterReload: 2,
  sleepTypeShift: 10,
  sleepTypeMask: 7 << 10,
  sleepEnable: 1 << 13,
} as const;

/** Reset register of ACPI 2.0 and later: port and the value that resets. */
export const RESET_REGISTER = { port: 0xcf9, value: 6 } as const;

/**
 * What the APM BIOS's "set power state: off" writes to the SMI command port: the older interface,
 * for kernels without ACPI. It says nothing to ACPI, and nothing of it is an ACPI fact.
 */
export const APM_POWER_OFF = 0x0f;

const READABLE_CONTROL = PM1_CONTROL.sciEnable | PM1_CONTROL.busMasterReload |
  PM1_CONTROL.sleepTypeMask;
const PM_TIMER_HZ = 3_579_545;
const PM_TIMER_MASK = 0xff_ffff;
const NOBODY = 0xffff;

/** The registers' contents, 16 bits each. */
export interface AcpiRegisters {
  status: number;
  enable: number;
  control: number;
  gpeStatus: number;
  gpeEnable: number;
}

/** Registers after power-on: ACPI mode is off. */
export function freshRegisters(): AcpiRegisters {
  return { status: 0, enable: 0, control: 0, gpeStatus: 0, gpeEnable: 0 };
}

/** Name of a register by its port; `port …` for one that nobody decodes. */
export function registerName(acpi: AcpiProfile, port: number): string {
  switch (port) {
    case acpi.pm1aEventPort:
      return "PM1a_STS";
    case acpi.pm1aEventPort + 2:
      return "PM1a_EN";
    case acpi.pm1aControlPort:
      return "PM1a_CNT";
    case acpi.gpe0Port:
      return "GPE0_STS";
    case acpi.gpe0Port + 2:
      return "GPE0_EN";
    case acpi.smiCommandPort:
      return "SMI_CMD";
    case acpi.pmTimerPort:
      return "PM_TMR";
    case RESET_REGISTER.port:
      return "RESET";
    default:
      return `port 0x${port.toString(16)}`;
  }
}

/** What a write asks of the machine besides changing a register. */
export type Consequence =
  | { readonly kind: "none" }
  | { readonly kind: "sleep"; readonly sleepType: number }
  | { readonly kind: "reset" };

const NONE: Consequence = { kind: "none" };

function writeControl(registers: AcpiRegisters, value: number): Consequence {
  // SCI_EN is the firmware's to change, by the SMI command.
  const kept = registers.control & PM1_CONTROL.sciEnable;
  registers.control = kept | (value & READABLE_CONTROL & ~PM1_CONTROL.sciEnable);
  if ((value & PM1_CONTROL.sleepEnable) === 0) return NONE;
  const sleepType = (value & PM1_CONTROL.sleepTypeMask) >> PM1_CONTROL.sleepTypeShift;
  return { kind: "sleep", sleepType };
}

/** Writes a register. */
export function writeRegister(
  registers: AcpiRegisters,
  acpi: AcpiProfile,
  port: number,
  value: number,
): Consequence {
  switch (registerName(acpi, port)) {
    case "PM1a_STS":
      registers.status &= ~value;
      return NONE;
    case "PM1a_EN":
      registers.enable = value & 0xffff;
      return NONE;
    case "PM1a_CNT":
      return writeControl(registers, value);
    case "GPE0_STS":
      registers.gpeStatus &= ~value;
      return NONE;
    case "GPE0_EN":
      registers.gpeEnable = value & 0xffff;
      return NONE;
    case "SMI_CMD":
      if (value === acpi.acpiEnable) registers.control |= PM1_CONTROL.sciEnable;
      if (value === acpi.acpiDisable) registers.control &= ~PM1_CONTROL.sciEnable;
      return NONE;
    case "RESET":
      return value === RESET_REGISTER.value ? { kind: "reset" } : NONE;
    default:
      return NONE;
  }
}

/** Reads a register; `now` is virtual time in ns, for the PM timer. */
export function readRegister(
  registers: AcpiRegisters,
  acpi: AcpiProfile,
  port: number,
  now: number,
): number {
  switch (registerName(acpi, port)) {
    case "PM1a_STS":
      return registers.status;
    case "PM1a_EN":
      return registers.enable;
    case "PM1a_CNT":
      return registers.control;
    case "GPE0_STS":
      return registers.gpeStatus;
    case "GPE0_EN":
      return registers.gpeEnable;
    case "PM_TMR":
      return Math.floor(now * (PM_TIMER_HZ / 1e9)) % (PM_TIMER_MASK + 1);
    default:
      return NOBODY;
  }
}

/** The sleeping state that a SLP_TYP value stands for on this machine; undefined for none. */
export function sleepStateOf(acpi: AcpiProfile, sleepType: number): "S3" | "S4" | "S5" | undefined {
  const { s3, s4, s5 } = acpi.sleepTypes;
  if (s5.a === sleepType) return "S5";
  if (s4?.a === sleepType) return "S4";
  return s3?.a === sleepType ? "S3" : undefined;
}
