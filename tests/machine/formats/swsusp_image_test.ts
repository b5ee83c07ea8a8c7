import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import type { PageRun } from "../../../machine/formats/page_runs.ts";
import {
  crc32Le,
  emitMapPage,
  emitPfnPages,
  emitSwsuspInfo,
  MAP_ENTRIES,
  metaPages,
  namesFramesOnce,
  newSwsuspInfo,
  parseMapPage,
  parsePfnPages,
  parseSwsuspInfo,
} from "../../../machine/formats/swsusp_image.ts";
import {
  controlWord,
  emitRestoreRecord,
  emitSeedRecord,
  parseRestoreRecord,
  parseSeedRecord,
  RESTORE_MAGIC,
  RESTORE_MAGIC_2007,
} from "../../../machine/formats/swsusp_record.ts";
import { emitSwapHeader, parseSwapHeader } from "../../../machine/formats/swap_header.ts";

const FOLDER = new URL("../../../fixtures/recordings/swsusp/", import.meta.url);

function recorded(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(Deno.readFileSync(new URL(`${name}.gz`, FOLDER))));
}

interface RecordedLayout {
  readonly map_pages: readonly (number | string)[];
  readonly n_map_pages: number;
  readonly n_data_swap_pages: number;
  readonly first_entries: readonly number[];
  readonly swap_header: Readonly<Record<string, string | number>>;
  readonly swsusp_info: {
    readonly off_0_arch_restore_data_record: Readonly<Record<string, string>>;
  } & Readonly<Record<string, unknown>>;
}

function layoutOf(run: string): RecordedLayout {
  return JSON.parse(Deno.readTextFileSync(new URL(`${run}.layout.json`, FOLDER)));
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

for (const run of ["platform.hib1", "shutdown.hib1"]) {
  Deno.test(`parseMapPage reads the recorded map page of ${run} and emitMapPage writes it`, () => {
    const page = recorded(`${run}.map0.page`);
    const layout = layoutOf(run);
    const map = parseMapPage(page);
    assert.deepEqual(map.entries.slice(0, 6), layout.first_entries);
    assert.equal(map.entries.length, MAP_ENTRIES);
    assert.equal(map.next, layout.map_pages[1]);
    assert.deepEqual(emitMapPage(map), page);
  });

  Deno.test(`parseSwsuspInfo reads the recorded header page of ${run} byte for byte`, () => {
    const page = recorded(`${run}.info.page`);
    const { swsusp_info: info } = layoutOf(run);
    const found = parseSwsuspInfo(page);
    assert.equal(hex(found.versionCode), info["off_392_version_code"]);
    assert.equal(found.memoryPages, info["off_400_num_physpages"]);
    assert.equal(found.cpus, info["off_408_cpus"]);
    assert.equal(found.imagePages, info["off_416_image_pages"]);
    assert.equal(found.pages, info["off_424_pages"]);
    assert.equal(found.size, info["off_432_size"]);
    const record = parseRestoreRecord(found.record);
    const wanted = info.off_0_arch_restore_data_record;
    assert.equal(hex(record.jumpAddress), wanted["off_0_jump_address"]);
    assert.equal(hex(record.jumpAddressPhysical), wanted["off_8_jump_address_phys"]);
    assert.equal(hex(record.cr3), wanted["off_16_cr3"]);
    assert.equal(hex(record.magic), wanted["off_24_magic"]);
    assert.equal(record.magic, RESTORE_MAGIC);
    assert.equal(hex(record.mapChecksum), wanted["off_32_e820_checksum"]);
    assert.deepEqual(emitSwsuspInfo(found), page);
    // The page as we would make it, from the figures alone.
    const { memoryPages, imagePages } = found;
    const made = newSwsuspInfo({ record: emitRestoreRecord(record), memoryPages, imagePages });
    assert.deepEqual(emitSwsuspInfo(made), page);
  });
}

Deno.test("parseSwapHeader reads the recorded header of a hibernated machine", () => {
  const page = recorded("platform.hib1.swap_header.page");
  const { swap_header: wanted } = layoutOf("platform.hib1");
  const header = parseSwapHeader(page);
  assert.equal(hex(header.crc32), wanted["off_4060_crc32"]);
  assert.equal(header.image, wanted["off_4064_image_sector_t(first swap map page no)"]);
  assert.equal(header.imageFlags, wanted["off_4072_flags"]);
  assert.equal(header.originalSignature, "SWAPSPACE2");
  assert.equal(header.signature, "S1SUSPEND");
  assert.equal(header.lastPage, 131_071);
  assert.deepEqual(emitSwapHeader(header), page);
});

const runs = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 700 })),
  { maxLength: 20 },
).map((gaps): PageRun[] => {
  let free = 0;
  return gaps.map(([gap, count]) => {
    const pfn = free + gap;
    free = pfn + count;
    return { pfn, count };
  });
});

