/** Frames made in place are those of an encoder that goes line by line. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ALL_EVENTS } from "../../../server/streams/event_query.ts";
import { EventStreams } from "../../../server/streams/event_streams.ts";
import { framed, FRAMINGS } from "../../../server/streams/frames.ts";
import { lineEnds } from "../../../server/streams/line_ends.ts";
import { LogFile, PIECE_BYTES, PIECE_EVENTS } from "../../../server/streams/log_file.ts";
import { BLOCK_BYTES } from "../../../server/streams/piece_source.ts";
import { GrowingLog, textOf, ToldRun } from "./stream_kit.ts";

const SIGNAL = new AbortController().signal;
const FORMS = ["sse", "ndjson", "json-seq"] as const;

/** Frames of lines as the forms' definitions say them. */
const NAIVE: Readonly<Record<typeof FORMS[number], (line: string, number: number) => string>> = {
  "sse": (line, number) => `id: ${number}\nevent: trace\ndata: ${line}\n\n`,
  "ndjson": (line) => `${line}\n`,
  "json-seq": (line) => `\x1e${line}\n`,
};

function bytesOf(lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
}

/** Lines of all lengths from none on, also with more bytes than characters. */
const LINE = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.nat({ max: 3000 }).map((length) => "x".repeat(length)),
).map((text) => text.replaceAll("\n", " ").toWellFormed());

/** Numbers just before they have a digit more, and any others. */
const FIRST = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 15 }), fc.nat({ max: 12 }))
    .map(([digits, before]) => Math.max(0, 10 ** digits - before)),
  fc.nat({ max: Number.MAX_SAFE_INTEGER - 1000 }),
);

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("framed gives what a naive encoder gives, with any lines and numbers", () => {
  fc.assert(fc.property(
    fc.constantFrom(...FORMS),
    fc.array(LINE, { maxLength: 40 }),
    FIRST,
    (form, lines, first) => {
      const wanted = lines.map((line, at) => NAIVE[form](line, first + at)).join("");
      assert.equal(text(framed(form, bytesOf(lines), first)), wanted);
    },
  ));
});

Deno.test("framed gives numbers with gaps, also such with fewer digits behind them", () => {
  const line = fc.tuple(LINE, FIRST);
  fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 30 }), (numbered) => {
    const lines = numbered.map(([text]) => text);
    const numbers = numbered.map(([, number]) => number);
    const wanted = lines.map((text, at) => NAIVE.sse(text, numbers[at] ?? -1)).join("");
    assert.equal(text(framed("sse", bytesOf(lines), numbers[0] ?? -1, numbers)), wanted);
  }));
});

Deno.test("inPlace never needs more room than a form says", () => {
  for (const form of FORMS) {
    const lines = Array.from({ length: 30 }, () => "");
    const bytes = bytesOf(lines);
    const first = Number.MAX_SAFE_INTEGER - 40;
    const base = lines.length * FRAMINGS[form].aroundBytes;
    const target = new Uint8Array(base + bytes.length);
    target.set(bytes, base);
    const length = FRAMINGS[form].inPlace(target, base, lineEnds(bytes), first);
    const wanted = lines.map((line, at) => NAIVE[form](line, first + at)).join("");
    assert.equal(text(target.subarray(0, length)), wanted);
  }
});

Deno.test("lineEnds gives the ends of whole lines, at most so many", () => {
  const bytes = new TextEncoder().encode("\nä\n\nlonger\nnot whole");
  assert.deepEqual([...lineEnds(bytes)], [1, 4, 5, 12]);
  assert.deepEqual([...lineEnds(bytes, 2)], [1, 4]);
  assert.deepEqual([...lineEnds(bytes, 0)], []);
  assert.equal(lineEnds(new Uint8Array(5000).fill(10)).length, 5000);
});

