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
import {
  headerOn,
  lines,
  mapped,
  ON,
  order,
  pageContent,
  PAGES,
  runSwap,
  SWAP_START,
  swapDisk,
  swapPage,
  testImage,
  writeCall,
  written,
} from "./swap_kit.ts";

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

Deno.test("swsusp_write of 6.1 does not look whether its last map page was written", () => {
  const { fillRam } = testImage(10);
  const badSectors = [{ sector: 4096 + 8, count: 8, on: "write" as const }];
  const calls = [[...ON] as const, writeCall(10)];
  const late = runSwap({ medium: swapDisk(16), fillRam, badSectors, calls, profile: "6.1" });
  assert.equal(fieldOf(late.results[1], "pages"), 12);
  assert(late.facts("image").some(({ op }) => op === "commit"));
  const early = runSwap({ medium: swapDisk(16), fillRam, badSectors, calls });
  assert.deepEqual(early.results, [0, -ERRNO.EIO]);
  assert(!early.facts("image").some(({ op }) => op === "commit"));
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
