/**
 * Note segments of ELF cores, and the text inside the VMCOREINFO note (protocol.md E.2).
 *
 * Promises: names and descriptions are padded to four bytes; reading stops at the first all-zero
 * header, which is how a note buffer of the kernel ends, or at the end of the bytes; malformed
 * notes throw only {@linkcode FormatError}. Types and names that are not known are kept.
 *
 * @module
 */
import { FormatError, LimitError } from "../errors.ts";
import type { ElfClass } from "./elf.ts";

/** One note. */
export interface ElfNote {
  /** Owner, without the closing NUL. */
  readonly name: string;
  readonly type: number;
  readonly desc: Uint8Array;
}

/** Type of the note "CORE" that holds one CPU's registers. */
export const NT_PRSTATUS = 1;
/** Owner of the {@linkcode NT_PRSTATUS} note. */
export const CORE_NOTE_NAME = "CORE";
/** Owner of the note with the kernel's own description; its type is {@linkcode NT_VMCOREINFO}. */
export const VMCOREINFO_NOTE_NAME = "VMCOREINFO";
export const NT_VMCOREINFO = 0;
/** Most bytes the VMCOREINFO text may have. */
export const VMCOREINFO_BYTES_MAX = 4096;

const FORMAT = "ELF note segment";
const HEADER_BYTES = 12;

/** Bytes of `elf_prstatus`: 144 on i386, 336 on x86_64. */
export function prstatusBytes(elfClass: ElfClass): number {
  return elfClass === 64 ? 336 : 144;
}

/** The notes of a segment or buffer, in order. */
export function parseNotes(bytes: Uint8Array): ElfNote[] {
  return scanNotes(bytes).notes;
}

/**
 * Bytes that the notes of a buffer take, without the zeros that end it: what the crash kernel
 * takes over from each CPU's buffer when it merges them.
 *
 * @throws {FormatError} as {@linkcode parseNotes}.
 */
export function notesLength(bytes: Uint8Array): number {
  return scanNotes(bytes).length;
}

/** A note segment, padded, without an ending header. */
export function emitNotes(notes: readonly ElfNote[]): Uint8Array {
  const names = notes.map((note) => encodeName(note.name));
  let length = 0;
  notes.forEach((note, index) => {
    length += HEADER_BYTES + padded(names[index]?.length ?? 0) + padded(note.desc.length);
  });
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  notes.forEach((note, index) => {
    const name = names[index] ?? new Uint8Array();
    if (!Number.isInteger(note.type) || note.type < 0 || note.type > 0xffff_ffff) {
      throw new RangeError(`Cannot emit note '${note.name}': type ${note.type} is not 32 bits`);
    }
    view.setUint32(offset, name.length, true);
    view.setUint32(offset + 4, note.desc.length, true);
    view.setUint32(offset + 8, note.type, true);
    bytes.set(name, offset + HEADER_BYTES);
    offset += HEADER_BYTES + padded(name.length);
    bytes.set(note.desc, offset);
    offset += padded(note.desc.length);
  });
  return bytes;
}

/**
 * The lines `KEY=VALUE` of a VMCOREINFO text, in order; a line without "=" is skipped, and of a
 * key that comes twice the last value counts.
 */
export function parseVmcoreinfo(text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const line of text.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) pairs.set(line.slice(0, equals), line.slice(equals + 1));
  }
  return pairs;
}

/**
 * The VMCOREINFO text: one line for each pair, each ended by a newline.
 *
 * @throws {LimitError} if it is over {@linkcode VMCOREINFO_BYTES_MAX}.
 * @throws {RangeError} if a key is empty or holds "=", or either holds a newline.
 */
export function emitVmcoreinfo(pairs: readonly (readonly [string, string])[]): Uint8Array {
  for (const [key, value] of pairs) {
    if (key === "" || /[=\n\0]/.test(key) || /[\n\0]/.test(value)) {
      throw new RangeError(`Cannot emit VMCOREINFO: '${key}=${value}' is not one line`);
    }
  }
  const bytes = new TextEncoder().encode(pairs.map(([key, value]) => `${key}=${value}\n`).join(""));
  if (bytes.length > VMCOREINFO_BYTES_MAX) {
    throw new LimitError("vmcoreinfoBytes", bytes.length, VMCOREINFO_BYTES_MAX);
  }
  return bytes;
}

/** The VMCOREINFO note around a text made by {@linkcode emitVmcoreinfo}. */
export function vmcoreinfoNote(text: Uint8Array): ElfNote {
  return { name: VMCOREINFO_NOTE_NAME, type: NT_VMCOREINFO, desc: text };
}

/** The pairs of the first VMCOREINFO note, or undefined if there is none. */
export function findVmcoreinfo(notes: readonly ElfNote[]): Map<string, string> | undefined {
  const note = notes.find((each) => each.name === VMCOREINFO_NOTE_NAME);
  return note === undefined ? undefined : parseVmcoreinfo(new TextDecoder().decode(note.desc));
}

function scanNotes(bytes: Uint8Array): { notes: ElfNote[]; length: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const notes: ElfNote[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (bytes.length - offset < HEADER_BYTES) {
      // A zeroed buffer need not have room for a whole ending header.
      if (bytes.subarray(offset).every((byte) => byte === 0)) break;
      throw new FormatError(
        FORMAT,
        offset,
        `truncated note header: ${bytes.length - offset} of 12`,
      );
    }
    const nameBytes = view.getUint32(offset, true);
    const descBytes = view.getUint32(offset + 4, true);
    const type = view.getUint32(offset + 8, true);
    if (nameBytes === 0 && descBytes === 0 && type === 0) break;
    const nameAt = offset + HEADER_BYTES;
    const descAt = nameAt + padded(nameBytes);
    const end = descAt + padded(descBytes);
    if (end > bytes.length) {
      throw new FormatError(FORMAT, offset, `note ends at ${end}, past the end at ${bytes.length}`);
    }
    notes.push({
      name: decodeName(bytes.subarray(nameAt, nameAt + nameBytes), nameAt),
      type,
      desc: bytes.slice(descAt, descAt + descBytes),
    });
    offset = end;
  }
  return { notes, length: offset };
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** With its NUL; an owner without a name has no bytes at all. */
function encodeName(name: string): Uint8Array {
  if (name === "") return new Uint8Array();
  const bytes = new TextEncoder().encode(`${name}\0`);
  if (bytes.indexOf(0) !== bytes.length - 1 || bytes.some((byte) => byte > 0x7f)) {
    throw new RangeError(`Cannot emit note: name '${name}' is not ASCII without NUL`);
  }
  return bytes;
}

function decodeName(bytes: Uint8Array, offset: number): string {
  if (bytes.length === 0) return "";
  const nul = bytes.indexOf(0);
  if (nul !== bytes.length - 1) {
    throw new FormatError(FORMAT, offset, "note name is not ended by one NUL");
  }
  for (let index = 0; index < nul; index++) {
    if ((bytes[index] ?? 0) > 0x7f) {
      throw new FormatError(FORMAT, offset + index, "note name is not ASCII");
    }
  }
  return new TextDecoder().decode(bytes.subarray(0, nul));
}
