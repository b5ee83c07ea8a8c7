import assert from "node:assert/strict";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { fieldOf } from "../../actors/kernel/values.ts";
import { lzo1xDecompress } from "../../machine/formats/lzo1x.ts";
import {
  crc32Le,
  MAP_ENTRIES,
  metaPages,
  parseMapPage,
  parsePfnPages,
  parseSwsuspInfo,
} from "../../machine/formats/swsusp_image.ts";
import type { MemoryMedium } from "../../machine/medium.ts";
import type { KernelRun } from "./kernel_kit.ts";
import {
  copyOf,
  headerOn,
  pageContent,
  readerOf,
  runSwap,
  SWAP_START,
  swapDisk,
  swapPage,
  testImage,
  writeCall,
} from "./swap_kit.ts";

const ON = ["swap_on", { device: "/dev/sda2" }] as const;
const READ = ["test_read", { device: "8:2" }] as const;
/** An image that needs two map pages in either mode. */
const PAGES = 1500;

/** Pages of the area in the order of the map, as the formats' own functions read them. */
function mapped(medium: MemoryMedium): number[] {
  const pages: number[] = [];
  for (let at = headerOn(medium).image; at !== 0;) {
    const { entries, next } = parseMapPage(swapPage(medium, at));
    pages.push(...entries.filter((entry) => entry !== 0));
    at = next;
  }
  return pages;
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function unpacked(stream: Uint8Array): Uint8Array {
  const groups: Uint8Array[] = [];
  const view = new DataView(stream.buffer);
  for (let at = 0; at < stream.length;) {
    const length = Number(view.getBigUint64(at, true));
    groups.push(lzo1xDecompress(stream.subarray(at + 8, at + 8 + length), 131_072));
    at += Math.ceil((length + 8) / 4096) * 4096;
  }
  return joinBytes(groups);
}

function written(pages: number, more: Record<string, unknown> = {}, profile = "6.1-cured") {
  const medium = swapDisk(16);
  const { fillRam } = testImage(pages);
  const run = runSwap({ medium, profile, fillRam, calls: [[...ON], writeCall(pages, more)] });
  return { medium, run };
}

function restored(medium: MemoryMedium, pages: number, profile = "6.1-cured"): KernelRun {
  const frames = [{ pfn: 5000, count: 700 }, { pfn: 3500, count: 1000 }, {
    pfn: 6000,
    count: 2000,
  }];
  let left = pages;
  const given = frames.map(({ pfn, count }) => {
    const part = Math.min(count, left);
    left -= part;
    return { pfn, count: part };
  }).filter(({ count }) => count > 0);
  const run = runSwap({
    medium: copyOf(medium),
    profile,
    procedures: readerOf({ frames: given }),
    calls: [[...READ]],
  });
  const [result] = run.results;
  if (typeof result === "number") return run;
  let index = 0;
  for (const { pfn, count } of given) {
    for (let at = 0; at < count; at++, index++) {
      const found = run.ram.view((pfn + at) * 4096, 4096).slice();
      assert.deepEqual(found, pageContent(index), `page ${index}`);
    }
  }
  return run;
}

function lines(run: KernelRun, words: string): string[] {
  return run.printed().filter((line) => line.includes(words));
}

for (const [name, flags] of [["compressed", 0], ["uncompressed", 2]] as const) {
  Deno.test(`swsusp_write puts a ${name} image on the area as Linux lays it out`, () => {
    const { medium, run } = written(PAGES, { flags: flags | 1 });
    const [, result] = run.results;
    assert.equal(fieldOf(result, "pages"), PAGES + metaPages(PAGES) + 1);
    const header = headerOn(medium);
    assert.equal(header.signature, "S1SUSPEND");
    assert.equal(header.originalSignature, "SWAPSPACE2");
    assert.equal(header.imageFlags, flags === 0 ? 5 : 3);
    const pages = mapped(medium);
    // The map page stands before what it names, and the next one where it is full.
    assert.equal(header.image, 1);
    assert.deepEqual(pages.slice(0, 3), [2, 3, 4]);
    assert.equal(parseMapPage(swapPage(medium, 1)).next, pages.length > 511 ? 2 + MAP_ENTRIES : 0);
    const info = parseSwsuspInfo(swapPage(medium, pages[0] ?? 0));
    assert.equal(info.memoryPages, 8192);
    assert.equal(info.imagePages, PAGES);
    assert.equal(info.size, info.pages * 4096);
    assert.deepEqual([...info.record.slice(0, 41)], [...new Array<number>(40).fill(0x11), 0]);
    const body = joinBytes(pages.slice(1).map((page) => swapPage(medium, page)));
    const stream = flags === 0 ? unpacked(body) : body;
    assert.equal(stream.length, (PAGES + metaPages(PAGES)) * 4096);
    assert.equal(header.crc32, flags === 0 ? crc32Le(stream) : 0);
    const { saved } = testImage(PAGES);
    const meta = metaPages(PAGES) * 4096;
    assert.deepEqual(parsePfnPages(stream.subarray(0, meta), PAGES), saved);
    for (let index = 0; index < PAGES; index++) {
      const at = meta + index * 4096;
      assert.deepEqual(stream.slice(at, at + 4096), pageContent(index), `page ${index}`);
    }
  });

  Deno.test(`swsusp_read puts a ${name} image into the frames it is given`, () => {
    for (const pages of [1, 31, 512, 513, PAGES]) {
      const { medium } = written(pages, { flags });
      const run = restored(medium, pages);
      const [result] = run.results;
      assert.deepEqual(fieldOf(result, "saved"), testImage(pages).saved, String(pages));
      const [header] = lines(run, "header ");
      assert.equal(header, `header ${pages} ${"11".repeat(5)}${"00".repeat(5)}`);
      assert.deepEqual(run.facts("image").map(({ op }) => op), ["check", "invalidate", "load"]);
    }
  });
}

Deno.test("swsusp_write says its image in order: begin, pages, commit", () => {
  const { run } = written(PAGES);
  const facts = run.facts("image");
  const ops = facts.map(({ op }) => op);
  assert.equal(ops[0], "begin");
  assert.equal(ops.at(-1), "commit");
  assert(ops.slice(1, -1).every((op) => op === "page") && ops.length > 6);
  assert.equal(new Set(facts.map(({ id }) => id)).size, 1);
  assert.equal(facts.every(({ device }) => device === "sda2"), true);
  assert.deepEqual(run.facts("image_device"), [
    { k: "K", device: "sda2", kind: "swap", signature: "SWAPSPACE2", active: true, mounted: false },
  ]);
  assert.deepEqual(run.facts("swap_area").map(({ op }) => op), ["on", "allocate"]);
});

Deno.test("swsusp_write keeps several transfers on their way", () => {
  const { run } = written(PAGES, { flags: 2 });
  let open = 0;
  let most = 0;
  for (const { kind, type } of run.events) {
    if (kind !== "deliver") continue;
    if (type === "disk.write" || type === "disk.read" || type === "disk.flush") open++;
    if (type === "disk.done") open--;
    most = Math.max(most, open);
  }
  assert.equal(most, 3);
});

/** What the disk was told and what was said of the image, in order. */
function order(run: KernelRun): string[] {
  return run.events.flatMap(({ type, summary }) => {
    const fields = { ...summary };
    if (type === "fact.disk_write") {
      const page = (Number(fields["block"]) * 512 - SWAP_START) / 4096;
      return [page === 0 ? "signature" : `${page}`];
    }
    if (type === "fact.flush" && fields["op"] === "done") return ["flush"];
    if (type === "fact.image" && fields["op"] !== "page") return [String(fields["op"])];
    return [];
  });
}

Deno.test("swsusp_write flushes pages before the signature and the signature before the end", () => {
  const { medium, run } = written(100);
  assert.deepEqual(order(run).slice(-5), ["1", "flush", "signature", "commit", "flush"]);
  assert.equal(headerOn(medium).signature, "S1SUSPEND");
});

Deno.test("swsusp_write of 6.1 marks the signature before the last map page and flushes nothing", () => {
  const { medium, run } = written(100, {}, "6.1");
  assert.deepEqual(order(run).slice(-3), ["signature", "commit", "1"]);
  assert(!order(run).includes("flush"));
  // All of it is still in the drive's cache.
  assert.equal(headerOn(medium).signature, "SWAPSPACE2");
});

Deno.test("swsusp_write answers ENODEV where the resume device is no active swap", () => {
  const medium = swapDisk(16);
  const { fillRam } = testImage(10);
  const run = runSwap({ medium, fillRam, calls: [writeCall(10)] });
  assert.deepEqual(run.results, [-ERRNO.ENODEV]);
  assert.equal(lines(run, "Cannot find swap device, try swapon -a").length, 1);
  assert.equal(run.facts("image_device")[0]?.["active"], false);
});

Deno.test("swsusp_write answers ENOSPC, gives blocks and frames back and leaves the signature", () => {
  for (const flags of [0, 2]) {
    const medium = swapDisk(2);
    const { fillRam } = testImage(PAGES);
    const run = runSwap({ medium, fillRam, calls: [[...ON], writeCall(PAGES, { flags })] });
    assert.deepEqual(run.results, [0, -ERRNO.ENOSPC]);
    assert.equal(headerOn(medium).signature, "SWAPSPACE2");
    assert.deepEqual(run.state.swaps?.[0]?.used, [{ pfn: 0, count: 1 }]);
    assert.deepEqual(run.state.free, [{ pfn: 256, count: 2500 }]);
    const ops = run.facts("image").map(({ op }) => op);
    // Without compression it is known before anything is written (enough_swap).
    assert.deepEqual(
      [ops[0], ops.at(-1)],
      flags === 0 ? ["begin", "abort"] : [undefined, undefined],
    );
  }
});

Deno.test("swsusp_write wants 1024 pages besides an uncompressed image, and no more", () => {
  const { fillRam } = testImage(10);
  const swapPages = 10 + 1 + 1 + 1024;
  const withPages = (pages: number) => {
    const medium = swapDisk(16);
    const state = {
      swaps: [{
        place: { partition: 2, type: 0x82, firstSector: 4096, sectorCount: 16 * 2048 },
        pages: pages + 1,
        used: [{ pfn: 0, count: 1 }],
        image: [],
      }],
    };
    return runSwap({ medium, fillRam, state, calls: [writeCall(10, { flags: 2 })] }).results[0];
  };
  assert.equal(withPages(swapPages), -ERRNO.ENOSPC);
  assert.notEqual(typeof withPages(swapPages + 1), "number");
});

Deno.test("swsusp_write gives everything back after a write error, and says abort", () => {
  for (const flags of [0, 2]) {
    const medium = swapDisk(16);
    const { fillRam } = testImage(PAGES);
    const badSectors = [{ sector: 4096 + 8 * 40, count: 8, on: "write" as const }];
    const calls = [[...ON] as const, writeCall(PAGES, { flags })];
    const run = runSwap({ medium, fillRam, badSectors, calls });
    assert.deepEqual(run.results, [0, -ERRNO.EIO]);
    assert.equal(headerOn(medium).signature, "SWAPSPACE2");
    assert.deepEqual(run.state.swaps?.[0]?.used, [{ pfn: 0, count: 1 }]);
    assert.deepEqual(run.state.free, [{ pfn: 256, count: 2500 }]);
    assert.equal(run.facts("image").at(-1)?.["op"], "abort");
    assert.equal(run.facts("swap_area").at(-1)?.["op"], "free");
    assert(!run.facts("image").some(({ op }) => op === "commit"));
  }
});

Deno.test("swsusp_write does not commit where the signature is gone or cannot be written", () => {
  const { fillRam } = testImage(10);
  const medium = swapDisk(16);
  const swaps = [{
    place: { partition: 2, type: 0x82, firstSector: 4096, sectorCount: 16 * 2048 },
    pages: 4096,
    used: [{ pfn: 0, count: 1 }],
    image: [],
  }];
  medium.write(SWAP_START + 4086, new TextEncoder().encode("SOMETHING!"));
  const gone = runSwap({ medium, fillRam, state: { swaps }, calls: [writeCall(10)] });
  assert.deepEqual(gone.results, [-ERRNO.ENODEV]);
  assert.equal(lines(gone, "Swap header not found!").length, 1);
  const badSectors = [{ sector: 4096, count: 8, on: "write" as const }];
  const bad = runSwap({
    medium: swapDisk(16),
    fillRam,
    badSectors,
    calls: [[...ON], writeCall(10)],
  });
  assert.deepEqual(bad.results, [0, -ERRNO.EIO]);
  for (const run of [gone, bad]) {
    assert(!run.facts("image").some(({ op }) => op === "commit"));
    assert.equal(run.facts("image").at(-1)?.["op"], "abort");
  }
});

Deno.test("swsusp_write answers ENOMEM without frames for its transfers", () => {
  const medium = swapDisk(16);
  const { fillRam } = testImage(10);
  const busy = { ...testImage(10), calls: [[...ON] as const, writeCall(10)] };
  const run = runSwap({
    medium,
    fillRam,
    calls: busy.calls,
    state: { free: [{ pfn: 256, count: 40 }] },
  });
  assert.deepEqual(run.results, [0, -ERRNO.ENOMEM]);
});

Deno.test("swsusp_check takes the signature off before anything is read, once", () => {
  const { medium } = written(100);
  const run = restored(medium, 100);
  assert.deepEqual(order(run), ["check", "signature", "flush", "invalidate", "load"]);
  const again = runSwap({
    medium: run.medium,
    procedures: readerOf(),
    calls: [[...READ]],
  });
  assert.deepEqual(again.results, [-ERRNO.EINVAL]);
  const [check] = again.facts("header_check");
  assert.deepEqual(check, {
    k: "K",
    what: "signature",
    stored: "SWAPSPACE2",
    found: "S1SUSPEND",
    result: -ERRNO.EINVAL,
  });
  assert(!again.events.some(({ type }) => type === "fact.disk_write"));
});

Deno.test("swsusp_check answers ENODEV, EBUSY and EIO as the device is", () => {
  const { medium } = written(100);
  const check = (device: string, more = {}) =>
    runSwap({ medium: copyOf(medium), calls: [["swsusp_check", { device }]], ...more }).results[0];
  assert.equal(check("/dev/sda5"), -ERRNO.ENODEV);
  assert.equal(check("/dev/none"), -ERRNO.ENODEV);
  assert.equal(check("/dev/sda1"), -ERRNO.EINVAL);
  const bad = (on: "read" | "write") => ({ badSectors: [{ sector: 4096, count: 8, on }] });
  assert.equal(check("/dev/sda2", bad("read")), -ERRNO.EIO);
  assert.equal(check("/dev/sda2", bad("write")), -ERRNO.EIO);
  const active = runSwap({
    medium: swapDisk(16),
    calls: [[...ON], ["swsusp_check", { device: "/dev/sda2" }]],
  });
  assert.deepEqual(active.results, [0, -ERRNO.EBUSY]);
});

Deno.test("swsusp_check obeys the hardware signature an image carries, after invalidating it", () => {
  const { medium } = written(100, { hardwareSignature: 0xabcd });
  assert.equal(headerOn(medium).imageFlags & 8, 8);
  const check = (hardwareSignature: number) =>
    runSwap({
      medium: copyOf(medium),
      calls: [["swsusp_check", { device: "/dev/sda2", hardwareSignature }]],
    });
  const same = check(0xabcd);
  assert.equal(fieldOf(same.results[0], "firstMap"), 1);
  const other = check(0xabce);
  assert.deepEqual(other.results, [-ERRNO.EINVAL]);
  assert.deepEqual(other.facts("header_check").at(-1), {
    k: "K",
    what: "hardware",
    stored: "0xabcd",
    found: "0xabce",
    result: -ERRNO.EINVAL,
    obeyed: true,
  });
  assert.equal(headerOn(other.medium).signature, "SWAPSPACE2");
});

Deno.test("swsusp_unmark takes a committed image off again", () => {
  const { fillRam } = testImage(100);
  const medium = swapDisk(16);
  const unmark = ["swsusp_unmark", { device: "/dev/sda2" }] as const;
  const run = runSwap({
    medium,
    fillRam,
    calls: [[...ON], writeCall(100), [...unmark], [...unmark]],
  });
  assert.deepEqual(run.results.slice(2), [0, -ERRNO.ENODEV]);
  assert.equal(headerOn(medium).signature, "SWAPSPACE2");
  assert.deepEqual(run.state.swaps?.[0]?.used, [{ pfn: 0, count: 1 }]);
});

/** Reads an image after something on the area was changed. */
function damaged(
  flags: number,
  change: (medium: MemoryMedium, pages: readonly number[]) => void,
): KernelRun {
  const { medium } = written(PAGES, { flags });
  change(medium, mapped(medium));
  return restored(medium, PAGES);
}

function poke(medium: MemoryMedium, page: number, offset: number, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  medium.write(SWAP_START + page * 4096 + offset, bytes);
}

Deno.test("swsusp_read answers as Linux does to each kind of damage", () => {
  const cases: readonly (readonly [
    string,
    number,
    number,
    (medium: MemoryMedium, pages: readonly number[]) => void,
  ])[] = [
    ["no map", 0, -ERRNO.EINVAL, (medium) => poke(medium, 0, 4064, 0n)],
    ["zero entry", 0, -ERRNO.EFAULT, (medium) => poke(medium, 1, 8 * 20, 0n)],
    ["zero entry", 2, -ERRNO.EFAULT, (medium) => poke(medium, 1, 8 * 20, 0n)],
    ["no header page", 0, -ERRNO.EFAULT, (medium) => poke(medium, 1, 0, 0n)],
    ["entry far away", 2, -ERRNO.EIO, (medium) => poke(medium, 1, 8 * 20, 1n << 40n)],
    ["entry absurd", 2, -ERRNO.EFAULT, (medium) => poke(medium, 1, 8 * 20, 1n << 60n)],
    ["map in a ring", 2, -ERRNO.EFAULT, (medium) => poke(medium, 1, 8 * 511, 1n)],
    ["map behind the end", 2, -ERRNO.EIO, (medium) => poke(medium, 1, 8 * 511, 1n << 30n)],
    ["length 0", 0, -ERRNO.EPERM, (medium, pages) => poke(medium, pages[1] ?? 0, 0, 0n)],
    ["length huge", 0, -ERRNO.EPERM, (medium, pages) => poke(medium, pages[1] ?? 0, 0, 1n << 50n)],
    ["short image", 0, -ERRNO.ENODATA, (medium, pages) => poke(medium, pages[0] ?? 0, 424, 7n)],
    [
      "frame number",
      2,
      -ERRNO.EFAULT,
      (medium, pages) => poke(medium, pages[1] ?? 0, 8, 1n << 60n),
    ],
  ];
  for (const [name, flags, result, change] of cases) {
    const run = damaged(flags, change);
    assert.deepEqual(run.results, [result], `${name} ${flags}`);
    assert.deepEqual(run.state.free, [{ pfn: 256, count: 2500 }], name);
    // One attempt: the signature is gone whatever comes.
    assert.equal(headerOn(run.medium).signature, "SWAPSPACE2");
  }
});

Deno.test("swsusp_read finds a flipped bit by the sum, unless nothing was compressed", () => {
  const flip = (medium: MemoryMedium, page: number, offset: number) => {
    const bytes = swapPage(medium, page).slice(offset, offset + 1);
    medium.write(SWAP_START + page * 4096 + offset, bytes.map((byte) => byte ^ 1));
  };
  // Page 10 is noise and stands in its group as it is.
  const packed = damaged(0, (medium, pages) => flip(medium, pages[1 + 20] ?? 0, 100));
  assert.deepEqual(packed.results, [-ERRNO.ENODATA]);
  assert.equal(lines(packed, "Invalid image CRC32!").length, 1);
  assert.equal(packed.facts("header_check").at(-1)?.["what"], "crc");
  const { medium } = written(PAGES, { flags: 2 });
  flip(medium, mapped(medium)[1 + 3 + 12] ?? 0, 100);
  const plain = runSwap({
    medium,
    procedures: readerOf({ frames: [{ pfn: 3500, count: PAGES }] }),
    calls: [[...READ]],
  });
  assert.notEqual(typeof plain.results[0], "number");
  assert(!plain.facts("header_check").some(({ what }) => what === "crc"));
});

Deno.test("swsusp_read answers LZO's own number to data that are none", () => {
  const run = damaged(0, (medium, pages) => {
    const page = pages[1] ?? 0;
    // A match in front of everything.
    medium.write(SWAP_START + page * 4096 + 8, Uint8Array.from([0x12, 0x61, 0x4c, 0x40]));
  });
  assert.deepEqual(run.results, [-6]);
  assert.equal(lines(run, "LZO decompression failed").length, 1);
});

Deno.test("swsusp_read ends with what its callbacks refuse, and gives its frames back", () => {
  const { medium } = written(PAGES);
  for (const answers of [{ check: -ERRNO.EPERM }, { place: -ERRNO.ENOMEM }]) {
    const run = runSwap({
      medium: copyOf(medium),
      procedures: readerOf(answers),
      calls: [[...READ]],
    });
    assert.deepEqual(run.results, [answers.check ?? answers.place]);
    assert.deepEqual(run.state.free, [{ pfn: 256, count: 2500 }]);
    const loaded = run.facts("image").some(({ op }) => op === "load");
    assert.equal(loaded, answers.check === undefined);
  }
});

Deno.test("swsusp_read answers EIO to a sector that cannot be read, wherever it is", () => {
  const { medium } = written(PAGES);
  for (const page of [1, 2, 30, 400]) {
    const run = runSwap({
      medium: copyOf(medium),
      procedures: readerOf({ frames: [{ pfn: 3500, count: PAGES }] }),
      badSectors: [{ sector: 4096 + page * 8, count: 1, on: "read" }],
      calls: [[...READ]],
    });
    assert.deepEqual(run.results, [-ERRNO.EIO], String(page));
    assert.deepEqual(run.state.free, [{ pfn: 256, count: 2500 }]);
  }
});

Deno.test("swsusp_read gives the same image whatever order answers come in", () => {
  for (const flags of [0, 2]) {
    const { medium } = written(PAGES, { flags });
    for (const seed of [1, 2, 3]) {
      const run = runSwap({
        medium: copyOf(medium),
        seededOrder: true,
        seed,
        procedures: readerOf({ frames: [{ pfn: 3500, count: PAGES }] }),
        calls: [[...READ]],
      });
      assert.deepEqual(fieldOf(run.results[0], "saved"), testImage(PAGES).saved);
      for (const index of [0, 6, 700, PAGES - 1]) {
        const found = run.ram.view((3500 + index) * 4096, 4096).slice();
        assert.deepEqual(found, pageContent(index));
      }
    }
  }
});
