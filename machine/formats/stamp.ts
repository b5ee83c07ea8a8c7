/**
 * The 64-byte stamp in front of every program of our own (DESIGN.md, law 2).
 *
 * The CPU knows what runs only from the bytes at the entry address, so a program says itself what
 * it is: kind, version, length and SHA-256 of the bytes after the stamp. The first four bytes are
 * a real x86 jump over the rest, so a disassembler shows sense.
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 4 | EB 3E 90 90: `jmp +62`, two `nop` |
 * | 4 | 8 | "KJUMPCOD" |
 * | 12 | 2 | kind |
 * | 14 | 2 | version |
 * | 16 | 4 | bytes after the stamp |
 * | 20 | 32 | SHA-256 of those bytes |
 * | 52 | 4 | flags |
 * | 56 | 8 | argument, e.g. the physical address of the owner's data |
 *
 * The digest covers the body only: flags and argument may be set after the program was built.
 *
 * @module
 */
import { sha256Bytes } from "../digest.ts";
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";

const FORMAT = "program stamp";

/** Bytes of a stamp; the body begins here. */
export const STAMP_BYTES = 64;

/** "KJUMPCOD" at offset 4. */
export const STAMP_MAGIC = "KJUMPCOD";

const JUMP = 0x9090_3eeb;
const DIGEST_BYTES = 32;

/** Kinds of stamped programs. Other numbers are kept as they are. */
export const STAMP_KIND = {
  bootLoader: 1,
  kernel: 2,
  purgatory: 3,
  relocate: 4,
  reentry: 5,
  restoreRegisters: 6,
  physicalMode: 7,
  restoreImage: 8,
} as const;

/** A stamp's fields; `length` in bytes, `digest` 32 bytes, `argument` a safe integer. */
export interface Stamp {
  readonly kind: number;
  readonly version: number;
  readonly length: number;
  readonly digest: Uint8Array;
  readonly flags: number;
  readonly argument: number;
}

/** What {@linkcode stampProgram} is told; flags and argument are 0 unless given. */
export interface StampedProgram {
  readonly kind: number;
  readonly version: number;
  readonly body: Uint8Array;
  readonly flags?: number;
  readonly argument?: number;
}

/**
 * The stamp at the start of the bytes; undefined when jump or magic are not there, which the CPU
 * takes for #UD. Bytes after the 64th are not looked at.
 *
 * @throws {FormatError} if fewer than 64 bytes are given, or a stamp's argument is above 2^53 - 1.
 */
export function parseStamp(bytes: Uint8Array): Stamp | undefined {
  const reader = new FieldReader(FORMAT, bytes);
  if (bytes.length < STAMP_BYTES) {
    reader.fail(bytes.length, `${bytes.length} bytes, ${STAMP_BYTES} wanted`);
  }
  if (reader.u32(0) !== JUMP || reader.text(4, 8) !== STAMP_MAGIC) return undefined;
  return {
    kind: reader.u16(12),
    version: reader.u16(14),
    length: reader.u32(16),
    digest: reader.slice(20, DIGEST_BYTES),
    flags: reader.u32(52),
    argument: reader.u64(56),
  };
}

/**
 * The 64 bytes of a stamp.
 *
 * @throws {FormatError} if a number does not fit its field or the digest has not 32 bytes.
 */
export function emitStamp(stamp: Stamp): Uint8Array {
  if (stamp.digest.length !== DIGEST_BYTES) {
    throw new FormatError(FORMAT, 20, `digest of ${stamp.digest.length} bytes, 32 wanted`);
  }
  const writer = new FieldWriter(FORMAT, STAMP_BYTES);
  writer.u32(0, JUMP);
  writer.text(4, 8, STAMP_MAGIC);
  writer.u16(12, stamp.kind);
  writer.u16(14, stamp.version);
  writer.u32(16, stamp.length);
  writer.put(20, stamp.digest);
  writer.u32(52, stamp.flags);
  writer.u64(56, stamp.argument);
  return writer.bytes;
}

/** Stamp and body in one piece. */
export function stampProgram(program: StampedProgram): Uint8Array {
  const { kind, version, body, flags = 0, argument = 0 } = program;
  const stamp = emitStamp({
    kind,
    version,
    length: body.length,
    digest: sha256Bytes(body),
    flags,
    argument,
  });
  const bytes = new Uint8Array(STAMP_BYTES + body.length);
  bytes.set(stamp);
  bytes.set(body, STAMP_BYTES);
  return bytes;
}

/** Whether the body (exactly the bytes after the stamp) is the one the stamp was made for. */
export function verifyStamp(stamp: Stamp, body: Uint8Array): boolean {
  if (body.length !== stamp.length) return false;
  return sha256Bytes(body).every((byte, index) => byte === stamp.digest[index]);
}

const KIND_NAME: ReadonlyMap<number, string> = new Map<number, string>(
  Object.entries(STAMP_KIND).map(([name, kind]) => [kind, name]),
);

/** One line for a trace: "kernel 3, 4096 bytes, argument 0x1000". */
export function formatStamp(stamp: Stamp): string {
  const kind = KIND_NAME.get(stamp.kind) ?? `kind ${stamp.kind}`;
  return `${kind} ${stamp.version}, ${stamp.length} bytes, argument 0x${
    stamp.argument.toString(16)
  }`;
}
