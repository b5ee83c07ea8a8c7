import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { controlCode } from "../../actors/kernel/control_code.ts";
import type { FlatStore } from "../../machine/flat_store.ts";
import {
  CONTROL_DATA_OFFSET,
  parseControlData,
  REENTRY_OFFSET,
} from "../../machine/formats/control_page.ts";
import { emitKernelStateHeader } from "../../machine/formats/kernel_state_header.ts";
import { emitEntryList, type EntryList, type KimageArch } from "../../machine/formats/kimage.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";
import { ask, type CpuRun, RAM_BYTES, runCpu, type Tell } from "./cpu_bench.ts";

const PAGE = 4096;
const CONTROL = 0x40;
const SWAP = 0x50;
const LISTS = [0x60, 0x61, 0x62];
const STATE = 0x70;
const CONTEXT = 0x78 * PAGE;
const STACK = 0x79 * PAGE;
const DESTINATION = 0x100;
const SOURCES = [0x180, 0x181, 0x190, 0x103, 0x185];
const REENTRY = CONTROL * PAGE + REENTRY_OFFSET;

const PEER = stampProgram({ kind: STAMP_KIND.purgatory, version: 1, body: new Uint8Array(16) });
const SEGMENTS = [{ destination: DESTINATION, sources: SOURCES }];

function listOf(arch: KimageArch): EntryList {
  return emitEntryList({ arch, segments: SEGMENTS, indirectionPages: LISTS });
}

interface Plan {
  readonly arch?: KimageArch;
  readonly preserve?: boolean;
  readonly head?: number;
  readonly start?: number;
  readonly reloadGdt?: boolean;
  /** The word at the stack's top when A is entered again. */
  readonly peer?: number;
  readonly fill?: (ram: FlatStore) => void;
  /** What is done to RAM while A is away. */
  readonly away?: (ram: FlatStore) => void;
}

/** Fills RAM with pages that differ, then puts A's structures and the peer's code where they go. */
function layOut(ram: FlatStore, arch: KimageArch): void {
  for (let pfn = 0; pfn < RAM_BYTES / PAGE; pfn++) {
    ram.writable(pfn * PAGE, PAGE).fill(pfn & 0xff);
  }
  ram.write(CONTROL * PAGE, controlCode(arch, 2627, STATE * PAGE));
  for (const { pfn, bytes } of listOf(arch).pages) ram.write(pfn * PAGE, bytes);
  ram.write((SOURCES[0] ?? 0) * PAGE, PEER);
  const fields = { version: 2627, length: 0, crc: 0, memMap: 0, frames: 0 };
  ram.write(STATE * PAGE, emitKernelStateHeader({ name: "A", ...fields }));
}

interface Story {
  readonly run: CpuRun;
  /** RAM while the peer runs. */
  readonly away: Uint8Array | undefined;
  /** RAM just before A left. */
  readonly before: Uint8Array | undefined;
  /** What the peer was started with, and A after its return. */
  readonly start: Record<string, unknown>;
  readonly resume: Record<string, unknown>;
  readonly digests: string[];
}

