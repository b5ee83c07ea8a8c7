/**
 * Physical-mode code as a file: what use 4 of kexec jump loads (protocol.md B.4.6). An ELF
 * executable of one PT_LOAD of three pages: text (a stamp, then what the processor is to do), data
 * and stack. The same arguments give the same bytes.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import {
  EM_386,
  EM_X86_64,
  emitElf,
  PF_R,
  PF_W,
  PF_X,
  PT_LOAD,
} from "../../machine/formats/elf.ts";
import type { KimageArch } from "../../machine/formats/kimage.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { STAMP_BYTES, STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";

/** Where the file lies on A's root. */
export const PHYSICAL_MODE_PATH = "/boot/phy_mode";
/** Physical address it is linked at: RAM of every machine here. */
export const PHYSICAL_MODE_ADDRESS = 0x20_0000;

const ET_EXEC = 2;
const VERSION = 1;
const FORMAT = "physical-mode program";
const TABLE_BYTES = 16;
/** Bytes of the data page before those it computes over: calls made, result of the last. */
export const PHYSICAL_MODE_COUNTERS_BYTES = 8;

/** How the code gives control back: a plain `ret`, or a call of the entry its caller left. */
export type PhysicalModeReturn = "ret" | "call";

/** What stands in the text, behind the stamp. */
export interface PhysicalModeTable {
  readonly returns: PhysicalModeReturn;
  /** Addresses of its two other pages. */
  readonly data: number;
  readonly stack: number;
  /** Bytes of a word on its stack. */
  readonly wordBytes: 4 | 8;
}

/** What {@linkcode physicalModeFile} makes. */
export interface PhysicalModeSource {
  readonly arch: KimageArch;
  readonly returns: PhysicalModeReturn;
  /** Page-aligned; {@linkcode PHYSICAL_MODE_ADDRESS} unless given. */
  readonly address?: number;
}

function emitTable(table: PhysicalModeTable): Uint8Array {
  const body = new Uint8Array(PAGE_BYTES - STAMP_BYTES).fill(0x90);
  const view = new DataView(body.buffer);
  view.setUint32(0, table.returns === "call" ? 1 : 0, true);
  view.setUint32(4, table.data, true);
  view.setUint32(8, table.stack, true);
  view.setUint32(12, table.wordBytes, true);
  return body;
}

/**
 * Reads what stands behind the stamp.
 *
 * @throws {FormatError} if that is no text of such a program.
 */
export function parsePhysicalMode(body: Uint8Array): PhysicalModeTable {
  if (body.length < TABLE_BYTES) {
    throw new FormatError(FORMAT, body.length, `${body.length} of ${TABLE_BYTES} bytes`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const returns = view.getUint32(0, true);
  const wordBytes = view.getUint32(12, true);
  if (returns > 1) throw new FormatError(FORMAT, 0, `way to return ${returns}, wanted 0 or 1`);
  if (wordBytes !== 4 && wordBytes !== 8) {
    throw new FormatError(FORMAT, 12, `words of ${wordBytes} bytes, wanted 4 or 8`);
  }
  const data = view.getUint32(4, true);
  const stack = view.getUint32(8, true);
  if (data % PAGE_BYTES !== 0 || stack % PAGE_BYTES !== 0) {
    throw new FormatError(FORMAT, 4, "data or stack is no page");
  }
  return { returns: returns === 1 ? "call" : "ret", data, stack, wordBytes };
}

/** What the data page begins with: no call, no result, and something to compute over. */
function firstData(): Uint8Array {
  const page = new Uint8Array(PAGE_BYTES);
  for (let at = PHYSICAL_MODE_COUNTERS_BYTES; at < page.length; at++) page[at] = (at * 167) & 0xff;
  return page;
}

/** The file. */
export function physicalModeFile(source: PhysicalModeSource): Uint8Array {
  const { arch, returns, address = PHYSICAL_MODE_ADDRESS } = source;
  const elfClass = arch === "x86_64" ? 64 : 32;
  const text = stampProgram({
    kind: STAMP_KIND.physicalMode,
    version: VERSION,
    body: emitTable({
      returns,
      data: address + PAGE_BYTES,
      stack: address + 2 * PAGE_BYTES,
      wordBytes: elfClass === 64 ? 8 : 4,
    }),
  });
  const header = emitElf({
    class: elfClass,
    type: ET_EXEC,
    machine: arch === "x86_64" ? EM_X86_64 : EM_386,
    entry: address,
  }, [{
    type: PT_LOAD,
    flags: PF_R | PF_W | PF_X,
    offset: PAGE_BYTES,
    vaddr: BigInt(address),
    paddr: address,
    filesz: 2 * PAGE_BYTES,
    // The stack's page is not in the file.
    memsz: 3 * PAGE_BYTES,
    align: PAGE_BYTES,
  }]);
  const file = new Uint8Array(3 * PAGE_BYTES);
  file.set(header);
  file.set(text, PAGE_BYTES);
  file.set(firstData(), 2 * PAGE_BYTES);
  return file;
}
