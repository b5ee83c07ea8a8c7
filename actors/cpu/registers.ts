/**
 * The processor's registers as far as a jump is about them, and their image in memory as
 * save_processor_state leaves it (protocol.md C.8).
 *
 * @module
 */
import { sha256 } from "../../machine/digest.ts";

/** Names of the registers in the order in which they stand in a saved context. */
export const REGISTER_NAMES = [
  "cr0",
  "cr2",
  "cr3",
  "cr4",
  "efer",
  "miscEnable",
  "gdtBase",
  "gdtLimit",
  "idtBase",
  "idtLimit",
  "taskRegister",
  "fsBase",
  "gsBase",
  "fpuControl",
  "mtrrDefault",
  "pat",
] as const;

/** Register name. */
export type RegisterName = typeof REGISTER_NAMES[number];

/** Values by name; each below 2^53. */
export type Registers = Record<RegisterName, number>;

/** Bytes of a saved context. */
export const CONTEXT_BYTES: number = REGISTER_NAMES.length * 8;

/** What the registers hold after a reset. */
export function resetRegisters(): Registers {
  return {
    cr0: 0x6000_0010,
    cr2: 0,
    cr3: 0,
    cr4: 0,
    efer: 0,
    miscEnable: 1,
    gdtBase: 0,
    gdtLimit: 0xffff,
    idtBase: 0,
    idtLimit: 0x3ff,
    taskRegister: 0,
    fsBase: 0,
    gsBase: 0,
    fpuControl: 0x40,
    mtrrDefault: 0,
    pat: 0x7_0406,
  };
}

/** The registers as they stand in memory: a u64 each, little-endian. */
export function emitContext(registers: Registers): Uint8Array {
  const bytes = new Uint8Array(CONTEXT_BYTES);
  const view = new DataView(bytes.buffer);
  REGISTER_NAMES.forEach((name, index) => {
    view.setBigUint64(index * 8, BigInt(registers[name]), true);
  });
  return bytes;
}

/** Reads registers out of memory; bits over 2^53 are cut off, as no register here has them. */
export function parseContext(bytes: Uint8Array): Registers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const registers = resetRegisters();
  REGISTER_NAMES.forEach((name, index) => {
    registers[name] = Number(BigInt.asUintN(53, view.getBigUint64(index * 8, true)));
  });
  return registers;
}

/** Sixteen hexadecimal digits over a context's bytes. */
export function contextDigest(bytes: Uint8Array): string {
  return sha256(bytes).slice(0, 16);
}
