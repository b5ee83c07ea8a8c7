import { ok } from "node:assert/strict";
import { assertSnapshot } from "@std/testing/snapshot";
import type { RunReport } from "../../server/terminal/run_report.ts";
import { summaryText } from "../../server/terminal/summary.ts";

const MS = 1_000_000;

const GOOD: RunReport = {
  command: "hibernate",
  version: "0.1.0",
  run: "0123456789abcdef",
  ok: true,
  exitCode: 0,
  outcome: "resumed",
  headline: "A hibernated, the machine was off, A goes on; nothing is lost",
  reasons: [],
  machine: {
    hardware: "small-vm",
    memoryBytes: 64 * 2 ** 20,
    cpus: 1,
    kernelProfile: "2.6.27",
    arch: "i386",
    seed: 1,
    transport: "worker",
    lowSegment: true,
    verify: true,
  },
  phases: [
    { name: "power-on self-test", startNs: 0, endNs: 1006 * MS, seq: 1 },
    { name: "boot A", startNs: 1006 * MS, endNs: 2056 * MS, seq: 10 },
    { name: "off", startNs: 2056 * MS, endNs: 2056 * MS + 1000, seq: 20 },
    { name: "load image", startNs: 2057 * MS, endNs: 3000 * MS, seq: 30 },
    { name: "self-check", startNs: 3000 * MS, endNs: 3001 * MS, seq: 40 },
  ],
  image: {
    state: "used",
    path: "/dump.elf.used",
    bytes: 17_174_528,
    sha256: "ab".repeat(32),
    pages: 4192,
    segments: 2,
    id: "A@0x107c0c0",
    entry: "0x107c0c0",
    freePages: 11_175,
    committedAt: 1949,
    usedAt: 3120,
    manifest: {
      version: 1,
      id: "A@0x107c0c0",
      of: "A",
      entry: "0x107c0c0",
      level: 16,
      pages: 4192,
      bytes: 17_174_528,
      runs: "1000+1060",
      sums: "cd".repeat(32),
    },
    check: { sums: 263, wrong: 0 },
  },
  compared: [{
    what: "page frames of A at its return with those at its jump",
    frames: 16_349,
    compared: 1072,
    different: 0,
  }],
  payload: { path: "/tmp/payload", bytes: 3_000_001 },
  selfTests: [
    { kernel: "A", what: "process", name: "worker/4", expected: "1", actual: "1", seq: 50 },
    { kernel: "A", what: "process", name: "worker/5", expected: "2", actual: "2", seq: 51 },
    { kernel: "A", what: "file", name: "/tmp/payload", expected: "3", actual: "3", seq: 52 },
    { kernel: "A", what: "device", name: "disk", expected: "0", actual: "0", seq: 53 },
    { kernel: "A", what: "device", name: "network", expected: "0", actual: "0", seq: 54 },
  ],
  checkStatus: 0,
  troubles: [],
  rules: { held: 43, violated: 0, vacuous: 11, events: 3737, results: [] },
  trace: { path: "out/trace.ndjson", events: 3737, sha256: "ef".repeat(32) },
  files: [
    { name: "blobs", path: "out/blobs", bytes: 0 },
    { name: "disk.img", path: "out/disk.img", bytes: 177_209_344 },
  ],
  virtualNs: 3001 * MS,
  hostSeconds: 0.5,
};

const BAD: RunReport = {
  ...GOOD,
  ok: false,
  exitCode: 1,
  headline: "the run did not do what it should",
  reasons: ["A's own check ended with 1", "rule F23 is broken"],
  compared: [{ what: "page frames of A", frames: 16_349, compared: 1072, different: 2, first: 7 }],
  payload: { path: "/tmp/payload", bytes: 3, differsAt: 2 },
  selfTests: [
    { kernel: "A", what: "process", name: "worker/4", expected: "1", actual: "9", seq: 50 },
    { kernel: "A", what: "device", name: "network", expected: "0", actual: "-5", seq: 54 },
  ],
  checkStatus: 1,
};

Deno.test("summaryText tells a good run in about twenty lines", async (context) => {
  const text = summaryText(GOOD);
  const lines = text.trimEnd().split("\n").length;
  ok(lines >= 15 && lines <= 25, String(lines));
  await assertSnapshot(context, text, { serializer: String });
});

Deno.test("summaryText says first what is wrong, and where", async (context) => {
  await assertSnapshot(context, summaryText(BAD), { serializer: String });
});
