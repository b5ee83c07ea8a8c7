import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32 } from "../../machine/digest.ts";
import {
  parseKernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../machine/formats/kernel_state_header.ts";
import { pairRuns, walkEntryList } from "../../machine/formats/kimage.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { decodeState } from "../../actors/kernel/state_pages.ts";
import type { KernelState } from "../../actors/kernel/state.ts";
import { fillPage, generationOf } from "../../actors/kernel/workload.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { Dump, fileOn } from "./dump_kit.ts";
import {
  brokenRules,
  fieldsOf,
  judge,
  type Run,
  runMainline,
  type RunOptions,
  settingsOf,
} from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });
const end: readonly OperatorStep[] = [
  { do: "prompt", at: "A" },
  { do: "finish", outcome: "returned" },
];

function twoKernels(options: RunOptions, script: readonly OperatorStep[]): Run {
  return runMainline({
    ...options,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 48 2 1"),
      typed("A", loadCommand(settingsOf(options).mainline)),
      typed("A", "kexec -e"),
      ...script,
      ...end,
    ],
  });
}

function wellChecked(run: Run, k: string): number {
  return run.lines.filter((line) => line.startsWith(`${k}: check: `) && line.endsWith("all well"))
    .length;
}

/** A's state as it stands in a dump; `address` is where its control page's owner has it. */
function stateIn(dump: Dump, address: number): KernelState {
  const header = parseKernelStateHeader(dump.at(address, STATE_HEADER_BYTES));
  const text = dump.at(address + STATE_HEADER_BYTES, header.length);
  assert.equal(crc32(text), header.crc);
  const decoded = decodeState(address, header, text);
  assert.ok(decoded.kind === "ok");
  return decoded.state;
}

/** Where a page of A is in the dump: what stood in the window is in A's source pages (F50). */
function placesIn(dump: Dump, { image, profile }: KernelState): (pfn: number) => number {
  assert.ok(image !== null);
  const { arch } = kernelProfile(profile);
  const runs = pairRuns(walkEntryList(arch, image.head, (pfn) => dump.at(pfn * 4096, 4096)));
  return (pfn) => {
    const run = runs.find(({ destination, count }) =>
      destination <= pfn && pfn < destination + count
    );
    return run === undefined ? pfn : pfn - run.destination + run.source;
  };
}

/** Compares all pages of A's workers in a dump with what its state says they hold. */
function quantaIn(dump: Dump, state: KernelState): number[] {
  const placeOf = placesIn(dump, state);
  return state.processes.flatMap((process) => {
    const vars = process.frames.find(({ procedure }) => procedure === "worker")?.vars;
    const heap = process.memory.find(({ purpose }) => purpose === "heap")?.runs;
    if (vars === undefined || heap === undefined) return [];
    const [pages, quanta, seed] = [vars["pages"], vars["quanta"], vars["seed"]].map(Number);
    const frames = heap.flatMap(({ pfn, count }) =>
      Array.from({ length: count }, (_, i) => pfn + i)
    );
    const wanted = new Uint8Array(4096);
    frames.forEach((pfn, index) => {
      fillPage(wanted, seed ?? 0, index, generationOf(index, pages ?? 0, quanta ?? 0));
      assert.equal(Buffer.compare(dump.at(placeOf(pfn) * 4096, 4096), wanted), 0, `page ${index}`);
    });
    return [quanta ?? 0];
  });
}

/** Where A's state stood at each of its jumps. */
function stateAddresses(run: Run): number[] {
  return run.events.flatMap(({ kind, type, source, summary }) =>
    kind === "send" && type === "cpu.run_control_page" && source === "A"
      ? [Number(summary?.["state"])]
      : []
  );
}

