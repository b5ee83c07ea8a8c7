/**
 * The FACS: hardware signature, waking vectors and global lock (protocol.md E.6.3).
 *
 * It has no checksum, since the operating system writes to it. It lies 64-byte aligned in NVS.
 *
 * @module
 */
import { FieldReader, FieldWriter } from "../byte_fields.ts";

const FORMAT = "FACS";

/** Bytes of the FACS, and its alignment. */
export const FACS_BYTES = 64;

/** Where the fields lie that firmware and kernel write singly. */
export const FACS_FIELD = {
  hardwareSignature: 8,
  wakingVector: 12,
  globalLock: 16,
  flags: 20,
  extendedWakingVector: 24,
} as const;

/** `flags` bit: the firmware can save memory itself (S4BIOS). */
export const FACS_S4BIOS = 0x1;
/** `globalLock` bits: someone waits for the lock; someone has it. */
export const GLOBAL_LOCK = { pending: 0x1, owned: 0x2 } as const;

/** The FACS's fields; vectors are physical addresses, 0 for none. */
export interface Facs {
  readonly hardwareSignature: number;
  readonly wakingVector: number;
  readonly globalLock: number;
  readonly flags: number;
  readonly extendedWakingVector: number;
  readonly version: number;
  readonly ospmFlags: number;
}

/**
 * The FACS at the start of the bytes.
 *
 * @throws {FormatError} if the signature is another, the stated length below 64 or the input
 * shorter.
 */
export function parseFacs(bytes: Uint8Array): Facs {
  const reader = new FieldReader(FORMAT, bytes);
  if (reader.text(0, 4) !== "FACS") reader.fail(0, "no 'FACS'");
  const length = reader.u32(4);
  if (length < FACS_BYTES || bytes.length < FACS_BYTES) reader.fail(4, `length ${length}`);
  return {
    hardwareSignature: reader.u32(FACS_FIELD.hardwareSignature),
    wakingVector: reader.u32(FACS_FIELD.wakingVector),
    globalLock: reader.u32(FACS_FIELD.globalLock),
    flags: reader.u32(FACS_FIELD.flags),
    extendedWakingVector: reader.u64(FACS_FIELD.extendedWakingVector),
    version: reader.u8(32),
    ospmFlags: reader.u32(36),
  };
}

/** The 64 bytes of a FACS. */
export function emitFacs(facs: Facs): Uint8Array {
  const writer = new FieldWriter(FORMAT, FACS_BYTES);
  writer.text(0, 4, "FACS");
  writer.u32(4, FACS_BYTES);
  writer.u32(FACS_FIELD.hardwareSignature, facs.hardwareSignature);
  writer.u32(FACS_FIELD.wakingVector, facs.wakingVector);
  writer.u32(FACS_FIELD.globalLock, facs.globalLock);
  writer.u32(FACS_FIELD.flags, facs.flags);
  writer.u64(FACS_FIELD.extendedWakingVector, facs.extendedWakingVector);
  writer.u8(32, facs.version);
  writer.u32(36, facs.ospmFlags);
  return writer.bytes;
}
