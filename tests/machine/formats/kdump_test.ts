import assert from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  KDUMP_FLAG,
  type KdumpContents,
  kdumpLayout,
  parseKdumpBitmap,
  parseKdumpHeader,
  planKdump,
} from "../../../machine/formats/kdump.ts";
import {
  firstKdumpCursor,
  packKdumpPages,
  parseKdumpDescriptor,
  unpackKdumpPage,
} from "../../../machine/formats/kdump_pages.ts";
import { mergeRuns, type PageRun } from "../../../machine/formats/page_runs.ts";

const RECORDED = JSON.parse(
  Deno.readTextFileSync(
    new URL(
      "../../../fixtures/recordings/kdump/kdump_compressed.c.d31.header.json",
      import.meta.url,
    ),
  ),
);

const CONTENTS: KdumpContents = {
  word: 8,
  utsname: ["Linux", "A", "6.1.192", "#1", "x86_64", "(none)"],
  seconds: 1_200_000_000,
  microseconds: 5,
  compression: KDUMP_FLAG.zlib,
  level: 31,
  cpuCount: 1,
  physicalBase: 0,
  maxPfn: 32_733,
  present: [{ pfn: 1, count: 158 }, { pfn: 256, count: 18_141 }],
  dumped: [{ pfn: 1, count: 100 }, { pfn: 300, count: 5822 }],
  notes: new Uint8Array(3569).fill(3),
  vmcoreinfo: { offset: 380, length: 3189 },
};

Deno.test("planKdump gives the figures of the recorded header", () => {
  const { head, pageCount, descriptorsAt, dataAt } = planKdump(CONTENTS);
  const text = new TextDecoder().decode(head.subarray(0, 8));
  assert.equal(text, RECORDED.signature);
  const view = new DataView(head.buffer);
  const word = (offset: number) => view.getUint32(offset, true);
  assert.equal(word(8), RECORDED.header_version);
  assert.equal(view.getBigUint64(RECORDED.timestamp_offset, true), 1_200_000_000n);
  assert.deepEqual(
    [424, 428, 432, 436, 440, 444, 448, 452, 456, 460].map(word),
    [
      RECORDED.status,
      RECORDED.block_size,
      RECORDED.sub_hdr_size,
      RECORDED.bitmap_blocks,
      RECORDED.max_mapnr,
      RECORDED.total_ram_blocks,
      RECORDED.device_blocks,
      RECORDED.written_blocks,
      RECORDED.current_cpu,
      RECORDED.nr_cpus,
    ],
  );
  assert.equal(pageCount, 5922);
  assert.equal(descriptorsAt, 4 * 4096);
  assert.equal(dataAt, 4 * 4096 + 5922 * 24);
});

for (const word of [8, 4] as const) {
  Deno.test(`parseKdumpHeader reads what planKdump wrote, words of ${word} bytes`, () => {
    const contents = { ...CONTENTS, word, physicalBase: 0x100_0000 };
    const { head, descriptorsAt } = planKdump(contents);
    const header = parseKdumpHeader(head);
    assert.equal(header.word, word);
    assert.deepEqual(header.utsname, contents.utsname);
    assert.equal(header.seconds, contents.seconds);
    assert.equal(header.microseconds, 5);
    assert.equal(header.level, 31);
    assert.equal(header.maxPfn, 32_733);
    assert.equal(header.physicalBase, 0x100_0000);
    const { notes, vmcoreinfo } = header;
    assert.equal(notes.length, 3569);
    assert.deepEqual(head.subarray(notes.offset, notes.offset + 3569), contents.notes);
    assert.deepEqual(vmcoreinfo, { offset: notes.offset + 380, length: 3189 });
    const layout = kdumpLayout(header);
    assert.equal(layout.descriptorsAt, descriptorsAt);
    const frames = layout.bitmaps.map(({ offset, length }) =>
      parseKdumpBitmap(head.subarray(offset, offset + length), header.maxPfn)
    );
    assert.deepEqual(frames, [contents.present, contents.dumped]);
  });
}

const runs = fc.array(
  fc.record({ pfn: fc.nat(5000), count: fc.integer({ min: 1, max: 300 }) }, {
    noNullPrototype: true,
  }),
  { maxLength: 8 },
).map((list): PageRun[] => mergeRuns(list));

Deno.test("parseKdumpBitmap gives back any set of frames", () => {
  fc.assert(fc.property(runs, runs, (present, dumped) => {
    const { head } = planKdump({ ...CONTENTS, maxPfn: 5400, present, dumped });
    const header = parseKdumpHeader(head);
    const found = kdumpLayout(header).bitmaps.map(({ offset, length }) =>
      parseKdumpBitmap(head.subarray(offset, offset + length), header.maxPfn)
    );
    assert.deepEqual(found, [present, dumped]);
  }));
});

