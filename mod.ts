/**
 * kjump: a laboratory for hibernation by kexec jump.
 *
 * The engine runs actors that exchange typed messages and records every one; the formats read and
 * write the real layouts of memory images, disks and firmware tables; the conformance suite judges
 * traces, our own and foreign ones, by rules; the scenarios set up mainline kexec jump. Nothing
 * here touches the host: no file, no timer, no worker.
 *
 * A run: `newDisk` and `writeDisk` make the disk, `planRun` the plan; a `Scheduler` over an
 * `InlineTransport` advances it, a `Recorder` keeps the trace, a `Checker` with `MAINLINE_RULES`
 * judges it.
 *
 * @module
 */

// The engine.
export {
  type AnyBehaviour,
  type Behaviour,
  type Envelope,
  type Input,
  type Out,
  type Registry,
  registryOf,
  seal,
} from "./machine/actor.ts";
export { BlockStore, EMPTY_CACHE, type PendingWrite } from "./machine/block_store.ts";
export { checkChoice, type Choice } from "./machine/choices.ts";
export { crc32, sha256 } from "./machine/digest.ts";
export {
  ActorFailure,
  DivergenceError,
  EXIT,
  FormatError,
  LimitError,
  ProtocolError,
  TransportError,
  UsageError,
} from "./machine/errors.ts";
export { FlatStore, type FlatStoreParts } from "./machine/flat_store.ts";
export {
  HARDWARE_PROFILES,
  type HardwareProfile,
  hardwareProfile,
} from "./machine/hardware_profile.ts";
export { LIMITS } from "./machine/limits.ts";
export { type Medium, MemoryMedium } from "./machine/medium.ts";
export { observe } from "./machine/observer.ts";
export {
  type ActorSpec,
  type Observation,
  type Observer,
  type RunPlan,
  Scheduler,
  type SchedulerState,
  type Standing,
} from "./machine/scheduler.ts";
export { continueFrom, takeCheckpoint } from "./machine/checkpoint.ts";
export { Stepper } from "./machine/stepper.ts";
export { InlineTransport } from "./machine/transport/inline.ts";
export type { Transport } from "./machine/transport/transport.ts";

// Traces.
export { type BlobSource, MemoryBlobs, NO_BLOBS } from "./machine/trace/blobs.ts";
export {
  eventLine,
  type TraceEvent,
  type TraceFooter,
  type TraceHeader,
} from "./machine/trace/event.ts";
export { readTrace, readTraceSync, TraceReader, type TraceRecord } from "./machine/trace/reader.ts";
export { MemorySink, Recorder, type TraceSink } from "./machine/trace/recorder.ts";
export { TraceError } from "./machine/trace/trace_error.ts";

// Conformance.
export { Checker, type CheckerOptions } from "./machine/conformance/checker.ts";
export { reportJunit } from "./machine/conformance/junit.ts";
export { idsWith, type Report, reportJson, type RuleResult } from "./machine/conformance/report.ts";
export { reportMarkdown } from "./machine/conformance/report_markdown.ts";
export { reportText } from "./machine/conformance/report_text.ts";
export type { Rule, RuleContext, RuleRun } from "./machine/conformance/rule.ts";
export { SYSTEM_NAMES, systemsOfScenario } from "./machine/conformance/systems.ts";
export { type Fact, type FactName, FACTS } from "./machine/protocol/facts.ts";
export { ALL_RULES } from "./machine/protocol/all_rules.ts";
export { MAINLINE_RULES } from "./machine/protocol/mainline_rules.ts";

// Formats, one name each, since several speak of pages and sectors.
export * as bootParams from "./machine/formats/boot_params.ts";
export * as bzimage from "./machine/formats/bzimage.ts";
export * as controlPage from "./machine/formats/control_page.ts";
export * as diskLayout from "./machine/formats/disk_layout.ts";
export * as ebr from "./machine/formats/ebr.ts";
export * as e820 from "./machine/formats/e820.ts";
export * as elf from "./machine/formats/elf.ts";
export * as elfNotes from "./machine/formats/elf_notes.ts";
export * as ext2 from "./machine/formats/ext2/mod.ts";
export * as kdump from "./machine/formats/kdump.ts";
export * as kdumpPages from "./machine/formats/kdump_pages.ts";
export * as kernelWindow from "./machine/formats/kernel_window.ts";
export * as kimage from "./machine/formats/kimage.ts";
export * as lzo1x from "./machine/formats/lzo1x.ts";
export * as mbr from "./machine/formats/mbr.ts";
export * as memMap from "./machine/formats/mem_map.ts";
export * as nvram from "./machine/formats/nvram.ts";
export * as pageRuns from "./machine/formats/page_runs.ts";
export * as stamp from "./machine/formats/stamp.ts";
export * as swapHeader from "./machine/formats/swap_header.ts";
export * as swsuspImage from "./machine/formats/swsusp_image.ts";
export * as swsuspRecord from "./machine/formats/swsusp_record.ts";
export * as tuxOnIceHeader from "./machine/formats/tuxonice_header.ts";
export * as vmcore from "./machine/formats/vmcore.ts";

// Scenarios.
export { buildDisk, type DiskBuild, writeDisk } from "./actors/disk_image/build_disk.ts";
export { KERNEL_PROFILES, type KernelProfile, kernelProfile } from "./actors/kernel/profiles.ts";
export { REGISTRY } from "./actors/registry.ts";
export {
  type MainlineOptions,
  type MainlinePart,
  mainlineScript,
} from "./actors/scenario/mainline.ts";
export {
  checkSize,
  newDisk,
  planRun,
  REAL_SECONDS,
  type RunSettings,
  windowOf,
} from "./actors/scenario/mainline_run.ts";
export {
  machineDisk,
  type MachineSettings,
  type MenuEntry,
  planMachine,
} from "./actors/scenario/machine_plan.ts";
export type { OperatorStep } from "./actors/operator.ts";

// Somebody else's kernel, disk or firmware.
export {
  type Conformance,
  conformance,
  type ConformanceOptions,
  defaultMachine,
  type OwnParts,
  registryWith,
} from "./actors/scenario/conformance.ts";
