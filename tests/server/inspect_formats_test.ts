import { match, ok, strictEqual, throws } from "node:assert/strict";
import { UsageError } from "../../machine/errors.ts";
import { BLOCK_LIST_OFFSET, emitBlockList } from "../../machine/formats/block_list.ts";
import { EM_X86_64 } from "../../machine/formats/elf.ts";
import { KDUMP_FLAG, type KdumpContents, planKdump } from "../../machine/formats/kdump.ts";
import { firstKdumpCursor, packKdumpPages } from "../../machine/formats/kdump_pages.ts";
import {
  emitKhdevHeader,
  KHDEV_IMAGE_OFFSET,
  KHDEV_VALID,
  KHDEV_VERSION,
} from "../../machine/formats/khdev_header.ts";
import { emitKimgcore, kimgcoreBytes } from "../../machine/formats/kimgcore.ts";
import { emitLzoHeader, emitLzoUnit, LZO_UNIT_BYTES } from "../../machine/formats/lzo_container.ts";
import {
  emitSwapHeader,
  newSwapHeader,
  SWAP_SIGNATURE,
  SWSUSP_FLAG,
} from "../../machine/formats/swap_header.ts";
import { emitMapPage, emitSwsuspInfo, newSwsuspInfo } from "../../machine/formats/swsusp_image.ts";
import { emitTuxOnIceHeader, TUXONICE_SIGNATURE } from "../../machine/formats/tuxonice_header.ts";
import { inspectFile } from "../../server/terminal/inspect.ts";
import type { Inspection } from "../../server/terminal/inspection.ts";
import { ScratchFolder } from "./terminal_kit.ts";

const PAGE = 4096;

function join(length: number, ...parts: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const [at, part] of parts) bytes.set(part, at);
  return bytes;
}

function look(bytes: Uint8Array): Inspection {
  using folder = new ScratchFolder();
  return inspectFile(folder.write("file", bytes));
}

function value({ sections }: Inspection, title: string, name: string): string {
  const row = sections.find((each) => each.title === title)?.rows.find(([each]) => each === name);
  ok(row !== undefined, `no '${name}' under '${title}' in ${JSON.stringify(sections)}`);
  return row[1];
}

/** Cut anywhere, a file is refused with a sentence, not with another error. */
function refusedWhenCut(bytes: Uint8Array, ...ends: readonly number[]): void {
  for (const end of ends) {
    throws(() => look(bytes.slice(0, end)), (error) => {
      ok(error instanceof UsageError, `cut at ${end}: ${String(error)}`);
      return true;
    });
  }
}

function kdumpFile(): Uint8Array {
  const contents: KdumpContents = {
    word: 8,
    utsname: ["Linux", "A", "2.6.27", "#1", "x86_64", "(none)"],
    seconds: 1_200_000_000,
    microseconds: 0,
    compression: KDUMP_FLAG.zlib,
    level: 17,
    cpuCount: 1,
    physicalBase: 0,
    maxPfn: 64,
    present: [{ pfn: 0, count: 60 }],
    dumped: [{ pfn: 8, count: 5 }],
    notes: new Uint8Array(),
  };
  const plan = planKdump(contents);
  const pages = new Uint8Array(5 * PAGE);
  pages.fill(7, 0, PAGE);
  for (let at = PAGE; at < 2 * PAGE; at++) pages[at] = Math.imul(at, 0x9e37_79b1) >> 24;
  const packing = { compression: KDUMP_FLAG.zlib, sharesZeros: true };
  const piece = packKdumpPages(plan, firstKdumpCursor(plan), pages, packing);
  return join(
    piece.cursor.dataAt,
    [0, plan.head],
    [piece.descriptorsAt, piece.descriptors],
    [piece.dataAt, piece.data],
  );
}

Deno.test("inspectFile tells a kdump-compressed dump: headers, bitmaps, how pages are kept", () => {
  const file = kdumpFile();
  const found = look(file);
  strictEqual(found.kind, "kdump-compressed dump");
  match(found.about, /^a kdump-compressed dump, zlib, of 20 KiB of memory in/);
  strictEqual(value(found, "Header", "system"), "Linux A 2.6.27 x86_64");
  strictEqual(value(found, "Header", "dump level"), "17");
  strictEqual(value(found, "Pages", "memory"), "60");
  strictEqual(value(found, "Pages", "in the file"), "5");
  strictEqual(value(found, "Pages", "compressed"), "2 with zlib, 0 with LZO");
  strictEqual(value(found, "Pages", "as they are"), "3");
  strictEqual(value(found, "Pages", "sharing a copy"), "2");
  strictEqual(value(found, "Pages", "lost"), "0");
  refusedWhenCut(file, 5, 12, 430, PAGE, 2 * PAGE + 3, 3 * PAGE, 4 * PAGE + 100, file.length - 1);
});

Deno.test("inspectFile tells an incomplete kdump-compressed dump and its lost pages", () => {
  const file = kdumpFile();
  const view = new DataView(file.buffer);
  view.setUint32(424, KDUMP_FLAG.zlib | KDUMP_FLAG.incomplete, true);
  view.setBigUint64(4 * PAGE, 0n, true);
  const found = look(file);
  match(found.about, /zlib, incomplete, .*; 1 page lost$/);
  view.setUint32(4 * PAGE + 24 + 8, 5000, true);
  throws(() => look(file), /a page of 5000 bytes/);
});