const pages = fc.array(
  fc.oneof(
    fc.constant(new Uint8Array(4096)),
    fc.nat(1000).map((seed) =>
      Uint8Array.from(
        { length: 4096 },
        (_, at) => Math.imul(at + 1, (seed + 1) * 0x9e37_79b1) >> 24,
      )
    ),
    fc.nat(255).map((byte) => new Uint8Array(4096).fill(byte)),
  ),
  { minLength: 1, maxLength: 12 },
);

for (const [name, compression] of [["zlib", 1], ["LZO", 2], ["nothing", 0]] as const) {
  for (const sharesZeros of [true, false]) {
    const how = sharesZeros ? "with one zero page" : "with every zero page";
    Deno.test(`unpackKdumpPage gives back pages packed by ${name}, ${how}`, () => {
      fc.assert(
        fc.property(pages, fc.nat(11), (list, cut) => {
          const plan = planKdump({ ...CONTENTS, dumped: [{ pfn: 256, count: list.length }] });
          const file = new Uint8Array(plan.dataAt + list.length * 4096);
          let cursor = firstKdumpCursor(plan);
          let zeros = 0;
          for (const part of [list.slice(0, cut), list.slice(cut)]) {
            const bytes = new Uint8Array(part.length * 4096);
            part.forEach((page, index) => bytes.set(page, index * 4096));
            const piece = packKdumpPages(plan, cursor, bytes, { compression, sharesZeros });
            file.set(piece.descriptors, piece.descriptorsAt);
            file.set(piece.data, piece.dataAt);
            cursor = piece.cursor;
            zeros += piece.zeroPages;
          }
          assert.equal(cursor.pages, list.length);
          const offsets: number[] = [];
          list.forEach((page, index) => {
            const descriptor = parseKdumpDescriptor(file, plan.descriptorsAt + index * 24);
            const data = file.subarray(descriptor.offset, descriptor.offset + descriptor.size);
            assert.deepEqual(unpackKdumpPage(descriptor, data.slice()), page);
            assert(descriptor.flags === 0 || descriptor.flags === compression);
            if (page.every((byte) => byte === 0)) offsets.push(descriptor.offset);
          });
          assert.equal(zeros, sharesZeros ? offsets.length : 0);
          if (sharesZeros) assert(new Set(offsets).size <= 1);
          else assert.equal(new Set(offsets).size, offsets.length);
        }),
        { numRuns: 25 },
      );
    });
  }
}

Deno.test("parseKdumpHeader refuses a truncated head at every byte, and only with FormatError", () => {
  const { head } = planKdump(CONTENTS);
  for (let length = 0; length < 4096 + 104; length++) {
    assert.throws(() => parseKdumpHeader(head.subarray(0, length)), FormatError);
  }
  parseKdumpHeader(head.subarray(0, 4096 + 104));
  fc.assert(
    fc.property(fc.nat(8191), fc.nat(255), (at, byte) => {
      const bad = head.slice(0, 8192);
      bad[at] = byte;
      try {
        kdumpLayout(parseKdumpHeader(bad));
      } catch (error) {
        assert(error instanceof FormatError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("parseKdumpHeader refuses another signature, block size or an old version", () => {
  const { head } = planKdump(CONTENTS);
  for (const [at, byte] of [[0, 0x44], [429, 0x20], [8, 5]] as const) {
    const bad = head.slice();
    bad[at] = byte;
    assert.throws(() => parseKdumpHeader(bad), FormatError);
  }
});

Deno.test("planKdump refuses a frame beyond the last one and a text that is too long", () => {
  const dumped = [{ pfn: 32_733, count: 1 }];
  assert.throws(() => planKdump({ ...CONTENTS, dumped }), FormatError);
  const utsname = ["x".repeat(66)];
  assert.throws(() => planKdump({ ...CONTENTS, utsname }), FormatError);
});

Deno.test("packKdumpPages refuses half a page and a page too many", () => {
  const plan = planKdump({ ...CONTENTS, dumped: [{ pfn: 1, count: 1 }] });
  const pack = (length: number) =>
    packKdumpPages(plan, firstKdumpCursor(plan), new Uint8Array(length), {
      compression: 0,
      sharesZeros: false,
    });
  pack(4096);
  assert.throws(() => pack(2048), FormatError);
  assert.throws(() => pack(8192), FormatError);
});

Deno.test("unpackKdumpPage throws FormatError for bad, short or strange data", () => {
  const page = { offset: 5000, size: 20, flags: 0, pageFlags: 0 };
  const noise = Uint8Array.from({ length: 20 }, (_, at) => at * 37);
  for (const flags of [0, 1, 2, 4, 0x20, 3]) {
    assert.throws(() => unpackKdumpPage({ ...page, flags }, noise), FormatError);
  }
  assert.throws(() => unpackKdumpPage(page, noise.subarray(1)), FormatError);
  const descriptor = new Uint8Array(24);
  new DataView(descriptor.buffer).setUint32(8, 4097, true);
  assert.throws(() => parseKdumpDescriptor(descriptor), FormatError);
  assert.throws(() => parseKdumpDescriptor(descriptor.subarray(1)), FormatError);
});
