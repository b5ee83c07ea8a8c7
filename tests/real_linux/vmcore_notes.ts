/** Names of the notes that a dump file carries. */
import { parseElf, PT_NOTE } from "../../machine/formats/elf.ts";
import { type ElfNote, parseNotes } from "../../machine/formats/elf_notes.ts";

/** Notes of a file, in order. */
export function notesOf(file: Uint8Array): ElfNote[] {
  return parseElf(file).programs.filter(({ type }) => type === PT_NOTE)
    .flatMap(({ offset, filesz }) => parseNotes(file.subarray(offset, offset + filesz)));
}

/** Their names. */
export function noteNamed(file: Uint8Array): string[] {
  return notesOf(file).map(({ name }) => name);
}
