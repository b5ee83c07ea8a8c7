import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { FlatStore } from "../../machine/flat_store.ts";
import { emitKernelStateHeader } from "../../machine/formats/kernel_state_header.ts";
import {
  emitBackups,
  emitRestoreAddresses,
  emitTables,
  largePageOf,
  type PageBackup,
  RESTORE_IN_PLACE,
  textAddress,
} from "../../machine/formats/restore_tables.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";
import { ask, type CpuRun, RAM_BYTES, runCpu, type Tell } from "./cpu_bench.ts";

const PAGE = 4096;
const CODE = 0x20 * PAGE;
const LIST = 0x21 * PAGE;
const TABLES = [0x24, 0x25, 0x26].map((pfn) => pfn * PAGE);
const REGISTERS = 0x100 * PAGE;
const STATE = 0x110 * PAGE;
const CONTEXT = 0x111 * PAGE;
const NOSAVE = 0x112 * PAGE;
const ROOT = 0x113 * PAGE;
const SAFE = 0x180;

interface Plan {
  readonly inPlace?: boolean;
  /** Root that the header gave; the image kernel's own table otherwise. */
  readonly root?: number;
  readonly backups?: readonly PageBackup[];
  readonly jump?: bigint;
  readonly fill?: (ram: FlatStore) => void;
}

/** restore_registers as the image has it. */
const REGISTERS_PAGE = stampProgram({
  kind: STAMP_KIND.restoreRegisters,
  version: 6101,
  body: emitRestoreAddresses({ context: CONTEXT, inSuspend: NOSAVE, root: ROOT }),
  argument: STATE,
});

function layOut(ram: FlatStore, plan: Plan): void {
  for (let pfn = 0; pfn < RAM_BYTES / PAGE; pfn++) ram.writable(pfn * PAGE, PAGE).fill(pfn & 0xff);
  ram.write(
    CODE,
    stampProgram({
      kind: STAMP_KIND.restoreImage,
      version: 6101,
      body: new Uint8Array(4),
      flags: plan.inPlace === true ? RESTORE_IN_PLACE : 0,
    }),
  );
  const { pages } = emitBackups(plan.backups ?? BACKUPS, [LIST, LIST + PAGE]);
  pages.forEach((bytes, index) => ram.write(LIST + index * PAGE, bytes));
  const mapping = largePageOf(textAddress(REGISTERS), REGISTERS);
  for (const { address, bytes } of emitTables(mapping, TABLES)) ram.write(address, bytes);
  // The pages of the image wait in safe frames: restore_registers, and the state's header.
  ram.write(SAFE * PAGE, REGISTERS_PAGE);
  const fields = { version: 6101, length: 0, crc: 0, memMap: 0x9000, frames: 7 };
  ram.write((SAFE + 1) * PAGE, emitKernelStateHeader({ name: "A2", ...fields }));
}

const BACKUPS: readonly PageBackup[] = [
  { address: SAFE * PAGE, original: REGISTERS },
  { address: (SAFE + 1) * PAGE, original: STATE },
  { address: (SAFE + 2) * PAGE, original: 0x150 * PAGE },
];

interface Told {
  readonly run: CpuRun;
  readonly resume: Record<string, unknown>;
}

/** A is the boot kernel, A2 the kernel in the image. */
function restore(plan: Plan = {}): Told {
  const resume: Record<string, unknown> = {};
  const boots: Tell = function* (hands) {
    const tables = { gdt: 0x5000, idt: 0x6000, cr3: 0x8000, paging: true };
    yield* ask(hands, "cpu", "cpu.load_tables", tables);
    hands.out.send("cpu", "cpu.run_restore", {
      code: CODE,
      list: (plan.backups ?? BACKUPS).length === 0 ? 0 : LIST + 8,
      tables: TABLES[0] ?? 0,
      jump: `0x${(plan.jump ?? textAddress(REGISTERS)).toString(16)}`,
      root: plan.root ?? 0,
    });
    for (;;) yield;
  };
  const goesOn: Tell = function* () {
    const { envelope } = yield;
    Object.assign(resume, envelope.body);
    for (;;) yield;
  };
  const run = runCpu({ A: [boots], A2: [goesOn] }, (ram) => {
    layOut(ram, plan);
    plan.fill?.(ram);
  });
  return { run, resume };
}

