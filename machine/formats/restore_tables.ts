/**
 * What a boot kernel leaves in RAM for the code that puts an image in place, and what that code
 * finds there (protocol.md B.5.8, B.5.9, D.5): temporary page tables of x86_64, the list of pages
 * that stand where they do not belong, and the addresses behind the stamp of restore_registers.
 *
 * Promises: page tables have the processor's own layout (four levels, 2 MiB and 1 GiB leaves);
 * list entries are three words `{address, orig_address, next}` and stand in pages whose first word
 * links to the next page. Addresses of pages are physical: our kernels' linear map begins at 0.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { PAGE_BYTES } from "./page_runs.ts";

/** First address of the kernel's text mapping. */
export const TEXT_MAPPING = 0xffff_ffff_8000_0000n;
/** Bytes of the text mapping of 2007, linear from physical address 0. */
export const TEXT_MAPPING_BYTES_2007: number = 40 * 1024 ** 2;

const PRESENT_WRITABLE = 3;
const LEAF = 0x80;
const ADDRESS_MASK = 0x000f_ffff_ffff_f000n;
const LARGE_BYTES = 0x20_0000;
const LEVEL_SHIFT = [39n, 30n, 21n, 12n] as const;

/** The virtual address of a physical one in the text mapping. */
export function textAddress(physical: number): bigint {
  return TEXT_MAPPING + BigInt(physical);
}

/** Index of an address in a table of that level: 0 is the root. */
export function tableIndex(virtual: bigint, level: number): number {
  return Number((virtual >> (LEVEL_SHIFT[level] ?? 12n)) & 511n);
}

/** A mapping of 2 MiB pages: `virtual` and `physical` are multiples of 2 MiB. */
export interface LargeMapping {
  readonly virtual: bigint;
  readonly physical: number;
  readonly count: number;
}

/** Pages that {@linkcode emitTables} needs. */
export const TABLE_PAGES = 3;

/**
 * Root, second and third level for one mapping that stays within one GiB, and the addresses at
 * which they go into RAM: the first is the root.
 *
 * @param pages Physical addresses of {@linkcode TABLE_PAGES} pages.
 */
export function emitTables(
  mapping: LargeMapping,
  pages: readonly number[],
): { readonly address: number; readonly bytes: Uint8Array }[] {
  const [root = 0, second = 0, third = 0] = pages;
  const tables = [root, second, third].map((address) => ({
    address,
    bytes: new Uint8Array(PAGE_BYTES),
  }));
  const put = (level: number, index: number, value: number): void => {
    const bytes = tables[level]?.bytes;
    if (bytes === undefined) return;
    new DataView(bytes.buffer).setBigUint64(index * 8, BigInt(value), true);
  };
  put(0, tableIndex(mapping.virtual, 0), second + PRESENT_WRITABLE);
  put(1, tableIndex(mapping.virtual, 1), third + PRESENT_WRITABLE);
  const first = tableIndex(mapping.virtual, 2);
  for (let page = 0; page < mapping.count && first + page < 512; page++) {
    put(2, first + page, mapping.physical + page * LARGE_BYTES + LEAF + PRESENT_WRITABLE);
  }
  return tables;
}

/** What the processor makes of a table's entry for a virtual address. */
export type TableEntry =
  | { readonly kind: "absent" }
  | { readonly kind: "table"; readonly address: number }
  | { readonly kind: "page"; readonly address: number };

/** Reads one entry, eight bytes; a page's `address` has the offset of `virtual` in it. */
export function readTableEntry(bytes: Uint8Array, level: number, virtual: bigint): TableEntry {
  const word = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if ((word & 1n) === 0n) return { kind: "absent" };
  const address = word & ADDRESS_MASK;
  if (level === 3 || (word & BigInt(LEAF)) !== 0n) {
    const size = 1n << (LEVEL_SHIFT[level] ?? 12n);
    return { kind: "page", address: Number((address & ~(size - 1n)) | (virtual & (size - 1n))) };
  }
  return { kind: "table", address: Number(address) };
}

/** The 2 MiB page that holds a virtual address, mapped where the image kernel has it. */
export function largePageOf(virtual: bigint, physical: number): LargeMapping {
  return {
    virtual: virtual & ~BigInt(LARGE_BYTES - 1),
    physical: Math.floor(physical / LARGE_BYTES) * LARGE_BYTES,
    count: 1,
  };
}

/** The boot kernel's own text mapping of 2007. */
export function textMapping2007(): LargeMapping {
  return {
    virtual: TEXT_MAPPING,
    physical: 0,
    count: TEXT_MAPPING_BYTES_2007 / LARGE_BYTES,
  };
}

