import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  backupPages,
  BACKUPS_PER_PAGE,
  emitBackups,
  emitRestoreAddresses,
  emitTables,
  type LargeMapping,
  largePageOf,
  type PageBackup,
  parseRestoreAddresses,
  readBackups,
  readTableEntry,
  RESTORE_ADDRESSES_BYTES,
  TABLE_PAGES,
  tableIndex,
  TEXT_MAPPING_BYTES_2007,
  textAddress,
  textMapping2007,
} from "../../../machine/formats/restore_tables.ts";

const PAGE = 4096;
const TABLES = [0x1000, 0x2000, 0x3000];

/** What the processor finds: the physical address, or undefined for a page fault. */
function walk(mapping: LargeMapping, virtual: bigint): number | undefined {
  const tables = new Map(
    emitTables(mapping, TABLES).map(({ address, bytes }) => [address, bytes]),
  );
  let table = TABLES[0] ?? 0;
  for (let level = 0; level < 4; level++) {
    const bytes = tables.get(table);
    if (bytes === undefined) return undefined;
    const at = tableIndex(virtual, level) * 8;
    const entry = readTableEntry(bytes.subarray(at, at + 8), level, virtual);
    if (entry.kind === "absent") return undefined;
    if (entry.kind === "page") return entry.address;
    table = entry.address;
  }
  return undefined;
}

Deno.test("emitTables has the bits of the processor's own manual", () => {
  const [root, second, third] = emitTables(textMapping2007(), TABLES);
  const words = (bytes: Uint8Array | undefined) =>
    bytes === undefined ? [] : [...new BigUint64Array(bytes.buffer)];
  strictEqual(words(root?.bytes)[511], 0x2003n);
  strictEqual(words(second?.bytes)[510], 0x3003n);
  deepStrictEqual(words(third?.bytes).slice(0, 3), [0x83n, 0x20_0083n, 0x40_0083n]);
  strictEqual(words(third?.bytes).filter((word) => word !== 0n).length, 20);
  strictEqual([root, second, third].length, TABLE_PAGES);
});

Deno.test("emitTables maps the text of 2007 linearly from 0 and no further than 40 MiB", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 28 }), (physical) => {
    const found = walk(textMapping2007(), textAddress(physical));
    strictEqual(found, physical < TEXT_MAPPING_BYTES_2007 ? physical : undefined);
  }));
});

Deno.test("largePageOf maps the 2 MiB around an address, wherever the image has it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 29 }),
      fc.integer({ min: 0, max: 2 ** 35 }),
      fc.integer({ min: 0, max: 511 }),
      (virtualPart, physical, page) => {
        const large = 0x20_0000;
        const offset = page * PAGE;
        const virtual = textAddress(Math.floor(virtualPart / large) * large + offset);
        const place = Math.floor(physical / large) * large + offset;
        const mapping = largePageOf(virtual, place);
        strictEqual(walk(mapping, virtual), place);
        strictEqual(walk(mapping, virtual + BigInt(large)), undefined);
        strictEqual(walk(mapping, 0n), undefined);
      },
    ),
  );
});

function follow(head: number, pages: ReadonlyMap<number, Uint8Array>): PageBackup[] {
  const all: PageBackup[] = [];
  for (let at = head; at !== 0;) {
    const start = Math.floor(at / PAGE) * PAGE;
    const { backups, next } = readBackups(pages.get(start) ?? new Uint8Array(), start, at);
    all.push(...backups);
    at = next;
  }
  return all;
}

Deno.test("emitBackups and readBackups give every entry back, over any number of pages", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 * BACKUPS_PER_PAGE + 1 }), (count) => {
      const backups = Array.from({ length: count }, (_, index) => ({
        address: (index + 5) * PAGE,
        original: (10_000 - index) * PAGE,
      }));
      const addresses = [7, 3, 9, 40].map((pfn) => pfn * PAGE);
      const { head, pages } = emitBackups(backups, addresses);
      strictEqual(pages.length, backupPages(count));
      const ram = new Map(pages.map((bytes, index) => [addresses[index] ?? 0, bytes]));
      deepStrictEqual(follow(head, ram), backups);
    }),
    { numRuns: 30 },
  );
});

Deno.test("emitBackups puts three words an entry behind a link to the next page", () => {
  strictEqual(BACKUPS_PER_PAGE, 170);
  const backups = Array.from({ length: 171 }, (_, index) => ({
    address: 0x5000 + index * PAGE,
    original: 0x90_0000 + index * PAGE,
  }));
  const { head, pages } = emitBackups(backups, [0xa000, 0xc000]);
  strictEqual(head, 0xa008);
  const [first = new Uint8Array(8)] = pages;
  const words = new BigUint64Array(first.buffer);
  deepStrictEqual([...words.slice(0, 5)], [0xc000n, 0x5000n, 0x90_0000n, 0xa020n, 0x6000n]);
  strictEqual(words[1 + 169 * 3 + 2], 0xc008n);
});

Deno.test("readBackups refuses an entry that is in no page, and a list that turns in a circle", () => {
  const { pages } = emitBackups([{ address: 1, original: 2 }], [0x1000]);
  const page = pages[0] ?? new Uint8Array();
  throws(() => readBackups(page, 0x1000, 0x1000 + PAGE - 8), FormatError);
  throws(() => readBackups(page, 0x1000, 0x900), FormatError);
  new DataView(page.buffer).setBigUint64(8 + 16, 0x1008n, true);
  throws(() => readBackups(page, 0x1000, 0x1008), FormatError);
});

Deno.test("parseRestoreAddresses gives back what emitRestoreAddresses was given", () => {
  const addresses = { context: 0x14_3000, inSuspend: 0x20_0000, root: 0x14_2000 };
  const bytes = emitRestoreAddresses(addresses);
  deepStrictEqual(parseRestoreAddresses(bytes), addresses);
  for (let length = 0; length < RESTORE_ADDRESSES_BYTES; length++) {
    throws(() => parseRestoreAddresses(bytes.subarray(0, length)), FormatError);
  }
});