Deno.test("parsePfnPages gives back the frames emitPfnPages was given", () => {
  fc.assert(fc.property(runs, (saved) => {
    const count = saved.reduce((sum, run) => sum + run.count, 0);
    const bytes = emitPfnPages(saved);
    assert.equal(bytes.length, metaPages(count) * 4096);
    assert.deepEqual(parsePfnPages(bytes, count), saved);
    assert.throws(() => parsePfnPages(bytes, count + 1), FormatError);
  }));
});

Deno.test("emitPfnPages ends with an all-ones word unless its last page is full", () => {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer);
  const short = emitPfnPages([{ pfn: 1, count: 3 }]);
  assert.equal(view(short).getBigUint64(24, true), 0xffff_ffff_ffff_ffffn);
  assert.equal(view(short).getBigUint64(32, true), 0n);
  const full = emitPfnPages([{ pfn: 1, count: 512 }]);
  assert.equal(full.length, 4096);
  assert.equal(view(full).getBigUint64(4088, true), 512n);
});

Deno.test("parsePfnPages refuses a frame number beyond any memory", () => {
  const bytes = emitPfnPages([{ pfn: 1, count: 3 }]);
  new DataView(bytes.buffer).setBigUint64(8, 1n << 52n, true);
  assert.throws(() => parsePfnPages(bytes, 3), FormatError);
});

Deno.test("namesFramesOnce sees a frame that is named twice", () => {
  assert.equal(namesFramesOnce([{ pfn: 5, count: 3 }, { pfn: 1, count: 4 }]), true);
  assert.equal(namesFramesOnce([{ pfn: 5, count: 3 }, { pfn: 7, count: 1 }]), false);
});

Deno.test("parseMapPage and parseSwsuspInfo refuse a truncated page at every byte", () => {
  const map = emitMapPage({ entries: [1, 2, 3], next: 9 });
  const info = emitSwsuspInfo(
    newSwsuspInfo({ record: new Uint8Array(40), memoryPages: 100, imagePages: 10 }),
  );
  for (let length = 0; length < 4096; length++) {
    assert.throws(() => parseMapPage(map.subarray(0, length)), FormatError);
    assert.throws(() => parseSwsuspInfo(info.subarray(0, length)), FormatError);
  }
});

Deno.test("parseMapPage and parseSwsuspInfo never throw anything but FormatError", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (page) => {
    for (const parse of [parseMapPage, parseSwsuspInfo]) {
      try {
        parse(page);
      } catch (error) {
        assert(error instanceof FormatError, String(error));
      }
    }
  }));
});

Deno.test("emitMapPage and emitSwsuspInfo refuse what does not fit", () => {
  const entries = new Array<number>(512).fill(1);
  assert.throws(() => emitMapPage({ entries, next: 0 }), FormatError);
  assert.throws(() => emitMapPage({ entries: [-1], next: 0 }), FormatError);
  const record = new Uint8Array(393);
  assert.throws(() => emitSwsuspInfo(newSwsuspInfo({ record, memoryPages: 1, imagePages: 1 })));
});

Deno.test("crc32Le is the kernel's: no complement at the start or the end", () => {
  // 123456789 gives cbf43926 with both complements; bit by bit without them:
  const plain = (data: Uint8Array, seed: number): number => {
    let crc = seed;
    for (const byte of data) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
    }
    return crc >>> 0;
  };
  const digits = new TextEncoder().encode("123456789");
  assert.equal(~crc32Le(digits, 0xffff_ffff) >>> 0, 0xcbf4_3926);
  assert.equal(crc32Le(new Uint8Array(100)), 0);
  fc.assert(fc.property(fc.uint8Array(), fc.nat(0xffff_ffff), fc.uint8Array(), (a, seed, b) => {
    assert.equal(crc32Le(a, seed), plain(a, seed));
    assert.equal(crc32Le(b, crc32Le(a, seed)), crc32Le(new Uint8Array([...a, ...b]), seed));
  }));
});

Deno.test("controlWord is the jump address under the magic of 2007", () => {
  const jumpAddress = 0xffff_ffff_8133_2000n;
  const record = { jumpAddress, control: controlWord(jumpAddress) };
  assert.equal(record.control ^ jumpAddress, RESTORE_MAGIC_2007);
  assert.deepEqual(parseSeedRecord(emitSeedRecord(record)), record);
});

Deno.test("parseSeedRecord and parseRestoreRecord want 16 and 40 bytes, and keep any value", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), (bytes) => {
    assert.deepEqual(emitRestoreRecord(parseRestoreRecord(bytes)), bytes);
    assert.deepEqual(emitSeedRecord(parseSeedRecord(bytes)), bytes.slice(0, 16));
  }));
  for (let length = 0; length < 40; length++) {
    const bytes = new Uint8Array(length);
    if (length < 16) assert.throws(() => parseSeedRecord(bytes), FormatError);
    assert.throws(() => parseRestoreRecord(bytes), FormatError);
  }
  assert.throws(() => emitSeedRecord({ jumpAddress: 1n << 64n, control: 0n }), FormatError);
});
