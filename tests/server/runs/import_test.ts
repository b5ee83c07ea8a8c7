/**
 * Uploaded traces and recordings as runs.
 */
import assert from "node:assert/strict";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import type { RunSummary } from "../../../server/api/shapes/run.ts";
import type { Laboratory } from "../../../server/deps.ts";
import { openLaboratory } from "../../../server/runs/laboratory.ts";
import { packingOf, unpack } from "../../../server/runs/unpack.ts";
import { isWholeZstd } from "../../../server/runs/zstd_frames.ts";
import { ScratchFolder } from "../terminal_kit.ts";
import { atA, eventLines, fileOf, refused, run, withLaboratory } from "./runs_kit.ts";

const GOOD = new URL("../../../fixtures/traces/good/", import.meta.url);
const LOG = [
  "[    0.000000] Linux version 6.1.0-40-amd64 (x) #1 SMP",
  "[   10.100000] PM: hibernation: hibernation entry",
  "[   10.200000] Filesystems sync: 0.001 seconds",
  "[   10.300000] Freezing user space processes ... (elapsed 0.001 seconds) done.",
  "[   10.400000] PM: hibernation: Creating image:",
  "",
].join("\n");

function traceText(name = "hibernate.ndjson"): string {
  return Deno.readTextFileSync(new URL(name, GOOD));
}

async function upload(
  laboratory: Laboratory,
  folder: string,
  content: Uint8Array | string,
  name = "a.ndjson",
): Promise<RunSummary> {
  const path = `${folder}/uploads/${crypto.randomUUID()}`;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  Deno.writeFileSync(path, bytes);
  return await laboratory.importTrace(path, name);
}

/** Nothing is left beside the runs that are listed. */
function isTidy(laboratory: Laboratory, folder: string): void {
  assert.deepEqual([...Deno.readDirSync(`${folder}/uploads`)], []);
  const names = [...Deno.readDirSync(`${folder}/runs`)].map(({ name }) => name);
  assert.deepEqual(names.sort(), laboratory.list().map((each) => each.run).sort());
}

Deno.test("importTrace makes a run of a trace, once, packed or not, also after a restart", async () => {
  using scratch = new ScratchFolder();
  const laboratory = await openLaboratory({ folder: scratch.path });
  const text = traceText();
  const first = await upload(laboratory, scratch.path, text, "../../my trace.ndjson");
  assert.deepEqual([first.kind, first.status, first.replayable, first.title], [
    "import",
    "finished",
    false,
    "my trace.ndjson",
  ]);
  const lines = text.trimEnd().split("\n");
  assert.deepEqual(eventLines(scratch.path, first.run), lines.slice(1, -1));
  assert.equal(first.sha256, JSON.parse(lines.at(-1) ?? "").sha256);
  assert.equal(laboratory.stored(first.run)?.log.header.run, first.run);
  assert.ok((first.verdict?.held ?? 0) > 0);
  const bytes = new TextEncoder().encode(text);
  for (const content of [text, gzipSync(bytes), zstdCompressSync(bytes)]) {
    assert.deepEqual(await upload(laboratory, scratch.path, content), first);
  }
  isTidy(laboratory, scratch.path);
  await laboratory.close();
  const next = await openLaboratory({ folder: scratch.path });
  try {
    assert.deepEqual(next.list(), [first]);
    const fork = { kind: "fork", action: { do: "nothing" } } as const;
    const parent = { run: first.run, seq: 1 };
    await refused("not-replayable", next.start({ ...fork, parent }));
  } finally {
    await next.close();
  }
});

Deno.test("importTrace makes a run of what a real Linux printed, each event with its line", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const summary = await upload(laboratory, folder, LOG, "console.log");
    assert.equal(summary.scenario, "log-S console.log");
    assert.deepEqual([summary.outcome, summary.status], ["imported", "finished"]);
    const lines = eventLines(folder, summary.run);
    assert.ok(lines.length > 0 && lines.length === summary.events);
    assert.ok(lines.every((line) => JSON.parse(line).origin.file === "console.log"));
    const header = JSON.parse(fileOf(folder, summary.run, "trace.ndjson").split("\n")[0] ?? "");
    assert.equal(header.clock, "imported");
    isTidy(laboratory, folder);
  });
});

Deno.test("importTrace keeps what stands before a torn end, and says so", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const text = traceText();
    const lines = text.split("\n");
    const torn = await upload(laboratory, folder, `${lines.slice(0, 51).join("\n")}\n{"seq":50,`);
    assert.deepEqual([torn.events, torn.sha256], [50, undefined]);
    assert.match(torn.trouble ?? "", /breaks off at line 52/);
    assert.equal(laboratory.stored(torn.run)?.log.footer, undefined);
    assert.equal(eventLines(folder, torn.run).length, 50);
  });
});

