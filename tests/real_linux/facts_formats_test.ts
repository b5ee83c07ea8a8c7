/**
 * Facts 31 to 34 of a real Linux 6.1: what an image in swap looks like, in the recorded bytes and
 * in those that this machine writes.
 */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { parseSwapHeader } from "../../machine/formats/swap_header.ts";
import {
  MAP_ENTRIES,
  parseMapPage,
  parsePfnPages,
  parseSwsuspInfo,
} from "../../machine/formats/swsusp_image.ts";
import { parseRestoreRecord, RESTORE_MAGIC } from "../../machine/formats/swsusp_record.ts";
import { bytesOf, type Run } from "../runs/run_kit.ts";
import { hibernated, streamPage, swapHeader, swapOffset } from "../runs/swsusp_kit.ts";
import { imageOfA } from "./scenarios.ts";

const PAGE = 4096;
const FOLDER = new URL("../../fixtures/recordings/swsusp/", import.meta.url);

function recorded(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(Deno.readFileSync(new URL(`${name}.page.gz`, FOLDER))));
}

/** Page of the swap area. */
function swapPage(disk: Uint8Array, page: number): Uint8Array {
  return disk.subarray(swapOffset(64, page), swapOffset(64, page + 1));
}

let without: Run | undefined;

/** An image without compression. */
function plainImage(): Run {
  without ??= hibernated({ append: "hibernate=nocompress" });
  assert.equal(without.outcome, "hibernated");
  return without;
}

Deno.test("fact 31: the swap header's flags say platform, no compression, checksum", () => {
  const real = parseSwapHeader(recorded("platform.hib1.swap_header"));
  assert.deepEqual([real.imageFlags, real.originalSignature, real.signature], [
    5,
    "SWAPSPACE2",
    "S1SUSPEND",
  ]);
  const flags = (mode: string) => swapHeader(bytesOf(hibernated({ mode }).medium)).imageFlags;
  assert.deepEqual([flags("platform"), flags("shutdown")], [5, 4]);
  const plain = swapHeader(bytesOf(plainImage().medium));
  assert.deepEqual([plain.imageFlags, plain.crc32], [2, 0]);
  const disk = bytesOf(imageOfA().medium);
  const page = swapPage(disk, 0);
  const view = new DataView(page.buffer, page.byteOffset, PAGE);
  const header = swapHeader(disk);
  assert.equal(view.getUint32(4060, true), header.crc32);
  assert.equal(Number(view.getBigUint64(4064, true)), header.image);
  assert.equal(view.getUint32(4072, true), header.imageFlags);
  const text = (from: number, length: number) =>
    new TextDecoder().decode(page.subarray(from, from + length)).replace(/\0+$/, "");
  assert.deepEqual([text(4076, 10), text(4086, 10)], ["SWAPSPACE2", "S1SUSPEND"]);
});

Deno.test("fact 32: a map page is 511 places and the next one; the first place is the header's", () => {
  const real = parseMapPage(recorded("platform.hib1.map0"));
  assert.deepEqual([real.entries.length, real.entries[0], real.next], [511, 3356, 3867]);
  assert.equal(MAP_ENTRIES, 511);
  const disk = bytesOf(plainImage().medium);
  const { image } = swapHeader(disk);
  const map = parseMapPage(swapPage(disk, image));
  assert.equal(map.entries[0], image + 1);
  // The next map page stands 512 pages on, as in the recording.
  assert.equal(map.next, image + 512);
  assert.equal(real.next, 3355 + 512);
});

Deno.test("fact 33: the image's header is jump address, page table, magic, map's sum and counts", () => {
  const real = parseSwsuspInfo(recorded("platform.hib1.info"));
  const disk = plainDisk();
  const here = parseSwsuspInfo(swapPage(disk, streamPage(disk, 0)));
  for (const info of [real, here]) {
    assert.equal(info.versionCode, 0);
    assert.equal(info.cpus, 0);
    assert.equal(info.pages, info.imagePages + Math.ceil(info.imagePages / 512) + 1);
    assert.equal(info.size, info.pages * PAGE);
    const record = parseRestoreRecord(info.record);
    assert.equal(record.magic, RESTORE_MAGIC);
    assert.equal(record.jumpAddress % 4096n, 0n);
    assert.ok(record.cr3 % 4096n === 0n && BigInt(record.mapChecksum) !== 0n);
  }
});

function plainDisk(): Uint8Array {
  return bytesOf(plainImage().medium);
}

Deno.test("fact 34: frame numbers come first, ascending, then the data; without compression one each", () => {
  const disk = plainDisk();
  const info = parseSwsuspInfo(swapPage(disk, streamPage(disk, 0)));
  const count = Math.ceil(info.imagePages / 512);
  const numbers = new Uint8Array(count * PAGE);
  for (let at = 0; at < count; at++) {
    numbers.set(swapPage(disk, streamPage(disk, at + 1)), at * PAGE);
  }
  const frames = parsePfnPages(numbers, info.imagePages);
  let last = -1;
  for (const { pfn, count: length } of frames) {
    assert.ok(pfn > last);
    last = pfn + length - 1;
  }
  // Entries over all map pages are as many as pages.
  let places = 0;
  for (let at = swapHeader(disk).image; at !== 0;) {
    const map = parseMapPage(swapPage(disk, at));
    places += map.entries.filter((entry) => entry !== 0).length;
    at = map.next;
  }
  assert.equal(places, info.pages);
  const layout = JSON.parse(Deno.readTextFileSync(new URL("platform.hib1.layout.json", FOLDER)));
  const { units } = layout.lzo;
  assert.equal(units, Math.ceil((layout.swsusp_info["off_424_pages"] - 1) / 32));
});
