import { type } from "../../actors/scenario/script_words.ts";
import assert from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { parseSwapHeader } from "../../machine/formats/swap_header.ts";
import {
  emitTuxOnIceHeader,
  parseTuxOnIceHeader,
  TUXONICE_HEADER_PAGES,
} from "../../machine/formats/tuxonice_header.ts";
import { logicalLayout } from "../../machine/formats/disk_layout.ts";
import type { Choice } from "../../machine/choices.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { idsWith } from "../../machine/conformance/report.ts";
import { alteredRegistry, skipStep } from "../../actors/scenario/sabotage_tools.ts";
import { brokenRules, bytesOf, judgeAs, type Run } from "./run_kit.ts";

const MIB = 1024 ** 2;

const WORKING: readonly OperatorStep[] = [
  { do: "power_on" },
  { do: "choose", entry: "A", append: "" },
  type("A", "work 64 2"),
  type("A", "swapon /dev/sda6"),
];

const HIBERNATING: readonly OperatorStep[] = [type("A", "hibernate")];

const RESUMING: readonly OperatorStep[] = [
  { do: "power_on" },
  { do: "choose", entry: "C", append: "" },
  { do: "type", at: "A", line: "check", otherwise: { at: "C", outcome: "no image" } },
  type("A", "cp /boot/rootfs.gz /root/copy"),
  { do: "prompt", at: "A" },
  { do: "finish", outcome: "resumed" },
];

const CYCLE: readonly OperatorStep[] = [...WORKING, ...HIBERNATING, { do: "off" }, ...RESUMING];