Deno.test("importTrace refuses what is no trace with the line, and leaves nothing behind", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const lines = traceText().split("\n");
    const bent = (line: number, text: string): string =>
      lines.map((each, index) => index === line - 1 ? text : each).join("\n");
    const bytes = gzipSync(new TextEncoder().encode(traceText()));
    const cases: readonly (readonly [content: Uint8Array | string, says: RegExp])[] = [
      ["", /Line 1: .*neither a trace nor a recording/],
      ["hello\nworld\n", /Line 1: /],
      ["\u0000\u0001\u0002\n", /Line 1: /],
      ['{"v":1}\n', /Line 1: .*header/],
      [bent(7, '{"seq":5,"surprise":1}'), /Line 7: .*surprise/],
      [bent(9, "{"), /Line 9: .*not JSON/],
      [lines.filter((_, index) => index !== 20).join("\n"), /Line 21: .*gap/],
      [bytes.subarray(0, 300), /begins like gzip but cannot be unpacked/],
      [new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]), /begins like zstd/],
      ["[    1.000000] nothing of interest\n", /No line of the recording/],
      [`${"[".repeat(100_000)}\n`, /Line 1: /],
    ];
    for (const [content, says] of cases) {
      const { text } = await refused("not-readable", upload(laboratory, folder, content));
      assert.match(text, says);
      assert.doesNotMatch(text, /\(at /, "the place is said once");
    }
    assert.deepEqual(laboratory.list(), []);
    isTidy(laboratory, folder);
  });
});

Deno.test("importTrace is not taken in by a decompression bomb, nor by too many events", async () => {
  const limits = { unpackedBytes: 1_000_000, runEvents: 20 };
  await withLaboratory({ limits }, async (laboratory, folder) => {
    const zeros = new Uint8Array(50_000_000);
    for (
      const [packing, bomb] of [
        ["gzip", gzipSync(zeros)],
        ["zstd", zstdCompressSync(zeros)],
      ] as const
    ) {
      const [path, target] = [`${folder}/bomb`, `${folder}/bomb.${packing}`];
      Deno.writeFileSync(path, bomb);
      assert.equal(packingOf(path), packing);
      await refused("too-large", unpack(path, packing, target, 1_000_000));
      assert.ok(Deno.statSync(target).size <= 1_000_000, "what is too much is not written");
    }
    for (const bomb of [gzipSync(zeros), zstdCompressSync(zeros), zeros.subarray(0, 1_000_001)]) {
      const { details } = await refused("too-large", upload(laboratory, folder, bomb));
      assert.deepEqual(details.limit, { name: "unpackedBytes", max: 1_000_000 });
    }
    const { details } = await refused("too-large", upload(laboratory, folder, traceText()));
    assert.equal(details.limit?.name, "runEvents");
    isTidy(laboratory, folder);
  });
});

Deno.test("importTrace refuses a packed file that is cut off or damaged anywhere", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const bytes = new TextEncoder().encode(traceText());
    const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
    const packed = [gzipSync(bytes), zstdCompressSync(bytes, checksum)]
      .map((each) => new Uint8Array(each));
    for (const whole of packed) {
      const damaged = whole.map((byte, at) => at === 200 ? byte ^ 0xff : byte);
      const cuts = [5, whole.length >> 1, whole.length - 3].map((end) => whole.subarray(0, end));
      for (const content of [damaged, ...cuts]) {
        const { text } = await refused("not-readable", upload(laboratory, folder, content));
        assert.match(text, /begins like (?:gzip|zstd) but cannot be unpacked/);
      }
    }
    isTidy(laboratory, folder);
  });
});

Deno.test("isWholeZstd walks through frames of all forms, and stops at none that is cut", async () => {
  using scratch = new ScratchFolder();
  const path = scratch.file("a.zst");
  const turn = (): Promise<void> => Promise.resolve();
  const isWhole = (content: Uint8Array): Promise<boolean> => {
    Deno.writeFileSync(path, content);
    return isWholeZstd(path, turn);
  };
  const noise = crypto.getRandomValues(new Uint8Array(2_000));
  const skipped = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  for (const text of [new Uint8Array(0), noise.subarray(0, 300), noise, new Uint8Array(400_000)]) {
    const frame = zstdCompressSync(text);
    assert.ok(await isWhole(frame), `${text.length} bytes`);
    assert.ok(await isWhole(Uint8Array.of(...skipped, ...frame, ...frame)));
    assert.ok(!await isWhole(Uint8Array.of(...frame, 0)));
    for (let end = 1; end < Math.min(frame.length, 40); end++) {
      assert.ok(!await isWhole(frame.subarray(0, end)), `${text.length} bytes, cut at ${end}`);
      assert.ok(!await isWhole(frame.subarray(0, frame.length - end)));
    }
  }
});

Deno.test("importTrace takes every trace of the house, whatever its facts are called", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    for (const { name } of Deno.readDirSync(GOOD)) {
      const summary = await upload(laboratory, folder, traceText(name), name);
      assert.deepEqual([summary.trouble, summary.verdict?.ok], [undefined, true], name);
    }
  });
});

Deno.test("importTrace waits for its turn, and is given up when the server stops", async () => {
  await withLaboratory(
    { limits: { runningRuns: 1, queuedRuns: 1 } },
    async (laboratory, folder) => {
      await laboratory.start({ kind: "scenario", name: "tuxonice" });
      const queued = refused("stopping", upload(laboratory, folder, traceText()));
      const { details } = await refused("too-many", upload(laboratory, folder, LOG));
      assert.equal(details.limit?.name, "queuedRuns");
      await laboratory.close();
      await queued;
      await refused("stopping", upload(laboratory, folder, LOG));
      assert.deepEqual([...Deno.readDirSync(`${folder}/uploads`)], []);
    },
  );
});

Deno.test("importTrace of a run's own trace is another run, and both stay", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const own = await run(laboratory, { kind: "transcript", text: atA("A$ true") });
    const copy = await upload(laboratory, folder, fileOf(folder, own.run, "trace.ndjson"));
    assert.notEqual(copy.run, own.run);
    assert.equal(copy.sha256, own.sha256);
    assert.equal(laboratory.list().length, 2);
  });
});