Deno.test("inspectFile tells a kimgcore, and that it is cut", () => {
  const segments = [{ mem: 0x10_0000, memsz: 2 * PAGE }, { mem: 0x20_0000, memsz: PAGE }];
  const header = emitKimgcore({ machine: EM_X86_64, entry: 0x1234, segments });
  const file = join(kimgcoreBytes(segments), [0, header]);
  const found = look(file);
  strictEqual(found.kind, "kimgcore");
  match(found.about, /in 2 segments, entered at 0x1234$/);
  strictEqual(value(found, "Segments", "1"), "physical 0x200000, 0x1000 bytes");
  refusedWhenCut(file, 20, 64, header.length, file.length - 1);
});

Deno.test("inspectFile tells a khdev: its header, whether it is valid, its block list", () => {
  const header = {
    version: KHDEV_VERSION,
    valid: KHDEV_VALID,
    e820Crc: 1,
    hardwareSignature: 2,
    pages: 3,
    lengthBytes: 5 * PAGE,
    entry: 0x1000,
    imageOffset: KHDEV_IMAGE_OFFSET,
    savedSeconds: 9,
    sha256: "00".repeat(32),
    id: "A@0x1000",
    kernel: "A",
  };
  const list = emitBlockList({
    partition: 3,
    firstSector: 2048,
    runs: [{ fileBlock: 0, block: 10, count: 4 }],
  });
  const length = KHDEV_IMAGE_OFFSET + 5 * PAGE;
  const file = join(length, [0, emitKhdevHeader(header)], [BLOCK_LIST_OFFSET, list]);
  const found = look(file);
  match(found.about, /^a khdev with image A@0x1000 of 3 pages, which may be resumed$/);
  strictEqual(value(found, "Block list", "blocks"), "4 in 1 run");
  const used = join(length, [0, emitKhdevHeader({ ...header, valid: 0 })]);
  match(look(used).about, /which is not valid$/);
  refusedWhenCut(file, 9, 511, PAGE - 1, PAGE, length - 1);
  const torn = file.slice();
  torn[100] = 0x21;
  throws(() => look(torn), UsageError);
});

Deno.test("inspectFile tells an LZO container, and in which unit it is cut", () => {
  const bytes = LZO_UNIT_BYTES + 1000;
  const units = [emitLzoUnit(new Uint8Array(LZO_UNIT_BYTES)), emitLzoUnit(new Uint8Array(1000))];
  const [first = new Uint8Array(), second = new Uint8Array()] = units;
  const file = join(
    24 + first.length + second.length,
    [0, emitLzoHeader(bytes)],
    [24, first],
    [24 + first.length, second],
  );
  const found = look(file);
  strictEqual(found.kind, "LZO container");
  strictEqual(value(found, "Container", "units"), "2 of 131072 bytes");
  strictEqual(value(found, "Container", "behind the end"), "0 bytes");
  throws(() => look(file.slice(0, -1)), /truncated within unit 1|LZO/);
  refusedWhenCut(file, 9, 20, 24, 26, 24 + first.length - 1, file.length - 1);
});

const AREA = newSwapHeader({ pages: 64, uuid: new Uint8Array(16), label: "swap" });

Deno.test("inspectFile tells a swap area without an image, and a truncated one", () => {
  const file = join(64 * PAGE, [0, emitSwapHeader(AREA)]);
  const found = look(file);
  strictEqual(found.about, "a swap area of 256 KiB without an image");
  strictEqual(value(found, "Header", "label"), "swap");
  refusedWhenCut(file, 4090, PAGE, 63 * PAGE);
});

Deno.test("inspectFile tells swsusp's image in a swap area", () => {
  const marked = emitSwapHeader({
    ...AREA,
    signature: SWAP_SIGNATURE.suspended,
    originalSignature: AREA.signature,
    image: 20,
    imageFlags: SWSUSP_FLAG.platform | SWSUSP_FLAG.crc32,
    crc32: 0xabc,
  });
  const info = newSwsuspInfo({
    record: new Uint8Array(40),
    memoryPages: 16_384,
    imagePages: 1000,
  });
  const map = emitMapPage({ entries: [21, 22], next: 0 });
  const file = join(
    64 * PAGE,
    [0, marked],
    [20 * PAGE, map],
    [21 * PAGE, emitSwsuspInfo(info)],
  );
  const found = look(file);
  strictEqual(found.about, "a swap area of 256 KiB with an image of swsusp");
  strictEqual(value(found, "Image of swsusp", "image"), "1,000 pages of data, 1,003 in all");
  match(value(found, "Image of swsusp", "flags"), /\(platform, crc32\)$/);
  const empty = join(64 * PAGE, [0, marked]);
  match(value(look(empty), "Image of swsusp", "unreadable"), /an empty map/);
});

Deno.test("inspectFile tells a TuxOnIce image, in its area and its header alone", () => {
  const set = (pfn: number, page: number) => ({
    frames: [{ pfn, count: 10 }],
    storage: [{ pfn: page, count: 10 }],
  });
  const header = emitTuxOnIceHeader({
    memoryPages: 16_384,
    device: [3, 6],
    record: new Uint8Array(64),
    set2: set(300, 30),
    set1: set(500, 40),
  });
  const alone = look(header);
  strictEqual(alone.about, "the header of a TuxOnIce image of 20 pages");
  strictEqual(value(alone, "Header", "device"), "3:6");
  refusedWhenCut(header, 9, 130, header.length - 1);
  const marked = emitSwapHeader({
    ...AREA,
    signature: TUXONICE_SIGNATURE,
    originalSignature: AREA.signature,
    image: 8,
  });
  const found = look(join(64 * PAGE, [0, marked], [8 * PAGE, header]));
  strictEqual(value(found, "Image of TuxOnIce", "page set 1"), "10 pages");
  const lost = look(join(64 * PAGE, [0, marked]));
  ok(value(lost, "Image of TuxOnIce", "unreadable").length > 0);
});