const MENU = [
  { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0 resume=swap:/dev/sda6" },
  { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0 resume=swap:/dev/sda6" },
  { name: "D", append: "hostname=C root=/dev/ram0 console=ttyS0 resume=swap:/dev/sda9" },
];

function options(
  script: readonly OperatorStep[],
  more: Partial<MachineOptions> = {},
): MachineOptions {
  return {
    profile: "2.6.23-toi",
    memoryMiB: 64,
    layout: "workshop",
    hardware: "t42",
    scenario: "tuxonice",
    menu: MENU,
    ...more,
    script,
  };
}

function run(script: readonly OperatorStep[], more: Partial<MachineOptions> = {}): Run {
  return runMachine(options(script, more));
}

function facts(run: Run, name: string): Record<string, unknown>[] {
  return run.events.filter(({ type }) => type === `fact.${name}`).map(({ summary }) => ({
    ...summary,
  }));
}

function swapSector(): number {
  return logicalLayout({ memoryBytes: 64 * MIB, layout: "workshop" })[1]?.firstSector ?? 0;
}

function signatureOn(run: Run): string {
  const at = swapSector() * 512;
  return parseSwapHeader(bytesOf(run.medium).subarray(at, at + 4096)).signature;
}

/** Page sets and images, and what else must keep its place between them, in order. */
function order(run: Run): string[] {
  const wanted = ["pageset", "image", "sync", "freeze", "flush", "resumed", "thaw", "power"];
  return run.events.flatMap(({ type = "", summary }) => {
    const name = type.slice("fact.".length);
    if (!type.startsWith("fact.") || !wanted.includes(name)) return [];
    const { set, op, what, k } = { ...summary };
    if (name === "image" && op === "page") return [];
    if (name === "flush" && op !== "done") return [];
    return [[k, name, set, op, what].filter((word) => word !== undefined).join(" ")];
  });
}

const WELL = "A: check: 2 processes, 0 files, 5 devices: all well";

function assertKept(done: Run): void {
  assert.equal(brokenRules(judgeAs("T", done)).reasons, "");
}

Deno.test("tuxonice resumes a machine with all its memory, page cache included", () => {
  const done = run(CYCLE);
  assert.equal(done.outcome, "resumed", done.lines.slice(-12).join("\n"));
  assertKept(done);
  const report = judgeAs("T", done);
  assert(idsWith(report, "held").includes("F99"));
  assert.equal(signatureOn(done), "SWAPSPACE2");
  assert(done.lines.includes(WELL));
  const actual = order(done);
  const first = actual.indexOf("A freeze user");
  const wanted = [
    "A freeze user",
    "A flush done",
    "A sync",
    "A freeze kthreads",
    "A image begin",
    "A pageset 2 write",
    "A pageset 1 copy",
    "A pageset 1 write",
    "A flush done",
    "A image commit",
    "A flush done",
    "A flush done",
    "A power off",
    "power on",
    "C image invalidate",
    "C flush done",
    "C image load",
    "C pageset 1 read",
    "A resumed",
    "A pageset 1 restore",
    "A pageset 2 read",
    "A thaw all",
  ];
  const kept = actual.slice(first).filter((word) => wanted.includes(word));
  assert.deepEqual(kept.slice(0, wanted.length), wanted, actual.slice(first).join("\n"));
});

Deno.test("tuxonice copies set 1 into the frames of set 2, and takes more only where it must", () => {
  const done = run(CYCLE);
  const sets = facts(done, "pageset");
  const pages = (set: string, op: string) =>
    Number(sets.find((fact) => fact["set"] === set && fact["op"] === op)?.["pages"]);
  assert(pages("2", "write") >= 64);
  assert.equal(pages("2", "read"), pages("2", "write"));
  assert.equal(pages("1", "write"), pages("1", "copy"));
  assert.equal(pages("1", "read"), pages("1", "copy"));
  // All of the copy but what fits over set 2 was allocated for it.
  const copied = done.events.find(({ type, summary }) =>
    type === "fact.snapshot" && ({ ...summary })["k"] === "A"
  );
  assert.equal(({ ...copied?.summary })["pages"], pages("1", "copy"));
});

Deno.test("tuxonice without reading set 2 again leaves file systems with another's bytes", () => {
  const registry = alteredRegistry(skipStep("tuxonice_hibernate", "read page set 2"), {});
  const done = run(CYCLE, { tolerant: true, registry });
  // What was root's cache is a copy of other pages: the next file operation finds that.
  assert(done.lines.some((line) => line.startsWith("A: cp: ")), done.lines.slice(-5).join("\n"));
  assert.match(brokenRules(judgeAs("T", done)).reasons, /F99: kernel A lets its tasks go on/);
});

const UNUSED = `A: ${"/dev/sda6".padEnd(39)} partition\t89084\t\t0\t\t-2`;

Deno.test("tuxonice gives its storage back, and hibernates again", () => {
  const again = [type("A", "cat /proc/swaps"), ...HIBERNATING, { do: "off" } as const];
  const back = RESUMING.slice(0, 3);
  const done = run([...CYCLE.slice(0, -2), ...again, ...back, ...CYCLE.slice(-2)]);
  assert.equal(done.outcome, "resumed", done.lines.slice(-5).join("\n"));
  assert(done.lines.includes(UNUSED), done.lines.filter((line) => /sda6/.test(line)).join("\n"));
  const ids = facts(done, "image").filter(({ op }) => op === "commit").map(({ id }) => id);
  assert.equal(new Set(ids).size, 2);
  assertKept(done);
});

/** Hibernating fails; A looks at itself, uses its file system, and goes on. */
const FAILING: readonly OperatorStep[] = [
  ...WORKING,
  ...HIBERNATING,
  type("A", "check"),
  type("A", "cp /boot/rootfs.gz /root/copy"),
  { do: "prompt", at: "A" },
  { do: "finish", outcome: "goes on" },
];

function assertGoesOn(done: Run, text: string): void {
  assert.equal(done.outcome, "goes on", done.lines.slice(-6).join("\n"));
  assert(done.lines.includes(`A: hibernate: ${text}`), done.lines.slice(-6).join("\n"));
  assert(done.lines.includes(WELL), done.lines.slice(-6).join("\n"));
  assert.equal(signatureOn(done), "SWAPSPACE2");
  assert(!facts(done, "image").some(({ op }) => op === "commit"));
  assertKept(done);
}

for (
  const [phase, text] of [
    ["prepare", "Device or resource busy"],
    ["freeze", "Device or resource busy"],
    ["freeze_late", "Device or resource busy"],
    ["freeze_noirq", "Device or resource busy"],
  ] as const
) {
  Deno.test(`tuxonice goes on where a device refuses ${phase}, and set 2 was never touched`, () => {
    const choices: Choice[] = [{ kind: "refuse", device: "network", phase, time: 1, result: -16 }];
    const done = run(FAILING, { choices });
    assertGoesOn(done, text);
    assert(!facts(done, "pageset").some(({ op }) => op === "copy" || op === "read"));
    assert.equal(facts(done, "image").at(-1)?.["op"], "abort");
  });
}

/** The sectors of a page of the swap area fail on writing. */
function badPage(page: number): Partial<MachineOptions> {
  const sector = swapSector() + page * 8;
  return { setup: { badSectors: [{ sector, count: 8, on: "write" }] } };
}

Deno.test("tuxonice reads set 2 again where set 1 or the header cannot be written", () => {
  const cache = Number(facts(run(CYCLE), "pageset").find(({ set }) => set === "2")?.["pages"]);
  // Header: pages 1 to 16; set 2 behind it; then set 1.
  for (const page of [1, 17 + cache + 100]) {
    const done = run(FAILING, badPage(page));
    assertGoesOn(done, "Input/output error");
    const ops = facts(done, "pageset").map(({ set, op }) => `${set} ${op}`);
    assert.equal(ops.at(-1), "2 read");
  }
  const early = run(FAILING, badPage(20));
  assertGoesOn(early, "Input/output error");
  assert.deepEqual(facts(early, "pageset"), []);
});

Deno.test("tuxonice answers ENODEV without its swap area, ENOSPC with one that is too small", () => {
  const without = run([
    ...WORKING.slice(0, 3),
    ...HIBERNATING,
    type("A", "check"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "goes on" },
  ]);
  assertGoesOn(without, "No such device");
  assert.equal(facts(without, "freeze").length, 0);
  const small = run([
    ...WORKING.slice(0, 3),
    type("A", "mkswap /dev/sda6 4096"),
    type("A", "swapon /dev/sda6"),
    ...HIBERNATING,
    type("A", "check"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "goes on" },
  ]);
  assertGoesOn(small, "No space left on device");
  assert.deepEqual(facts(small, "pageset"), []);
});

Deno.test("tuxonice saves more than half of RAM: tasks' pages are set 2, and no copy (A.9)", () => {
  const done = run([
    ...WORKING.slice(0, 2),
    type("A", "work 5500 2"),
    type("A", "swapon /dev/sda6"),
    ...HIBERNATING,
    { do: "off" },
    ...RESUMING,
  ]);
  assert.equal(done.outcome, "resumed", done.lines.slice(-12).join("\n"));
  assertKept(done);
  assert(done.lines.includes(WELL));
  const pages = facts(done, "pageset").find(({ set, op }) => set === "2" && op === "write");
  assert(Number(pages?.["pages"]) * 4096 > 32 * MIB);
});

Deno.test("tuxonice answers ENOMEM before devices are asked, where set 1 has no room", () => {
  // A file of a tmpfs is on no LRU list, so it is copied; memory of processes is not.
  const data = new Uint8Array(34 * MIB).fill(0x6b);
  const full = run([
    ...WORKING.slice(0, 2),
    type("A", "cp /root/payload /tmp/payload"),
    type("A", "swapon /dev/sda6"),
    ...HIBERNATING,
    type("A", "check"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "goes on" },
  ], { rootFiles: [{ path: "/root/payload", data, mode: 0o644 }] });
  assert.equal(full.outcome, "goes on", full.lines.slice(-6).join("\n"));
  assert(full.lines.includes("A: hibernate: Cannot allocate memory"));
  assert(full.lines.includes("A: check: 0 processes, 1 files, 5 devices: all well"));
  assert.deepEqual(facts(full, "pageset"), []);
  assert(!facts(full, "phase").some(({ name }) => name === "freeze"));
});

/** A disk on which a machine has hibernated. */
function hibernated(): Run {
  return run([...WORKING, ...HIBERNATING, { do: "off" }, { do: "finish", outcome: "off" }]);
}

Deno.test("tuxonice resumes cold, from the disk alone", () => {
  const disk = bytesOf(hibernated().medium);
  const done = run(RESUMING, { disk });
  assert.equal(done.outcome, "resumed", done.lines.slice(-6).join("\n"));
  assert(done.lines.includes(WELL));
});

/** A header that says its image is on another device. */
function moveTo(disk: Uint8Array, at: number, device: readonly [number, number]): void {
  const header = parseTuxOnIceHeader(disk.slice(at, at + TUXONICE_HEADER_PAGES * 4096));
  disk.set(emitTuxOnIceHeader({ ...header, device }), at);
}

Deno.test("tuxonice boots on where there is no image, or one it does not know", () => {
  const disk = bytesOf(hibernated().medium);
  const boot = (change: (disk: Uint8Array) => void, entry = "C") => {
    const changed = disk.slice();
    change(changed);
    const script = RESUMING.map((step) => step.do === "choose" ? { ...step, entry } : step);
    return run(script, { disk: changed });
  };
  const start = swapSector() * 512;
  const cases: readonly (readonly [string, ReturnType<typeof run>, string])[] = [
    ["no signature", boot((bytes) => bytes.set([0x41], start + 4086)), "-22"],
    ["torn header", boot((bytes) => bytes.fill(0, start + 4096 + 100, start + 4096 + 200)), "-22"],
    ["other device", boot((bytes) => moveTo(bytes, start + 4096, [8, 7])), "-22"],
    ["no such device", boot(() => {}, "D"), "-19"],
  ];
  for (const [name, done, code] of cases) {
    assert.equal(done.outcome, "no image", name);
    assert(done.lines.includes(`C: TuxOnIce: No image was restored (${code})`), name);
    assert(!facts(done, "image").some(({ op }) => op === "load"), name);
    assertKept(done);
  }
});

Deno.test("tuxonice obeys noresume, and the image stays", () => {
  const disk = bytesOf(hibernated().medium);
  const script = RESUMING.map((step) =>
    step.do === "choose" ? { ...step, append: "noresume" } : step
  );
  const done = run(script, { disk });
  assert.equal(done.outcome, "no image");
  assert.equal(signatureOn(done), "TUXONICE");
});

Deno.test("tuxonice loses at most the session to a power cut, whenever it comes", () => {
  const whole = hibernated();
  const at = (name: string, op: string, set?: string) =>
    whole.events.find(({ type, summary }) =>
      type === `fact.${name}` && ({ ...summary })["op"] === op &&
      (set === undefined || ({ ...summary })["set"] === set)
    )?.seq ?? 0;
  const committed =
    whole.events.find(({ seq, type, summary }) =>
      seq > at("image", "commit") && type === "fact.flush" && ({ ...summary })["op"] === "done"
    )?.seq ?? 0;
  for (
    const [cut, outcome] of [
      [at("image", "begin") + 5, "no image"],
      [at("pageset", "copy", "1"), "no image"],
      [at("pageset", "write", "1") + 3, "no image"],
      [at("image", "commit") + 1, "no image"],
      [committed + 2, "resumed"],
    ] as const
  ) {
    const choices: Choice[] = [{ kind: "power_cut", at: cut, durable: "none" }];
    const done = run([...WORKING, ...HIBERNATING, { do: "off" }], {
      choices,
      recovery: RESUMING,
      recoversFromReset: true,
    });
    assert.equal(done.outcome, outcome, `${cut}: ${done.lines.slice(-4).join("\n")}`);
    assertKept(done);
  }
});

Deno.test("tuxonice is not there where it was not patched in", () => {
  const done = run([
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    ...HIBERNATING,
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "asked" },
  ], { profile: "2.6.23-x64" });
  assert(done.lines.includes("A: hibernate: No such file or directory"));
});