/** A log of lines whose lengths change: short ones, then long ones, then short ones. */
function uneven(count: number): { log: GrowingLog; lines: string[] } {
  const log = new GrowingLog();
  const lines = Array.from({ length: count }, (_, seq) => {
    const length = seq > count / 3 && seq < count / 2 ? 700 + seq % 900 : seq % 60;
    return JSON.stringify({ seq, text: "ü".repeat(length) });
  });
  log.addLines(lines);
  log.end();
  return { log, lines };
}

for (const form of FORMS) {
  Deno.test(`open as ${form} gives every line of uneven ones, first and again`, async () => {
    const { log, lines } = uneven(11_000);
    using _log = log;
    const streams = new EventStreams();
    for (let client = 0; client < 2; client++) {
      for (const after of [-1, 8, 98, 998, 1023, 4500, 9998, 10_998]) {
        const query = { ...ALL_EVENTS, after };
        const got = await textOf(streams.open(log, query, form, new ToldRun(), SIGNAL));
        const wanted = lines.map((line, seq) => NAIVE[form](line, seq)).slice(after + 1).join("");
        const at = got.indexOf(NAIVE[form](lines[after + 1] ?? "", after + 1));
        assert.ok(got.slice(at).startsWith(wanted), `after ${after}`);
      }
    }
  });
}

Deno.test("open as NDJSON gives an ended run in blocks, and fails before one that is torn", async () => {
  const { log } = uneven(11_000);
  using _log = log;
  const streams = new EventStreams();
  const open = () => streams.open(log, ALL_EVENTS, "ndjson", new ToldRun(), SIGNAL);
  let pieces = 0;
  for await (const _piece of open()) pieces++;
  assert.equal(pieces, Math.ceil(log.bytes / BLOCK_BYTES) + 2, "header, blocks, footer");
  streams.forget(log.run);
  Deno.truncateSync(log.path, log.bytes - 1);
  let length = 0;
  await assert.rejects(async () => {
    for await (const piece of open()) length += piece.length;
  }, /shorter/);
  assert.equal(length % BLOCK_BYTES, 0, "the blocks before are given");
  assert.equal(streams.count, 0);
});

/** Counts what is read of files until it is disposed of. */
class CountedBytes {
  bytes = 0;
  readonly #read = Deno.FsFile.prototype.read;

  constructor() {
    const read = this.#read;
    const add = (count: number | null) => {
      this.bytes += count ?? 0;
      return count;
    };
    Deno.FsFile.prototype.read = async function (target) {
      return add(await read.call(this, target));
    };
  }

  [Symbol.dispose](): void {
    Deno.FsFile.prototype.read = this.#read;
  }
}

Deno.test("piece reads hardly more than what it gives once it has seen lines", async () => {
  using log = new GrowingLog();
  log.add(30_720);
  const long = Array.from({ length: 2048 }, (_, at) => `{"seq":${at},"text":"${"y".repeat(200)}"}`);
  log.addLines(long);
  using reads = new CountedBytes();
  const file = new LogFile(log);
  const release = file.hold();
  let offset = log.firstByte;
  for (let first = 0; first < log.events; first += PIECE_EVENTS) {
    const request = { first, offset, limit: log.bytes, most: Infinity, form: "sse" as const };
    const piece = await file.piece(request);
    assert.equal(piece.count, PIECE_EVENTS, "also where lines become longer");
    offset = piece.end;
  }
  assert.equal(offset, log.bytes);
  assert.ok(reads.bytes < 1.2 * log.bytes + PIECE_BYTES, `${reads.bytes} of ${log.bytes} bytes`);
  release();
  await new Promise((resolve) => setTimeout(resolve, 0));
});

for (const form of FORMS) {
  Deno.test(`open as ${form} reads nothing for the second client of a run that ended`, async () => {
    using log = new GrowingLog();
    log.add(5000);
    log.end();
    using reads = new CountedBytes();
    const streams = new EventStreams();
    const take = () => textOf(streams.open(log, ALL_EVENTS, form, new ToldRun(), SIGNAL));
    const first = await take();
    const before = reads.bytes;
    assert.equal(await take(), first);
    assert.ok(before > 0);
    assert.equal(reads.bytes, before);
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
}
