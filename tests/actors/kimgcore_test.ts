/** The operations of /proc/kimgcore, to the errno (protocol.md B.3.1). */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { done, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import type { KernelState } from "../../actors/kernel/state.ts";
import { PROCEDURES } from "../../actors/registry.ts";
import { EM_386 } from "../../machine/formats/elf.ts";
import { emitKimgcore, parseKimgcore } from "../../machine/formats/kimgcore.ts";
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { IND_SOURCE } from "../../machine/formats/kimage.ts";
import type { PageRun } from "../../machine/formats/page_runs.ts";
import { sha256 } from "../../machine/digest.ts";
import { type Call, diskWith, type KernelRun, noise, runKernel } from "./kernel_kit.ts";

const MIB = 1024 ** 2;
const PAGE = 4096;
/** Frames of the process's buffers: the image's content, and what is read into. */
const CONTENT = 256;
const CONTENT_PAGES = 40;
const BUFFER = 320;
const FREE: readonly PageRun[] = [{ pfn: 512, count: 4096 }];
const HEADER = 64 + 2 * 56;
const PAGES = 37;
const SIZE = HEADER + PAGES * PAGE;

/** Runs at the end, to look at what a call left. */
const look = procedure("test_look", [{
  name: "look",
  run: ({ state }) =>
    done({
      lock: state.lock,
      open: state.kimgcore !== undefined,
      position: state.kimgcore?.position ?? -1,
      owned: state.owned.reduce((sum, { count }) => sum + count, 0),
    }),
}]);

/** Two segments of 30 and 7 pages; the first has content of 25 pages. */
const LOAD: Call = ["sys_kexec_load", {
  segments: [
    {
      mem: 0x80_0000,
      memsz: 30 * PAGE,
      bufsz: 25 * PAGE,
      buffer: [{ pfn: CONTENT, count: 25 }],
    },
    { mem: 0xa0_0000, memsz: 7 * PAGE, bufsz: 7 * PAGE, buffer: [{ pfn: CONTENT + 30, count: 7 }] },
  ],
  entry: 0x80_00c0,
  flags: 0x3e,
}];
const OPEN: Call = ["kimgcore_open"];
const RELEASE: Call = ["kimgcore_release"];
const LOOK: Call = ["test_look"];

function read(length: number, position?: number, mapped = length): Call {
  return ["kimgcore_read", {
    length,
    buffer: mapped === 0 ? [] : [{ start: BUFFER * PAGE + 5, length: mapped }],
    ...(position === undefined ? {} : { position }),
  }];
}

const MAP: KernelState["map"] = [{ start: MIB, length: 31 * MIB, type: E820_TYPE.ram }];

interface Plan {
  readonly profile?: string;
  readonly state?: Partial<KernelState>;
  readonly free?: readonly PageRun[];
  readonly ramBytes?: number;
  readonly procedures?: readonly Procedure[];
}

function kernel(calls: readonly Call[], plan: Plan = {}): KernelRun {
  const { profile = "2.6.24-v7", state, free = FREE, ramBytes, procedures = [] } = plan;
  return runKernel({
    medium: diskWith([{ mib: 4, files: [] }]),
    calls,
    procedures: [...PROCEDURES, look, ...procedures],
    free,
    fillRam: (ram) => ram.write(CONTENT * PAGE, noise(CONTENT_PAGES * PAGE, 5)),
    ...(ramBytes === undefined ? {} : { ramBytes }),
    state: { profile, map: MAP, ...state },
  });
}

/** The file as it must be: the header, then what was loaded. */
function expected(entry = 0x80_00c0): Uint8Array {
  const file = new Uint8Array(SIZE);
  const segments = [{ mem: 0x80_0000, memsz: 30 * PAGE }, { mem: 0xa0_0000, memsz: 7 * PAGE }];
  file.set(emitKimgcore({ machine: EM_386, entry, segments }));
  const content = noise(CONTENT_PAGES * PAGE, 5);
  file.set(content.subarray(0, 25 * PAGE), HEADER);
  file.set(content.subarray(30 * PAGE, 37 * PAGE), HEADER + 30 * PAGE);
  return file;
}

/** Where the word of the first source page stands: behind the first destination. */
function firstWord({ image }: KernelState): number {
  return (image?.indirection[0] ?? 0) * PAGE + 4;
}

function bufferOf(run: KernelRun, length: number): Uint8Array {
  return run.ram.view(BUFFER * PAGE + 5, length).slice();
}

Deno.test("kimgcore_open checks lock, image and memory in this order (F04 to F08)", () => {
  const held = kernel([OPEN, LOOK], { state: { lock: "kexec_load" }, free: [] });
  deepStrictEqual(held.results, [-ERRNO.EBUSY, {
    lock: "kexec_load",
    open: false,
    position: -1,
    owned: 0,
  }]);
  const none = kernel([OPEN, LOOK], { free: [] });
  deepStrictEqual(none.results, [-ERRNO.ENOENT, { lock: "", open: false, position: -1, owned: 0 }]);
  const image = {
    ...{ segments: [], preserve: true, start: 0x1000, head: 4, controlPfn: 600, swapPfn: 601 },
    ...{ indirection: [], owned: [] },
  };
  const full = kernel([OPEN, LOOK], { state: { image }, free: [] });
  deepStrictEqual(full.results, [-ERRNO.ENOMEM, { lock: "", open: false, position: -1, owned: 0 }]);
  for (const run of [held, none, full]) {
    deepStrictEqual(run.facts("kimgcore").map(({ result }) => result), [run.results[0]]);
  }
  deepStrictEqual(held.facts("lock").map(({ op }) => op), ["refuse"]);
  deepStrictEqual(none.facts("lock").map(({ op }) => op), ["take", "release"]);
  deepStrictEqual(full.facts("lock").map(({ op }) => op), ["take", "release"]);
});

Deno.test("kimgcore_open is for root alone, and on kernels with the patch", () => {
  const other = kernel([LOAD, ["kimgcore_open", { uid: 1000 }], LOOK]);
  strictEqual(other.results[1], -ERRNO.EACCES);
  deepStrictEqual(other.facts("lock").map(({ op }) => op), ["take", "release"], "the load's own");
  const mainline = kernel([OPEN], { profile: "2.6.27" });
  deepStrictEqual(mainline.results, [-ERRNO.ENOENT]);
  deepStrictEqual([mainline.facts("lock"), mainline.facts("kimgcore")], [[], []]);
});

Deno.test("kimgcore_open holds the lock until the release: everybody else gets EBUSY", () => {
  const run = kernel([
    LOAD,
    LOOK,
    OPEN,
    OPEN,
    LOAD,
    ["sys_kexec_load", { segments: [], entry: 0, flags: 0 }],
    ["sys_reboot_kexec"],
    RELEASE,
    LOOK,
    OPEN,
    RELEASE,
    LOAD,
  ]);
  const busy = -ERRNO.EBUSY;
  const [load, before, ...rest] = run.results;
  strictEqual(load, 0);
  deepStrictEqual(rest, [0, busy, busy, busy, busy, 0, before, 0, 0, 0]);
  const holders = run.facts("lock").filter(({ op }) => op !== "refuse").map(({ op, holder }) =>
    `${op} ${holder}`
  );
  deepStrictEqual(holders.slice(2, 4), ["take kimgcore", "release kimgcore"]);
  deepStrictEqual(run.facts("kimgcore")[0], {
    ...{ k: "K", op: "open", result: 0, loaded: true, entry: "0x8000c0", start: "0x8000c0" },
    ...{ segments: 2, size: SIZE },
  });
});

Deno.test("kimgcore_read gives header and source pages in list order (F09, F10)", () => {
  const run = kernel([LOAD, OPEN, read(SIZE + 100), read(100), RELEASE]);
  deepStrictEqual(run.results.slice(2), [SIZE, 0, 0]);
  const file = bufferOf(run, SIZE);
  deepStrictEqual(file, expected());
  strictEqual(parseKimgcore(file).entry, run.state.image?.start);
  const [, first, end] = run.facts("kimgcore");
  strictEqual(first?.["digest"], sha256(file));
  deepStrictEqual([end?.["offset"], end?.["result"]], [SIZE, 0]);
});

Deno.test("kimgcore_open takes the start of that moment for e_entry", () => {
  const moved = procedure("test_moved", [{
    name: "move",
    run: ({ state }) => {
      if (state.image !== null) state.image.start = 0x12_3456;
      return done();
    },
  }]);
  const calls: Call[] = [LOAD, ["test_moved"], OPEN, ["test_moved"], read(HEADER), RELEASE];
  const run = kernel(calls, { procedures: [moved] });
  strictEqual(parseKimgcore(bufferOf(run, HEADER)).entry, 0x12_3456);
});

Deno.test("kimgcore_read gives what was asked for at any place, trimmed at the end", () => {
  const file = expected();
  const places = fc.sample(
    fc.tuple(fc.nat(SIZE + 50), fc.nat(20 * PAGE)),
    { numRuns: 40, seed: 3 },
  );
  const edges: [number, number][] = [
    [0, 1],
    [HEADER - 1, 2],
    [HEADER, 1],
    [HEADER + PAGE - 1, 2],
    [HEADER + 29 * PAGE, 2 * PAGE],
    [SIZE - 1, 10],
    [SIZE, 10],
    [7, 0],
  ];
  // Each piece is read to the same place, so one run has one place to look at: its digest.
  const run = kernel([
    LOAD,
    OPEN,
    ...[...edges, ...places].map(([position, length]) => read(length, position)),
    RELEASE,
  ]);
  const reads = run.facts("kimgcore").slice(1, -1);
  [...edges, ...places].forEach(([position, length], index) => {
    const part = file.subarray(position, position + length);
    const fact = reads[index];
    strictEqual(run.results[index + 2], part.length, `${length} at ${position}`);
    const digest = part.length === 0 ? undefined : sha256(part);
    strictEqual(fact?.["digest"], digest, `${length} at ${position}`);
  });
});

Deno.test("kimgcore_read goes on where the last one ended", () => {
  const run = kernel([LOAD, OPEN, read(100), read(100), read(PAGE), LOOK, RELEASE]);
  deepStrictEqual(run.facts("kimgcore").slice(1, 4).map(({ offset }) => offset), [0, 100, 200]);
  deepStrictEqual(bufferOf(run, PAGE), expected().subarray(200, 200 + PAGE));
});

Deno.test("kimgcore_read walks the list as it stands in RAM", () => {
  const exchange = procedure("test_exchange", [
    {
      name: "read",
      run: ({ name, state }) => ({
        do: "ask",
        target: "memory",
        type: "memory.read",
        body: { by: name, address: firstWord(state), length: 8 },
      }),
      then: (_kernel, vars, answer) => {
        const bytes = String(Reflect.get(Object(answer), "bytes"));
        vars["bytes"] = bytes.slice(8) + bytes.slice(0, 8);
        return { do: "next" };
      },
    },
    {
      name: "write",
      run: ({ name, state }, vars) => ({
        do: "ask",
        target: "memory",
        type: "memory.write",
        body: { by: name, address: firstWord(state), bytes: vars["bytes"] },
      }),
    },
  ]);
  const run = kernel([LOAD, OPEN, ["test_exchange"], read(HEADER + 3 * PAGE), RELEASE], {
    procedures: [exchange],
  });
  const file = expected();
  const exchanged = file.slice(0, HEADER + 3 * PAGE);
  exchanged.set(file.subarray(HEADER + PAGE, HEADER + 2 * PAGE), HEADER);
  exchanged.set(file.subarray(HEADER, HEADER + PAGE), HEADER + PAGE);
  deepStrictEqual(bufferOf(run, exchanged.length), exchanged);
});

Deno.test("kimgcore_read gives EFAULT for a bad buffer and stays where it is", () => {
  const run = kernel([LOAD, OPEN, read(100, 10, 0), LOOK, read(100, 10, 99), LOOK, RELEASE]);
  const position = (index: number) => Reflect.get(Object(run.results[index]), "position");
  deepStrictEqual([run.results[2], position(3)], [-ERRNO.EFAULT, 10]);
  deepStrictEqual([run.results[4], position(5)], [-ERRNO.EFAULT, 10]);
  const fact = run.facts("kimgcore")[1];
  deepStrictEqual([fact?.["op"], fact?.["result"]], ["read", -ERRNO.EFAULT]);
});

Deno.test("kimgcore_read that faults behind the header gives EFAULT though the position moved", () => {
  const pages = 3 * PAGE;
  const run = kernel([
    LOAD,
    OPEN,
    read(HEADER + pages, 0, HEADER),
    LOOK,
    read(HEADER + pages, 0, HEADER + PAGE + 100),
    LOOK,
    read(PAGE),
    RELEASE,
  ]);
  const position = (index: number) => Reflect.get(Object(run.results[index]), "position");
  deepStrictEqual([run.results[2], position(3)], [-ERRNO.EFAULT, HEADER]);
  deepStrictEqual([run.results[4], position(5)], [-ERRNO.EFAULT, HEADER + PAGE]);
  strictEqual(run.results[6], PAGE);
  deepStrictEqual(
    bufferOf(run, PAGE),
    expected().subarray(HEADER + PAGE, HEADER + 2 * PAGE),
  );
});

Deno.test("kimgcore_read takes pages above 896 MiB through one bounce page, freed at the end", () => {
  const high = { pfn: 0x3_8000 - 10, count: 64 };
  const ramBytes = 904 * MIB;
  const free = [{ pfn: 512, count: 5 }, high];
  const run = kernel([LOAD, LOOK, OPEN, read(SIZE), LOOK, RELEASE, LOOK], { free, ramBytes });
  strictEqual(run.results[3], SIZE);
  deepStrictEqual(bufferOf(run, SIZE), expected());
  const owned = (index: number) => Number(Reflect.get(Object(run.results[index]), "owned"));
  deepStrictEqual([owned(4), owned(6)], [owned(1) + 2, owned(1)], "header and one bounce page");
  const sources = run.state.image?.owned.some(({ pfn, count }) => pfn + count > 0x3_8000);
  ok(sources, "some source pages are high");
});

Deno.test("kimgcore_read gives ENOMEM without a page to bounce through", () => {
  // What the load leaves is one page: the header takes it.
  const free = [{ pfn: 512, count: 4 }, { pfn: 0x3_8000 - 10, count: 37 }];
  const run = kernel([LOAD, OPEN, read(SIZE), LOOK], { free, ramBytes: 904 * MIB });
  deepStrictEqual(run.results.slice(0, 3), [0, 0, -ERRNO.ENOMEM]);
  strictEqual(run.state.free.length, 0);
});

Deno.test("kimgcore_read gives EIO for a list that leads out of memory", () => {
  const bad = procedure("test_bad", [{
    name: "poke",
    run: ({ name, state }) => ({
      do: "ask",
      target: "memory",
      type: "memory.write",
      body: {
        by: name,
        address: firstWord(state),
        bytes: [IND_SOURCE, 0, 0, 0xf0].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
      },
    }),
  }]);
  const layout = {
    ...{ text: { pfn: 0, count: 0 }, memMap: 0, vmcoreinfo: 0, context: 0, pageTable: 0 },
    ...{ log: { pfn: 0, count: 0 }, state: { pfn: 0, count: 0 }, frameCount: 32 * 256 },
  };
  const run = kernel([LOAD, OPEN, ["test_bad"], read(SIZE), RELEASE], {
    procedures: [bad],
    state: { layout },
  });
  strictEqual(run.results[3], -ERRNO.EIO);
});

Deno.test("kimgcore_write gives EINVAL, as the VFS does without a write operation", () => {
  const run = kernel([LOAD, ["kimgcore_open", { write: true }], ["kimgcore_write"], RELEASE]);
  deepStrictEqual(run.results.slice(1), [0, -ERRNO.EINVAL, 0]);
});

Deno.test("sys_kexec_load takes v7's state flags on the kernel of v7 alone (A.6)", () => {
  deepStrictEqual(kernel([LOAD]).results, [0]);
  for (const profile of ["2.6.23-rfc", "2.6.27", "6.1"]) {
    deepStrictEqual(kernel([LOAD], { profile }).results, [-ERRNO.EINVAL], profile);
  }
  const [procedureName, vars] = LOAD;
  const beyond: Call = [procedureName, { ...vars, flags: 0x7e }];
  deepStrictEqual(kernel([beyond]).results, [-ERRNO.EINVAL]);
});