/** A page that stands at `address` and belongs at `original`. */
export interface PageBackup {
  readonly address: number;
  readonly original: number;
}

const BACKUP_BYTES = 24;
/** Entries in one page, whose first word links to the next page. */
export const BACKUPS_PER_PAGE: number = Math.floor((PAGE_BYTES - 8) / BACKUP_BYTES);

/** Pages that so many entries take. */
export function backupPages(count: number): number {
  return Math.ceil(count / BACKUPS_PER_PAGE);
}

/** Physical address of entry `index` in pages at these addresses; 0 behind the last. */
function backupAddress(pages: readonly number[], count: number, index: number): number {
  if (index >= count) return 0;
  const page = pages[Math.floor(index / BACKUPS_PER_PAGE)] ?? 0;
  return page + 8 + (index % BACKUPS_PER_PAGE) * BACKUP_BYTES;
}

/** The list's pages in order, and the address of its first entry (0 for an empty list). */
export function emitBackups(
  backups: readonly PageBackup[],
  pages: readonly number[],
): { readonly head: number; readonly pages: Uint8Array[] } {
  const used = backupPages(backups.length);
  const result = pages.slice(0, used).map((_address, index) => {
    const bytes = new Uint8Array(PAGE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(index + 1 < used ? pages[index + 1] ?? 0 : 0), true);
    const first = index * BACKUPS_PER_PAGE;
    backups.slice(first, first + BACKUPS_PER_PAGE).forEach(({ address, original }, slot) => {
      const at = 8 + slot * BACKUP_BYTES;
      view.setBigUint64(at, BigInt(address), true);
      view.setBigUint64(at + 8, BigInt(original), true);
      const following = backupAddress(pages, backups.length, first + slot + 1);
      view.setBigUint64(at + 16, BigInt(following), true);
    });
    return bytes;
  });
  return { head: backupAddress(pages, backups.length, 0), pages: result };
}

/**
 * The entries of a list that stand in one page, from the one at `address` on.
 *
 * @returns The entries, and where the list goes on: an address in another page, or 0.
 * @throws {FormatError} if an entry crosses the page's end or the list turns back within it.
 */
export function readBackups(
  page: Uint8Array,
  pageAddress: number,
  address: number,
): { readonly backups: PageBackup[]; readonly next: number } {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const backups: PageBackup[] = [];
  let at = address - pageAddress;
  for (;;) {
    if (at < 0 || at + BACKUP_BYTES > page.length || backups.length > BACKUPS_PER_PAGE) {
      throw new FormatError("page backup list", address, "an entry that is in no page");
    }
    backups.push({
      address: Number(view.getBigUint64(at, true)),
      original: Number(view.getBigUint64(at + 8, true)),
    });
    const next = Number(view.getBigUint64(at + 16, true));
    if (next < pageAddress || next >= pageAddress + page.length) return { backups, next };
    at = next - pageAddress;
  }
}

/** Bit of the copying code's stamp: it runs where it stands and must not copy over itself. */
export const RESTORE_IN_PLACE = 1;

/** What stands behind the stamp of restore_registers: physical addresses. */
export interface RestoreAddresses {
  /** The registers as save_processor_state left them. */
  readonly context: number;
  /** The word `in_suspend`, in a page that is in no image. */
  readonly inSuspend: number;
  /** Root of the image kernel's page tables (what init_level4_pgt + phys_base gives). */
  readonly root: number;
}

/** Bytes of {@linkcode RestoreAddresses}. */
export const RESTORE_ADDRESSES_BYTES = 24;

/** The body of restore_registers. */
export function emitRestoreAddresses(addresses: RestoreAddresses): Uint8Array {
  const bytes = new Uint8Array(RESTORE_ADDRESSES_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(addresses.context), true);
  view.setBigUint64(8, BigInt(addresses.inSuspend), true);
  view.setBigUint64(16, BigInt(addresses.root), true);
  return bytes;
}

/** @throws {FormatError} if there are too few bytes. */
export function parseRestoreAddresses(bytes: Uint8Array): RestoreAddresses {
  if (bytes.length < RESTORE_ADDRESSES_BYTES) {
    throw new FormatError("restore_registers", bytes.length, "too few bytes");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, RESTORE_ADDRESSES_BYTES);
  return {
    context: Number(view.getBigUint64(0, true)),
    inSuspend: Number(view.getBigUint64(8, true)),
    root: Number(view.getBigUint64(16, true)),
  };
}