/** A leaves to a peer, which enters A again. */
function thereAndBack(plan: Plan = {}): Story {
  const { arch = "i386", preserve = true, peer = 0, reloadGdt = true } = plan;
  const seen: { before?: Uint8Array; away?: Uint8Array } = {};
  const start: Record<string, unknown> = {};
  const resume: Record<string, unknown> = {};
  const digests: string[] = [];
  let ram: FlatStore | undefined;
  const copy = () => ram?.view(0, RAM_BYTES).slice() ?? new Uint8Array();
  const leaves: Tell = function* (hands) {
    const tables = { gdt: 0x5000, idt: 0x6000, cr3: 0x8000, paging: true };
    yield* ask(hands, "cpu", "cpu.load_tables", tables);
    const saved = yield* ask(hands, "cpu", "cpu.save_context", { address: CONTEXT });
    digests.push(String(saved["digest"]));
    seen.before = copy();
    hands.out.send("cpu", "cpu.run_control_page", {
      control: CONTROL * PAGE,
      head: plan.head ?? listOf(arch).head,
      start: plan.start ?? DESTINATION * PAGE,
      swap: SWAP * PAGE,
      preserve,
      argument: 0,
      state: STATE * PAGE,
    });
    for (;;) yield;
  };
  const returns: Tell = function* (hands) {
    const { envelope } = yield;
    Object.assign(resume, envelope.body);
    const context = { address: CONTEXT, reload_gdt: reloadGdt };
    const restored = yield* ask(hands, "cpu", "cpu.restore_context", context);
    digests.push(String(restored["digest"]));
    for (;;) yield;
  };
  const visits: Tell = function* (hands) {
    const { envelope } = yield;
    Object.assign(start, envelope.body);
    seen.away = copy();
    if (ram !== undefined) plan.away?.(ram);
    const bytes = peer.toString(16).padStart(8, "0").match(/../g)?.toReversed().join("") ?? "";
    const word = arch === "i386" ? bytes : `${bytes}00000000`;
    yield* ask(hands, "memory", "memory.write", { by: "purgatory", address: STACK, bytes: word });
    hands.out.send("cpu", "cpu.enter", {
      entry: REENTRY,
      sp: STACK,
      word: peer,
      argument: 0,
      preserve: false,
    });
    for (;;) yield;
  };
  const run = runCpu({ A: [leaves, returns], purgatory: [visits] }, (store) => {
    ram = store;
    layOut(store, arch);
    plan.fill?.(store);
  });
  return { run, away: seen.away, before: seen.before, start, resume, digests };
}

const pageAt = (bytes: Uint8Array | undefined, pfn: number) =>
  bytes?.subarray(pfn * PAGE, (pfn + 1) * PAGE);

for (const arch of ["i386", "x86_64"] as const) {
  Deno.test(`cpu.run_control_page of ${arch} exchanges the list's pages and no others`, () => {
    const { before, away, run } = thereAndBack({ arch });
    deepStrictEqual(run.resets, []);
    SOURCES.forEach((source, index) => {
      const destination = DESTINATION + index;
      deepStrictEqual(pageAt(away, destination), pageAt(before, source));
      deepStrictEqual(pageAt(away, source), pageAt(before, destination));
    });
    const touched = new Set([
      CONTROL,
      SWAP,
      ...SOURCES,
      ...SOURCES.map((_, index) => DESTINATION + index),
    ]);
    for (let pfn = 0; pfn < RAM_BYTES / PAGE; pfn++) {
      if (touched.has(pfn)) continue;
      deepStrictEqual(pageAt(away, pfn), pageAt(before, pfn), `page ${pfn}`);
    }
  });

  Deno.test(`cpu.enter of the jump-back entry of ${arch} brings every page back (F23)`, () => {
    const { before, run } = thereAndBack({ arch, peer: 0x12_3456 });
    const after = run.ram.view(0, RAM_BYTES);
    // The control page got the registers, scratch and stack were written by the jump.
    const written = new Set([CONTROL, SWAP, STACK / PAGE]);
    for (let pfn = 0; pfn < RAM_BYTES / PAGE; pfn++) {
      if (written.has(pfn)) continue;
      deepStrictEqual(pageAt(after, pfn), pageAt(before, pfn), `page ${pfn}`);
    }
  });

  Deno.test(`cpu.run_control_page of ${arch} that preserves leaves its return address at SP`, () => {
    const { start, away } = thereAndBack({ arch });
    const width = arch === "i386" ? 4 : 8;
    const sp = (SWAP + 1) * PAGE - width;
    deepStrictEqual(start, { entry: DESTINATION * PAGE, sp, word: REENTRY, argument: 0 });
    const bytes = away?.subarray(sp, sp + width) ?? new Uint8Array();
    strictEqual(bytes.reduceRight((sum, byte) => sum * 256 + byte, 0), REENTRY);
  });

  Deno.test(`cpu.run_control_page of ${arch} that does not preserve leaves a zero at SP (F28)`, () => {
    const { start, away } = thereAndBack({ arch, preserve: false });
    const width = arch === "i386" ? 4 : 8;
    const sp = (CONTROL + 1) * PAGE - width;
    deepStrictEqual([start["sp"], start["word"]], [sp, 0]);
    deepStrictEqual(away?.slice(sp, sp + width), new Uint8Array(width));
  });

  Deno.test(`program.resume of ${arch} carries the word read at SP, and where the state is`, () => {
    for (const peer of [0, 0x12_3456, 0xffff_f0c0]) {
      const { resume } = thereAndBack({ arch, peer });
      deepStrictEqual(resume, { entry: REENTRY, peer, state: STATE * PAGE, gdt: false });
    }
  });

  Deno.test(`cpu.run_control_page of ${arch} keeps the registers in the control page (C.6)`, () => {
    const { away } = thereAndBack({ arch });
    const data = parseControlData(arch, pageAt(away, CONTROL) ?? new Uint8Array());
    strictEqual(data.cr0, 0x8005_0033);
    strictEqual(data.cr3, 0x8000);
    strictEqual(data.cr4, 0x6f0);
    strictEqual(data.physicalSwapPage, SWAP * PAGE);
    strictEqual(data.listHead, listOf(arch).head);
    strictEqual(CONTROL_DATA_OFFSET, 2048);
  });
}

