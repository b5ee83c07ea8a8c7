/** Several calls of kexec_load for one image (protocol.md B.4.7). */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { KEXEC_MORE } from "../../actors/kernel/kexec_multi_load.ts";
import { call, done, goto, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import type { KernelState } from "../../actors/kernel/state.ts";
import { PROCEDURES } from "../../actors/registry.ts";
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { walkEntryList } from "../../machine/formats/kimage.ts";
import { contains, countPages, type PageRun } from "../../machine/formats/page_runs.ts";
import { type Call, diskWith, type KernelRun, noise, runKernel } from "./kernel_kit.ts";

const MIB = 1024 ** 2;
const PAGE = 4096;
const CONTENT = 256;
const PAGES = 128;
const FREE: readonly PageRun[] = [{ pfn: 512, count: 3000 }];
const MAP: KernelState["map"] = [{ start: MIB, length: 31 * MIB, type: E820_TYPE.ram }];

interface Segment {
  readonly mem: number;
  readonly pages: number;
  /** Page of the content it begins with. */
  readonly from: number;
}

/** Segments of two pages each, a page apart, from a place on. */
function segments(start: number, count: number): Segment[] {
  return Array.from({ length: count }, (_, index) => ({
    mem: start + 3 * index * PAGE,
    pages: 2,
    from: 2 * index,
  }));
}

function load(list: readonly Segment[], flags: number, entry = 0x1234): Call {
  return ["sys_kexec_load", {
    segments: list.map(({ mem, pages, from }) => ({
      mem,
      memsz: pages * PAGE,
      bufsz: pages * PAGE,
      buffer: [{ pfn: CONTENT + from, count: pages }],
    })),
    entry,
    flags,
  }];
}

function kernel(
  calls: readonly Call[],
  options: {
    readonly profile?: string;
    readonly free?: readonly PageRun[];
    readonly beside?: readonly Call[];
    readonly procedures?: readonly Procedure[];
  } = {},
): KernelRun {
  const { profile = "2.6.27-multi", free = FREE, beside, procedures = [] } = options;
  return runKernel({
    medium: diskWith([{ mib: 4, files: [] }]),
    calls,
    ...(beside === undefined ? {} : { beside }),
    procedures: [...PROCEDURES, ...procedures],
    free,
    fillRam: (ram) => ram.write(CONTENT * PAGE, noise(PAGES * PAGE, 3)),
    state: { profile, map: MAP },
  });
}

/** What stands for each destination page of the image. */
function imageOf({ state, ram }: KernelRun): Map<number, Uint8Array> {
  const { image } = state;
  if (image === null) throw new Error("Nothing is loaded");
  const pairs = walkEntryList("i386", image.head, (pfn) => ram.view(pfn * PAGE, PAGE));
  return new Map(pairs.map(({ destination, source }) => [
    destination,
    ram.view(source * PAGE, PAGE).slice(),
  ]));
}

function expectedOf(list: readonly Segment[]): Map<number, Uint8Array> {
  const content = noise(PAGES * PAGE, 3);
  return new Map(
    list.flatMap(({ mem, pages, from }) =>
      Array.from({ length: pages }, (_, page): [number, Uint8Array] => [
        mem / PAGE + page,
        content.slice((from + page) * PAGE, (from + page + 1) * PAGE),
      ])
    ),
  );
}

const FIRST = segments(0x100_0000, 16);
const SECOND = segments(0x140_0000, 16);
const LAST = segments(0x180_0000, 5);

Deno.test("sys_kexec_load takes one image of 37 segments in three calls (B.4.7)", () => {
  const run = kernel([load(FIRST, KEXEC_MORE), load(SECOND, KEXEC_MORE | 2), load(LAST, 2, 0x77)]);
  deepStrictEqual(run.results, [0, 0, 0]);
  const { image } = run.state;
  deepStrictEqual([image?.segments.length, image?.start, image?.preserve], [37, 0x77, true]);
  deepStrictEqual(imageOf(run), expectedOf([...FIRST, ...SECOND, ...LAST]));
  strictEqual(run.facts("kimage").length, 1, "there is one image");
  deepStrictEqual(run.facts("load").map(({ segments: count }) => count), [16, 16, 5]);
  strictEqual(run.state.staged, undefined);
  // Nothing is kept but what the image owns.
  const owned = run.state.owned.reduce((sum, { count }) => sum + count, 0);
  strictEqual(owned, countPages(image?.owned ?? []));
});

Deno.test("sys_kexec_load moves content away from what becomes a destination later (C.4 I1)", () => {
  // The first call's pages are the lowest free ones behind the window; the second wants those.
  const first = segments(0x180_0000, 10);
  const [run] = [kernel([load(first, KEXEC_MORE)])];
  const taken = run.state.staged?.pages.flat() ?? [];
  const low = Math.min(...taken) * PAGE;
  const second = segments(low, 16);
  const finished = kernel([load(first, KEXEC_MORE), load(second, 0)]);
  deepStrictEqual(finished.results, [0, 0]);
  deepStrictEqual(imageOf(finished), expectedOf([...first, ...second]));
  const destinations = [...first, ...second].map(({ mem, pages }) => ({
    pfn: mem / PAGE,
    count: pages,
  })).sort((left, right) => left.pfn - right.pfn);
  const { image } = finished.state;
  for (const { pfn, count } of image?.owned ?? []) {
    for (let at = pfn; at < pfn + count; at++) ok(!contains(destinations, at), `page ${at}`);
  }
  const owned = finished.state.owned.reduce((sum, { count }) => sum + count, 0);
  strictEqual(owned, countPages(image?.owned ?? []), "displaced pages are free again");
});

Deno.test("sys_kexec_load keeps the old image until the last call, and for good on an error", () => {
  const old = segments(0x1c0_0000, 1);
  const begun = kernel([load(old, 0, 0x11), load(FIRST, KEXEC_MORE)]);
  deepStrictEqual([begun.results, begun.state.image?.start], [[0, 0], 0x11]);
  const overlap = [{ mem: 0x100_0000, pages: 1, from: 0 }];
  const failed = kernel([load(old, 0, 0x11), load(FIRST, KEXEC_MORE), load(overlap, 0)]);
  deepStrictEqual(failed.results, [0, 0, -ERRNO.EINVAL]);
  deepStrictEqual([failed.state.image?.start, failed.state.staged], [0x11, undefined]);
  deepStrictEqual(imageOf(failed), expectedOf(old));
  const owned = failed.state.owned.reduce((sum, { count }) => sum + count, 0);
  strictEqual(owned, countPages(failed.state.image?.owned ?? []), "nothing of the stages is left");
  const after = kernel([load(FIRST, KEXEC_MORE), load(overlap, 0), load(overlap, 0)]);
  deepStrictEqual(after.results, [0, -ERRNO.EINVAL, 0], "the next image begins anew");
  strictEqual(after.state.image?.segments.length, 1);
});

Deno.test("sys_kexec_load gives ENOMEM where pages run out in a later call, and frees the others", () => {
  const free = [{ pfn: 512, count: 50 }];
  const run = kernel([load(FIRST, KEXEC_MORE), load(SECOND, KEXEC_MORE)], { free });
  deepStrictEqual(run.results, [0, -ERRNO.ENOMEM]);
  deepStrictEqual([run.state.free, run.state.staged], [free, undefined]);
  const tight = kernel([load(FIRST, KEXEC_MORE), load(LAST, 0)], {
    free: [{ pfn: 512, count: 43 }],
  });
  deepStrictEqual(tight.results, [0, -ERRNO.ENOMEM], "no room for control and list pages");
  strictEqual(countPages(tight.state.free), 43);
});

Deno.test("sys_kexec_load unloads what stands in stages, and never takes more than 16 in a call", () => {
  const none: Call = ["sys_kexec_load", { segments: [], entry: 0, flags: 0 }];
  const run = kernel([load(FIRST, KEXEC_MORE), none]);
  deepStrictEqual([run.results, run.state.staged, run.state.free], [[0, 0], undefined, FREE]);
  const many = kernel([load(segments(0x100_0000, 17), KEXEC_MORE)]);
  deepStrictEqual(many.results, [-ERRNO.EINVAL]);
  deepStrictEqual(kernel([load(LAST, KEXEC_MORE)], { profile: "2.6.27" }).results, [-ERRNO.EINVAL]);
});

Deno.test("sys_kexec_load gives EBUSY to another process between two calls of one image", () => {
  // The second process comes when the first call is over and nobody has the lock.
  const wait = procedure("test_wait", [
    {
      name: "look",
      run: ({ state }) =>
        state.staged === undefined || state.lock !== ""
          ? call("test_sleep", { ns: 1000 })
          : goto("try"),
      then: () => goto("look"),
    },
    {
      name: "try",
      run: () => call("sys_kexec_load", { segments: [], entry: 0, flags: 0 }),
      then: (_kernel, _vars, answer) => done(answer),
    },
  ]);
  const run = kernel(
    [load(FIRST, KEXEC_MORE), ["test_sleep", { ns: 1_000_000 }], load(LAST, 0)],
    { beside: [["test_wait"]], procedures: [wait] },
  );
  deepStrictEqual([run.results, run.beside], [[0, 0, 0], [-ERRNO.EBUSY]]);
  strictEqual(run.state.image?.segments.length, 21);
});
