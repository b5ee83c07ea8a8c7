/**
 * Runs with /proc/kimgcore as a test tells them: the preparation, and what follows in the same
 * session or in a later one.
 */
import { boot, type, until } from "../../actors/scenario/script_words.ts";
import { collectGarbage } from "../collect_garbage.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { machineDisk, planMachine } from "../../actors/scenario/machine_plan.ts";
import { BlockStore } from "../../machine/block_store.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { diskLayout } from "../../machine/formats/disk_layout.ts";
import { Ext2Image } from "../../machine/formats/ext2/mod.ts";
import { LIMITS } from "../../machine/limits.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { type MachineOptions, machineSettings, runMachine } from "./machine_kit.ts";
import { bytesOf, fieldsOf, type Run } from "./run_kit.ts";

export { boot, type, until };

export const PROFILE = "2.6.24-v7";
const MIB = 1024 ** 2;
const SECTOR = 512;

/** B's kernel with its initramfs, as the posting loads it. */
export const LOAD_B = "kexec --load-jump-back /boot/bzImage --mem-min=0x100000 " +
  "--mem-max=0xffffff --initrd=/boot/rootfs.gz --elf64-core-headers " +
  '--append="hostname=B root=/dev/ram0 maxcpus=1"';
/** B's image. */
export const LOAD_IMAGE = "kexec -l --args-none --flags=0x3e /kimgcore";

/** Menu with a kernel to hibernate and one to resume it. */
export const MENU = [
  { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
  { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" },
] as const;

/** A.1 to A.5 of the preparation (B.3.4), from A's prompt to A's prompt. */
export const PREPARE: readonly OperatorStep[] = [
  type("A", LOAD_B),
  type("A", "kexec -e"),
  type("B", "jump-back"),
  type("A", "cp /proc/kimgcore ."),
];

/** Runs a script on the machine of khibernation v7. */
export function runV7(
  script: readonly OperatorStep[],
  options: Partial<Omit<MachineOptions, "script">> = {},
): Run {
  return runMachine({ profile: PROFILE, menu: MENU, scenario: "v7", ...options, script });
}

/** A machine's disk with B's image on it. */
export interface Prepared {
  readonly disk: Uint8Array;
  /** A's jump-back entry of the preparation, as B's command line has it. */
  readonly entry: string;
}

let prepared: Prepared | undefined;

/** A machine on which B was prepared; made once. */
export function preparation(): Prepared {
  if (prepared !== undefined) return prepared;
  const run = runV7([...boot("A"), ...PREPARE, type("A", "sync"), ...until("A", "prepared")]);
  const jump = fieldsOf(run, "jump").find(({ to }) => to === "purgatory");
  prepared = { disk: bytesOf(run.medium), entry: String(jump?.["word"]) };
  return prepared;
}

/** The file system of a partition of a run's disk. */
export function volumeOf(run: Pick<Run, "medium">, number: number, memoryMiB = 64): Ext2Image {
  const partition = diskLayout({ memoryBytes: memoryMiB * MIB })[number - 1];
  if (partition === undefined) throw new Error(`No partition ${number}`);
  const bytes = new Uint8Array(partition.sectorCount * SECTOR);
  run.medium.read(partition.firstSector * SECTOR, bytes);
  return Ext2Image.of(bytes);
}

/** As {@linkcode runV7} on a new machine; `see` is called for each event of a step that ran. */
export function watchV7(
  script: readonly OperatorStep[],
  see: (event: TraceEvent, scheduler: Scheduler) => void,
): { readonly outcome: string; readonly medium: MemoryMedium } {
  collectGarbage();
  const settings = machineSettings({ profile: PROFILE, menu: MENU, script });
  const plan = planMachine(settings);
  const { byteLength, writes } = machineDisk(settings);
  const medium = new MemoryMedium(FlatStore.make(byteLength));
  for (const { offset, bytes } of writes) medium.write(offset, bytes);
  const recorder = new Recorder(new MemorySink());
  const events: TraceEvent[] = [];
  recorder.listen((event) => void events.push(event));
  const blocks = new BlockStore(medium, FlatStore.make(LIMITS.diskCacheBytes));
  const scheduler = new Scheduler(plan, new InlineTransport(plan.registry, blocks), recorder);
  for (let goes = true; goes;) {
    goes = scheduler.advance(1);
    for (const event of events.splice(0)) see(event, scheduler);
  }
  return { outcome: scheduler.outcome ?? "no outcome", medium };
}

/** Virtual times in ns at which a line that begins so was typed. */
export function typedAt(run: Pick<Run, "events">, line: string): number[] {
  return run.events.filter(({ kind, type, summary }) =>
    kind === "send" && type === "console.type" &&
    String(summary?.["line"]).startsWith(line.slice(0, 30))
  ).map(({ vt }) => vt);
}

/** Virtual time in ns of the first fact of a name about a kernel, from a time on. */
export function factAt(run: Pick<Run, "events">, name: string, k: string, from = 0): number {
  const event = run.events.find(({ vt, type, summary }) =>
    vt >= from && type === `fact.${name}` && summary?.["k"] === k
  );
  if (event === undefined) throw new Error(`No fact '${name}' of ${k}`);
  return event.vt;
}