Deno.test("cpu.restore_context after a return gives the registers that were saved (F30)", () => {
  const { digests, run } = thereAndBack({ reloadGdt: true });
  strictEqual(digests.length, 2);
  strictEqual(digests[0], digests[1]);
  deepStrictEqual(run.resets, []);
});

Deno.test("cpu.restore_context after a return without a GDT is the #GP that was recorded (fact 21)", () => {
  const { digests, run } = thereAndBack({ reloadGdt: false });
  strictEqual(digests.length, 1);
  match(run.resets[0] ?? "", /^triple fault: #GP\(0x18\) .* base 0 and limit 0$/);
  strictEqual(run.facts("panic")[0]?.["k"], "A");
  const ended = run.events.filter(({ kind }) => kind === "end").map(({ actor }) => actor);
  deepStrictEqual(ended, ["A", "purgatory", "A"], "nobody executes after a triple fault");
});

Deno.test("cpu.restore_context while the kernel's own GDT is loaded needs no reload", () => {
  let digests: unknown[] = [];
  const tell: Tell = function* (hands) {
    const tables = { gdt: 0x5000, idt: 0x6000, cr3: 0x8000, paging: true };
    yield* ask(hands, "cpu", "cpu.load_tables", tables);
    const saved = yield* ask(hands, "cpu", "cpu.save_context", { address: CONTEXT });
    const context = { address: CONTEXT, reload_gdt: false };
    const restored = yield* ask(hands, "cpu", "cpu.restore_context", context);
    digests = [saved["digest"], restored["digest"]];
    for (;;) yield;
  };
  const { resets } = runCpu({ A: [tell] });
  deepStrictEqual([resets, digests[0] === digests[1]], [[], true]);
});

/** What must end in a reset, with nobody entered again. */
function faults(plan: Plan, why: RegExp, what = ""): void {
  const { run, resume } = thereAndBack(plan);
  strictEqual(run.resets.length, 1, what);
  match(run.resets[0] ?? "", why, what);
  deepStrictEqual(resume, {}, what);
}

Deno.test("cpu.run_control_page without relocate code in the page is a triple fault", () => {
  const blank = (ram: FlatStore) => void ram.writable(CONTROL * PAGE, PAGE).fill(0);
  faults({ fill: blank }, /no relocate code at 0x40000/);
  const flipped = (ram: FlatStore) => ram.write(CONTROL * PAGE + 64, Uint8Array.of(0xee));
  faults({ fill: flipped }, /no relocate code/);
});

Deno.test("cpu.run_control_page to a start that is nowhere resets the machine (wrong_entry)", () => {
  faults({ start: 0xdead_0000 }, /no memory at 0xdead0000/);
  faults({ start: STACK }, /#UD|boot_params/);
});

/** Puts words into the first page of the list, from its start on. */
function words(...list: number[]): (ram: FlatStore) => void {
  return (ram) => {
    const bytes = new Uint8Array(PAGE);
    const view = new DataView(bytes.buffer);
    list.forEach((word, index) => view.setUint32(index * 4, word, true));
    ram.write((LISTS[0] ?? 0) * PAGE, bytes);
  };
}

const to = (pfn: number, flag: number) => pfn * PAGE + flag;

Deno.test("cpu.run_control_page of a list that is garbage is a triple fault", () => {
  const frames = RAM_BYTES / PAGE;
  const bad: [string, Plan, RegExp][] = [
    ["a loop", { fill: words(to(LISTS[0] ?? 0, 2)) }, /comes a second time/],
    ["a loop of two", {
      fill: (ram) => {
        words(to(LISTS[1] ?? 0, 2))(ram);
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setUint32(0, to(LISTS[0] ?? 0, 2), true);
        ram.write((LISTS[1] ?? 0) * PAGE, bytes);
      },
    }, /comes a second time/],
    ["no end", { fill: words() }, /neither a link nor an end/],
    ["a link to nowhere", { fill: words(to(frames, 2)) }, /no memory at 0x200000/],
    ["a source before a destination", { fill: words(to(9, 8), 4) }, /before any destination/],
    ["a destination that is nowhere", { fill: words(to(frames, 1), to(9, 8), 4) }, /no memory for/],
    ["a source that is nowhere", { fill: words(to(9, 1), to(frames, 8), 4) }, /no memory for/],
    ["a word with two flags", { fill: words(to(9, 3), 4) }, /entry list|#UD/],
    ["a head without flags", { head: to(LISTS[0] ?? 0, 0) }, /neither links to a page/],
    ["a head that is nowhere", { head: to(frames * 3, 2) }, /no memory at/],
  ];
  for (const [what, plan, why] of bad) faults(plan, why, what);
});

Deno.test("cpu.enter of a jump-back entry whose state header is damaged is a fault with its address", () => {
  for (let byte = 0; byte < 64; byte++) {
    const away = (ram: FlatStore) => {
      const at = ram.writable(STATE * PAGE + byte, 1);
      at[0] = (at[0] ?? 0) ^ (1 << byte % 8);
    };
    faults({ away }, /kernel state at 0x70000: /, `byte ${byte}`);
  }
});

Deno.test("cpu.enter of a jump-back entry whose control data are damaged never stops the laboratory", () => {
  const outcomes = new Set<string>();
  const examples = dataBits().filter((_, index) => index % 5 === 0);
  fc.assert(
    fc.property(
      fc.constantFrom<KimageArch>("i386", "x86_64"),
      fc.nat(PAGE * 8 - 1),
      fc.constantFrom(CONTROL, LISTS[0] ?? 0),
      (arch, bit, page) => {
        const away = (ram: FlatStore) => {
          const at = ram.writable(page * PAGE + (bit >> 3), 1);
          at[0] = (at[0] ?? 0) ^ (1 << (bit & 7));
        };
        const { run, resume } = thereAndBack({ arch, away });
        const back = resume["entry"] === REENTRY;
        // A flipped kind in the stamp makes it another program's: then that one is started.
        const other = run.events.some(({ kind, actor }) => kind === "start" && actor === "loader");
        strictEqual(back || other || run.resets.length > 0, true);
        outcomes.add(back ? "back" : other ? "other" : "reset");
      },
    ),
    // Bits of the data and of the list's words are few in their pages: every fifth of them is taken.
    { numRuns: examples.length + 60, examples },
  );
  strictEqual(outcomes.has("back") && outcomes.has("reset"), true);
});

/** Every bit of the control data, and of the list's first words. */
function dataBits(): [KimageArch, number, number][] {
  const bits: [KimageArch, number, number][] = [];
  for (const arch of ["i386", "x86_64"] as const) {
    const length = arch === "i386" ? 0x20 : 0x38;
    for (let bit = 0; bit < length * 8; bit++) {
      bits.push([arch, CONTROL_DATA_OFFSET * 8 + bit, CONTROL]);
    }
    for (let bit = 0; bit < 256; bit++) bits.push([arch, bit, LISTS[0] ?? 0]);
    for (let bit = 0; bit < 67 * 8; bit++) bits.push([arch, REENTRY_OFFSET * 8 + bit, CONTROL]);
  }
  return bits;
}