Deno.test("cpu.run_restore puts the list's pages in place and enters the kernel found there", () => {
  const { run, resume } = restore();
  deepStrictEqual(run.resets, []);
  deepStrictEqual([...run.ram.view(0x150 * PAGE, 4)], [0x82, 0x82, 0x82, 0x82]);
  strictEqual(resume["state"], STATE);
  strictEqual(resume["peer"], 0);
  deepStrictEqual([...run.ram.view(NOSAVE, 9)], [0, 0, 0, 0, 0, 0, 0, 0, 0x12]);
  deepStrictEqual(run.facts("resumed"), [{ k: "A2", peer: "0x0", mem_map: "0x9000", frames: 7 }]);
  const [jump] = run.facts("jump");
  deepStrictEqual([jump?.["from"], jump?.["to"], jump?.["preserve"]], ["A", "A2", false]);
});

Deno.test("cpu.run_restore goes from the boot kernel's tables by temporary ones to the image's", () => {
  const roots = (plan: Plan) =>
    restore(plan).run.facts("page_tables").map(({ which, root }) => `${which} ${root}`);
  const hex = (value: number) => `0x${value.toString(16)}`;
  const before = ["boot 0x8000", `temporary ${hex(TABLES[0] ?? 0)}`];
  deepStrictEqual(roots({}), [...before, `image ${hex(ROOT)}`]);
  deepStrictEqual(roots({ root: 0x77_000 }), [...before, "image 0x77000"]);
});

Deno.test("code that runs in its own page leaves that page to restore_registers, as the last", () => {
  const own = { address: (SAFE + 3) * PAGE, original: CODE };
  const { run } = restore({ inPlace: true, backups: [own, ...BACKUPS] });
  deepStrictEqual(run.resets, []);
  const [copy] = run.facts("final_copy");
  strictEqual(copy?.["last"], copy?.["code"]);
  strictEqual(copy?.["count"], 4);
  deepStrictEqual([...run.ram.view(CODE, 4)], [0x83, 0x83, 0x83, 0x83]);
  const copies = run.sent("memory.copy").map(({ pairs }) => String(pairs));
  ok(copies.length === 2 && copies[1] === "20:183+1", copies.join(" "));
});

Deno.test("cpu.run_restore of an empty list copies nothing", () => {
  const { run } = restore({
    backups: [],
    fill: (ram) => {
      ram.write(REGISTERS, REGISTERS_PAGE);
      ram.write(STATE, ram.view((SAFE + 1) * PAGE, 64).slice());
    },
  });
  deepStrictEqual(run.resets, []);
  deepStrictEqual(run.sent("memory.copy"), []);
});

const FAULTS: readonly (readonly [string, Plan, RegExp])[] = [
  ["an address the temporary tables do not map", {
    jump: textAddress(REGISTERS) + 0x40_0000n,
  }, /#PF at 0xffffffff80500000: not mapped by the page tables at 0x24000/],
  ["a page without restore_registers", { jump: textAddress(0x150 * PAGE) }, /#UD at 0x150000/],
  [
    "restore_registers with a flipped bit",
    { fill: (ram) => void (ram.writable(SAFE * PAGE + 70, 1)[0] = 0xee) },
    /no restore_registers/,
  ],
  [
    "copying code that is none",
    { fill: (ram) => ram.writable(CODE, PAGE).fill(0) },
    /no restore code at 0x20000/,
  ],
  [
    "copying code with a flipped bit",
    { fill: (ram) => void (ram.writable(CODE + 65, 1)[0] = 9) },
    /no restore code/,
  ],
  [
    "a page that belongs where there is no memory",
    { backups: [{ address: SAFE * PAGE, original: RAM_BYTES }] },
    /no memory for 200:180\+1/,
  ],
  [
    "a list without end",
    {
      fill: (ram) => {
        const word = new Uint8Array(8);
        new DataView(word.buffer).setBigUint64(0, BigInt(LIST + PAGE + 8), true);
        ram.write(LIST + 8 + 16, word);
        ram.write(LIST + PAGE, ram.view(LIST, PAGE).slice());
        new DataView(word.buffer).setBigUint64(0, BigInt(LIST + 8), true);
        ram.write(LIST + PAGE + 8 + 16, word);
      },
    },
    /page list .* has no end/,
  ],
  [
    "state pages without a header",
    { backups: BACKUPS.slice(0, 1) },
    /kernel state at 0x110000: .*magic/,
  ],
];

for (const [name, plan, reason] of FAULTS) {
  Deno.test(`cpu.run_restore meets ${name}: a triple fault`, () => {
    const { run, resume } = restore(plan);
    strictEqual(run.resets.length, 1);
    match(run.resets[0] ?? "", reason);
    deepStrictEqual(resume, {});
  });
}
