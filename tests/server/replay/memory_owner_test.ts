import assert from "node:assert/strict";
import { controlCode } from "../../../actors/kernel/control_code.ts";
import { blankState, type KernelState } from "../../../actors/kernel/state.ts";
import { crc32 } from "../../../machine/digest.ts";
import { FlatStore } from "../../../machine/flat_store.ts";
import {
  CONTROL_DATA_OFFSET,
  emitControlData,
  REENTRY_OFFSET,
} from "../../../machine/formats/control_page.ts";
import { E820_TYPE } from "../../../machine/formats/e820_table.ts";
import {
  emitKernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../../machine/formats/kernel_state_header.ts";
import { emitEntryList } from "../../../machine/formats/kimage.ts";
import { FRAME } from "../../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../../machine/formats/page_runs.ts";
import { memoryOwners, type MemoryView, tableOf } from "../../../server/replay/memory_owner.ts";
import { sleepingKernel } from "../../../server/replay/sleeping_kernel.ts";

const FRAMES = 64;
const MAP = [
  { start: 0, length: 60 * PAGE_BYTES, type: E820_TYPE.ram },
  { start: 60 * PAGE_BYTES, length: 2 * PAGE_BYTES, type: E820_TYPE.acpi },
];
/** Frames of the hand-made A: table, state, control, swap, list, a process, sources. */
const AT = { table: 20, state: 21, control: 24, swap: 25, list: 26, user: 30, source: 40 };
const ENTRY = AT.control * PAGE_BYTES + REENTRY_OFFSET;

/** A kernel with an image loaded whose jump exchanges frames 4 to 7 with 40 to 43. */
function handMade(): KernelState {
  const kernel = { flags: FRAME.kernel, owner: 0 };
  const head = AT.list * PAGE_BYTES + 2;
  return {
    ...blankState("A", "2.6.27"),
    map: MAP,
    layout: {
      text: { pfn: 16, count: 1 },
      memMap: AT.table * PAGE_BYTES,
      vmcoreinfo: 0,
      context: 0,
      log: { pfn: 0, count: 0 },
      state: { pfn: AT.state, count: 2 },
      frameCount: 60,
      pageTable: 0,
    },
    free: [{ pfn: 5, count: 3 }, { pfn: 50, count: 10 }],
    owned: [
      { pfn: 4, count: 1, ...kernel },
      { pfn: AT.table, count: 3, ...kernel },
      { pfn: AT.control, count: 3, flags: FRAME.kimage, owner: 0 },
      { pfn: AT.user, count: 2, flags: FRAME.user, owner: 5 },
      { pfn: AT.source, count: 4, flags: FRAME.kimage, owner: 0 },
    ],
    image: {
      segments: [{ mem: 4 * PAGE_BYTES, memsz: 4 * PAGE_BYTES, bufsz: 0 }],
      preserve: true,
      start: 0,
      head,
      controlPfn: AT.control,
      swapPfn: AT.swap,
      indirection: [AT.list],
      owned: [],
    },
  };
}

/** RAM in which A has left: its words, bytes and checksums are the real ones. */
function leftBehind(state: KernelState): FlatStore {
  const ram = FlatStore.make(FRAMES * PAGE_BYTES);
  const write = (pfn: number, bytes: Uint8Array, offset = 0) =>
    ram.write(pfn * PAGE_BYTES + offset, bytes);
  const list = emitEntryList({
    arch: "i386",
    segments: [{ destination: 4, sources: [40, 41, 42, 43] }],
    indirectionPages: [AT.list],
  });
  for (const { pfn, bytes } of list.pages) write(pfn, bytes);
  write(AT.control, controlCode("i386", 2627, AT.state * PAGE_BYTES));
  const data = emitControlData("i386", {
    ...{ sp: 0n, cr0: 1, cr3: 0, cr4: 0, virtualControlPage: 0n, physicalPgd: 0 },
    physicalSwapPage: AT.swap * PAGE_BYTES,
    listHead: list.head,
  });
  write(AT.control, data, CONTROL_DATA_OFFSET);
  write(AT.table, tableOf(state) ?? new Uint8Array(0));
  const text = new TextEncoder().encode(JSON.stringify(state));
  const header = emitKernelStateHeader({
    ...{ name: "A", version: 2627, length: text.length, crc: crc32(text) },
    ...{ memMap: AT.table * PAGE_BYTES, frames: 60 },
  });
  write(AT.state, header);
  write(AT.state, text, STATE_HEADER_BYTES);
  return ram;
}

function viewOf(ram: FlatStore, more: Partial<MemoryView>): MemoryView {
  return {
    ram,
    powered: true,
    firmwareMap: MAP,
    running: "",
    isKernel: false,
    asleep: [{ name: "A", entry: ENTRY }],
    ...more,
  };
}

function frameOf(view: MemoryView, pfn: number): string {
  const run = memoryOwners(view).runs.find((each) =>
    each.pfn <= pfn && pfn < each.pfn + each.count
  );
  return `${run?.owner}:${run?.class}`;
}

Deno.test("memoryOwners paints a running kernel from its allocator and its entry list in RAM", () => {
  const state = handMade();
  const view = viewOf(leftBehind(state), { running: "A", isKernel: true, kernel: state });
  assert.equal(frameOf(view, 4), "A:kernel");
  assert.equal(frameOf(view, 5), "A:window");
  assert.equal(frameOf(view, AT.control), "A:kimage");
  assert.equal(frameOf(view, AT.user), "A:user");
  assert.equal(frameOf(view, AT.source + 3), "A:source");
  assert.equal(frameOf(view, 55), "A:free");
  assert.equal(frameOf(view, 60), "firmware:firmware");
  assert.equal(frameOf(view, 63), ":reserved");
  assert.deepEqual(memoryOwners(view).kernels.map(({ name, status }) => [name, status]), [
    ["A", "running"],
  ]);
});

Deno.test("memoryOwners follows the words in RAM: a list that ends early has fewer sources", () => {
  const state = handMade();
  const ram = leftBehind(state);
  ram.write(AT.list * PAGE_BYTES + 8, new Uint8Array([4, 0, 0, 0]));
  const view = viewOf(ram, { running: "A", isKernel: true, kernel: state });
  assert.equal(frameOf(view, AT.source), "A:source");
  assert.equal(frameOf(view, AT.source + 1), "A:kimage");
  assert.equal(frameOf(view, 5), "A:free");
});

Deno.test("memoryOwners shows a kernel that left by RAM alone, its low pages in the sources", () => {
  const view = viewOf(leftBehind(handMade()), { running: "B", isKernel: true });
  const { kernels, runs, frames } = memoryOwners(view);
  assert.deepEqual(kernels.map(({ name, status }) => [name, status]), [
    ["B", "running"],
    ["A", "asleep"],
  ]);
  for (let index = 0; index < 4; index++) {
    assert.equal(frameOf(view, AT.source + index), "A:source");
    assert.equal(frameOf(view, 4 + index), "B:window");
  }
  assert.equal(runs.reduce((sum, { count }) => sum + count, 0), frames);
});

Deno.test("memoryOwners keeps what a sleeper has from the free list of a kernel that runs", () => {
  const other: KernelState = {
    ...handMade(),
    name: "B",
    image: null,
    free: [{ pfn: 5, count: 55 }],
    owned: [{ pfn: 4, count: 1, flags: FRAME.kernel, owner: 0 }],
  };
  const view = viewOf(leftBehind(handMade()), { running: "B", isKernel: true, kernel: other });
  assert.equal(frameOf(view, AT.user), "A:user");
  assert.equal(frameOf(view, 5), "B:free");
  assert.equal(frameOf(view, 55), "B:free");
});

Deno.test("memoryOwners knows nobody without power, whatever RAM held", () => {
  const view = viewOf(leftBehind(handMade()), { powered: false });
  assert.deepEqual(memoryOwners(view).kernels, []);
  assert.deepEqual(memoryOwners(view).runs, [
    { pfn: 0, count: FRAMES, owner: "", class: "free" },
  ]);
});

Deno.test("memoryOwners calls what nobody owns and is not zero unknown", () => {
  const ram = FlatStore.make(FRAMES * PAGE_BYTES);
  ram.write(9 * PAGE_BYTES + 5, new Uint8Array([1]));
  ram.write(10 * PAGE_BYTES, new Uint8Array([0]));
  const view = viewOf(ram, { asleep: [] });
  assert.equal(frameOf(view, 9), ":unknown");
  assert.equal(frameOf(view, 10), ":free");
});

Deno.test("sleepingKernel believes nothing in RAM that was touched", () => {
  const found = (change: (ram: FlatStore) => void) => {
    const ram = leftBehind(handMade());
    change(ram);
    return sleepingKernel(ram, "A", ENTRY)?.name;
  };
  const flip = (address: number) => (ram: FlatStore) => {
    const byte = ram.view(address, 1)[0] ?? 0;
    ram.write(address, new Uint8Array([byte ^ 1]));
  };
  assert.equal(found(() => {}), "A");
  assert.equal(found(flip(ENTRY + 1)), undefined, "the stamp");
  assert.equal(found(flip(ENTRY + 64)), undefined, "the code behind the stamp");
  assert.equal(found(flip(AT.state * PAGE_BYTES + 20)), undefined, "the header");
  assert.equal(found(flip(AT.state * PAGE_BYTES + 100)), undefined, "the state");
  const table = AT.table * PAGE_BYTES;
  assert.equal(found(flip(table + AT.table * 8 + 0)), "A", "another flag of the table's frame");
  const gone = (ram: FlatStore) => ram.write(table + AT.table * 8, new Uint8Array([FRAME.free]));
  assert.equal(found(gone), undefined, "a table that is not its own by what it says");
});

Deno.test("sleepingKernel refuses another name, another entry and an address beyond RAM", () => {
  const ram = leftBehind(handMade());
  assert.equal(sleepingKernel(ram, "B", ENTRY), undefined);
  assert.equal(sleepingKernel(ram, "A", ENTRY + 1), undefined);
  assert.equal(sleepingKernel(ram, "A", 1000 * PAGE_BYTES + REENTRY_OFFSET), undefined);
});