for (const [profile, memoryMiB, cpus] of [["2.6.27", 64, 1], ["6.1-cured", 512, 2]] as const) {
  Deno.test(`use 2 on ${profile}: B takes snapshots of A as it was at each jump, without a boot`, () => {
    const snapshot = (number: number): OperatorStep[] => [
      typed("B", `makedumpfile -E -d 16 /proc/vmcore /hibernate/snapshot-${number}.elf`),
      typed("B", number === 1 ? "jump-back" : "kexec -e"),
      typed("A", "check"),
    ];
    const run = twoKernels({ profile, memoryMiB, cpus }, [
      typed("B", "mount /dev/sda3 /hibernate"),
      ...snapshot(1),
      typed("A", "kexec -e"),
      ...snapshot(2),
      typed("A", "kexec -e"),
      ...snapshot(3),
    ]);
    assert.equal(run.outcome, "returned");
    assert.equal(wellChecked(run, "A"), 3);
    assert.equal(brokenRules(judge(run)).reasons, "");
    assert.equal(fieldsOf(run, "boot", "B").length, 1);
    const places = stateAddresses(run);
    assert.equal(places.length, 3);
    const quanta = places.map((place, index) => {
      const dump = new Dump(fileOn(run, memoryMiB, `/snapshot-${index + 1}.elf`));
      const [first = 0, second = 0] = quantaIn(dump, stateIn(dump, place));
      return first + second;
    });
    // A works on between the snapshots: each has it as it was then.
    assert.ok(
      (quanta[0] ?? 0) < (quanta[1] ?? 0) && (quanta[1] ?? 0) < (quanta[2] ?? 0),
      `${quanta}`,
    );
  });
}

for (
  const [profile, memoryMiB, cpus] of [
    ["2.6.27", 64, 1],
    ["2.6.27", 64, 4],
    ["6.1-cured", 512, 2],
  ] as const
) {
  Deno.test(`use 3 on ${profile} with ${cpus} processors: two kernels in turn, ten jumps, one boot`, () => {
    const turns = 5;
    const script: OperatorStep[] = [typed("B", "work 40 2 7")];
    for (let turn = 0; turn < turns; turn++) {
      script.push(
        typed("B", turn === 0 ? "jump-back" : "kexec -e"),
        typed("A", "check"),
      );
      if (turn < turns - 1) script.push(typed("A", "kexec -e"), typed("B", "check"));
    }
    const run = twoKernels({ profile, memoryMiB, cpus }, script);
    assert.equal(run.outcome, "returned");
    assert.equal(wellChecked(run, "A"), turns);
    assert.equal(wellChecked(run, "B"), turns - 1);
    assert.equal(fieldsOf(run, "boot", "B").length, 1);
    assert.equal(fieldsOf(run, "boot", "A").length, 1);
    assert.equal(fieldsOf(run, "jump").length, 2 * turns);
    // Neither loads again: each re-enters the other where it left.
    for (const k of ["A", "B"]) assert.equal(fieldsOf(run, "load", k).length, 1, k);
    const report = judge(run);
    assert.equal(brokenRules(report).reasons, "");
    for (const id of ["F22", "F23", "F25", "F26", "F30"]) {
      const rule = report.rules.find((one) => one.id === id);
      assert.ok(rule?.verdict === "held", `${id} is ${rule?.verdict}`);
    }
    // Of two kernels in one window exactly one is there: each walk of the list turns that over.
    const walks = fieldsOf(run, "swap").filter(({ count }) => Number(count) > 0);
    assert.equal(walks.length, 2 * turns);
    assert.ok(walks.every(({ k }) => k === "A"), "all by A's list");
    assert.ok(walks.every(({ walk }, index) => walk === index % 2 + 1));
    const work = monotonicOf(run, "A");
    assert.ok(work.every((time, index) => index === 0 || time > (work[index - 1] ?? 0)));
  });
}

/** What a kernel's monotonic clock read whenever it left or came back. */
function monotonicOf(run: Run, k: string): number[] {
  return fieldsOf(run, "clock", k).filter(({ op }) => op === "leave")
    .map(({ monotonic }) => Number(monotonic));
}

Deno.test("two kernels in turn with little and with much of A's memory in use, on 1 and 4 processors", () => {
  for (const percent of [10, 40, 80]) {
    for (const cpus of [1, 4]) {
      const what = `${percent} %, ${cpus} processors`;
      const options = { memoryMiB: 128, cpus } as const;
      const run = runMainline({
        ...options,
        script: [
          { do: "power_on" },
          { do: "choose", entry: "A", append: "" },
          typed("A", `work ${Math.floor(128 * 256 * percent / 100)} 1`),
          typed("A", loadCommand(settingsOf(options).mainline)),
          typed("A", "kexec -e"),
          typed("B", "work 64 1"),
          typed("B", "jump-back"),
          typed("A", "kexec -e"),
          typed("B", "check"),
          typed("B", "kexec -e"),
          typed("A", "check"),
          ...end,
        ],
      });
      assert.equal(run.outcome, "returned", what);
      assert.equal(wellChecked(run, "A") + wellChecked(run, "B"), 2, what);
      assert.equal(brokenRules(judge(run)).reasons, "", what);
    }
  }
});
