/** The recorded kexec_load calls, one after the other, on the real system call. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { errnoOf } from "../../actors/kernel/errno.ts";
import { KEXEC_LOAD_PROCEDURES } from "../../actors/kernel/kexec_load.ts";
import { done, procedure } from "../../actors/kernel/procedure.ts";
import type { Vars } from "../../actors/kernel/state.ts";
import RECORDED from "../../fixtures/recordings/kexec_errnos.json" with { type: "json" };
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { walkEntryList } from "../../machine/formats/kimage.ts";
import { type Call, diskWith, noise, runKernel } from "./kernel_kit.ts";

const MIB = 1024 ** 2;
const PAGE = 4096;
const BUFFER = 256;
const BUFFER_PAGES = 32;

type Row = typeof RECORDED.rows[number];

function segmentsOf(row: Row): Vars[] {
  const given = row.segments.map(({ mem, memsz, bufsz }) => ({
    mem: Number(mem),
    memsz: Number(memsz),
    bufsz: Number(bufsz),
  }));
  const segments = given.length === row.nr
    ? given
    : Array.from({ length: Math.min(row.nr, 32) }, (_, index) => ({
      mem: 0x200_0000 + index * PAGE,
      memsz: PAGE,
      bufsz: PAGE,
    }));
  return segments.map((segment) => ({
    ...segment,
    buffer: [{ pfn: BUFFER, count: Math.ceil(segment.bufsz / PAGE) }],
  }));
}

function callOf(row: Row): Call {
  return ["sys_kexec_load", {
    segments: segmentsOf(row),
    entry: Number(row.entry),
    flags: Number(row.flags),
    capable: !/^(?:no_cap|uid1000)/i.test(row.test),
    disabled: row.test.startsWith("kexec_load_disabled"),
  }];
}

const loaded = procedure("test_loaded", [{
  name: "look",
  run: (kernel) => done(kernel.state.image === null ? 0 : 1),
}]);

/** A kernel with as much RAM as the recorded one had. */
function kernelWith(calls: readonly Call[]) {
  const start = MIB + BUFFER_PAGES * PAGE;
  return runKernel({
    medium: diskWith([{ mib: 4, files: [] }]),
    ramBytes: 256 * MIB,
    calls,
    procedures: [...KEXEC_LOAD_PROCEDURES, loaded],
    free: [{ pfn: start / PAGE, count: RECORDED.ram_pages - BUFFER_PAGES }],
    fillRam: (ram) => ram.write(BUFFER * PAGE, noise(BUFFER_PAGES * PAGE, 9)),
    state: {
      profile: "6.1",
      map: [{ start: MIB, length: RECORDED.ram_pages * PAGE, type: E820_TYPE.ram }],
    },
  });
}

Deno.test("sys_kexec_load gives the recorded results in the recorded order, and keeps what it kept", () => {
  // Addresses over 2^53 cannot be said in a message; the checks alone are tested with them.
  const rows = RECORDED.rows.filter((row) =>
    row.segments.every(({ mem }) => Number.isSafeInteger(Number(mem)))
  );
  strictEqual(rows.length >= 55, true);
  const { results, state } = kernelWith(
    rows.flatMap((row): Call[] => [callOf(row), ["test_loaded"]]),
  );
  rows.forEach((row, index) => {
    const expected = row.errno === "0" ? 0 : -errnoOf(row.errno);
    strictEqual(results[2 * index], expected, row.test);
    if (row.loaded === "?") return;
    strictEqual(results[2 * index + 1], Number(row.loaded), `kexec_loaded after ${row.test}`);
  });
  strictEqual(state.lock, "");
});

Deno.test("sys_kexec_load copies the buffer, clears the rest and writes the list as words in RAM", () => {
  const { state, ram, results } = kernelWith([["sys_kexec_load", {
    segments: [
      { mem: 0x200_0000, memsz: 8 * PAGE, bufsz: 5 * PAGE, buffer: [{ pfn: BUFFER, count: 5 }] },
      { mem: 0x300_0000, memsz: 0, bufsz: 0, buffer: [] },
      { mem: 0x400_0000, memsz: PAGE, bufsz: 10, buffer: [{ pfn: BUFFER + 7, count: 1 }] },
    ],
    entry: 0x200_0000,
    flags: 2,
  }]]);
  strictEqual(results[0], 0);
  const { image } = state;
  if (image === null) throw new Error("Nothing is loaded");
  const pairs = walkEntryList("x86_64", image.head, (pfn) => ram.view(pfn * PAGE, PAGE));
  deepStrictEqual(pairs.map(({ destination }) => destination), [
    ...Array.from({ length: 8 }, (_, index) => 0x2000 + index),
    0x4000,
  ]);
  const content = pairs.map(({ source }) => ram.view(source * PAGE, PAGE));
  for (let page = 0; page < 8; page++) {
    const expected = page < 5 ? ram.view((BUFFER + page) * PAGE, PAGE) : new Uint8Array(PAGE);
    deepStrictEqual(content[page], expected, `page ${page}`);
  }
  deepStrictEqual(content[8], ram.view((BUFFER + 7) * PAGE, PAGE));
});
