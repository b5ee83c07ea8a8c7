/**
 * `hibernate` and `jump`: runs that begin with a new machine.
 *
 * @module
 */
import { writeDisk } from "../../actors/disk_image/build_disk.ts";
import type { MainlinePart } from "../../actors/scenario/mainline.ts";
import { newDisk, planRun, type RunSettings } from "../../actors/scenario/mainline_run.ts";
import { DivergenceError, UsageError } from "../../machine/errors.ts";
import { fileBlocks } from "../../machine/host/block_source.ts";
import { createDiskFile, FileMedium } from "../../machine/host/file_medium.ts";
import { LIMITS } from "../../machine/limits.ts";
import type { Scheduler } from "../../machine/scheduler.ts";
import { comparePairs, comparePayload, type PayloadComparison } from "./comparison.ts";
import { conclude, FILES, imageAfterRun, writeReference } from "./conclude.ts";
import { Interrupts } from "./interrupts.ts";
import type { GivenOptions } from "./options.ts";
import { OutputFolder } from "./output_folder.ts";
import { Progress } from "./progress.ts";
import { RunFailure } from "./run_failure.ts";
import { runHeader } from "./run_header.ts";
import {
  type MachineEnd,
  type MachineRun,
  openTransport,
  runMachine,
  type TransportName,
} from "./run_machine.ts";
import type { WrittenFile } from "./run_report.ts";
import { newMachineSettings } from "./settings.ts";
import { STOP_POINTS } from "./stop_points.ts";
import type { Terminal } from "./terminal.ts";
import { sizeText } from "./values.ts";
import { OUTCOME } from "./verdict.ts";

/** Where the payload is in A. */
const PAYLOAD_PATH = "/tmp/payload";

/** The word of `--transport`. */
export function transportName(options: GivenOptions): TransportName {
  return options.text("transport") === "inline" ? "inline" : "worker";
}

function partOf(options: GivenOptions): MainlinePart {
  if (options.command === "jump") return "jump";
  return options.text("stop-at") === "power-off" ? "hibernate" : "cycle";
}

/** The outcome a run must have. */
function wantedOutcome(part: MainlinePart, stop: string | undefined): string {
  if (part === "jump") return OUTCOME.returned;
  if (part === "hibernate") return OUTCOME.hibernated;
  return stop === undefined ? OUTCOME.resumed : `stopped at ${stop}`;
}

function stopOf(options: GivenOptions): Pick<MachineRun, "stop"> {
  const name = options.text("stop-at");
  const reached = name === undefined ? undefined : STOP_POINTS[name];
  return name === undefined || reached === undefined ? {} : { stop: { name, reached } };
}

/** Says that it is the payload for which the disk has no room. */
function diskError(options: GivenOptions, settings: RunSettings, error: unknown): unknown {
  const path = options.text("payload");
  if (path === undefined || !(error instanceof UsageError)) return error;
  return new UsageError(
    `'${path}' with its ${sizeText(settings.payload?.length ?? 0)} has no room on the machine's ` +
      `disk: ${error.message}; take a smaller payload`,
    { cause: error },
  );
}

function makeDisk(path: string, settings: RunSettings): void {
  const build = newDisk(settings);
  createDiskFile(path, build.byteLength);
  const medium = new FileMedium(path);
  try {
    writeDisk(medium, build);
  } finally {
    medium.close();
  }
}

/** A's state at the end of a run; nothing if it does not live. */
function payloadAtEnd(scheduler: Scheduler, payload: Uint8Array): PayloadComparison {
  const lives = scheduler.lives().some(({ name }) => name === "A");
  const state = lives ? scheduler.transport.stateOf("A") : undefined;
  return comparePayload(state, scheduler.ram, payload, PAYLOAD_PATH);
}

/** Says which sequence numbers a power cut can have where the one asked for is none of them. */
function cutError(settings: RunSettings, error: unknown): unknown {
  const [cut] = settings.choices;
  if (cut?.kind !== "power_cut" || !(error instanceof RunFailure)) return error;
  if (!(error.cause instanceof DivergenceError)) return error;
  if (cut.at >= error.events) {
    return new UsageError(
      `hibernate: --cut-power-at: the run has only ${error.events} events, so there is no seq ` +
        String(cut.at),
    );
  }
  return new UsageError(
    `hibernate: --cut-power-at: at seq ${cut.at} the machine is off already, there is no power ` +
      "to cut; take a number from a phase in which it runs, as 'startNs' and 'seq' of " +
      "report.json's phases say",
  );
}

async function run(
  options: GivenOptions,
  settings: RunSettings,
  context: { readonly folder: OutputFolder; readonly progress: Progress },
): Promise<{ end: MachineEnd; payload?: PayloadComparison; id: string }> {
  const { folder, progress } = context;
  const part = settings.mainline.part;
  const plan = planRun(settings);
  using interrupts = new Interrupts();
  const diskPath = folder.part(FILES.disk);
  using open = openTransport(
    transportName(options),
    fileBlocks(diskPath, LIMITS.diskCacheBytes),
    () => {
      progress.say(`making a disk for ${sizeText(settings.memoryBytes)} of memory`);
      try {
        makeDisk(diskPath, settings);
      } catch (error) {
        throw diskError(options, settings, error);
      }
    },
  );
  await interrupts.check();
  const scenario = part === "jump" ? "jump" : "hibernate";
  const header = runHeader(scenario, settings, plan);
  let payload: PayloadComparison | undefined;
  try {
    const end = await runMachine(
      { plan, header, open, folder, progress, interrupts, ...stopOf(options) },
      (scheduler) => {
        if (settings.payload === undefined || part === "hibernate") return;
        payload = payloadAtEnd(scheduler, settings.payload);
      },
    );
    await interrupts.check();
    return { end, id: header.run, ...(payload === undefined ? {} : { payload }) };
  } catch (error) {
    throw cutError(settings, error);
  }
}

/** Runs `hibernate` or `jump` and gives the exit code. */
export async function runNewMachine(options: GivenOptions, terminal: Terminal): Promise<number> {
  const startedMilliseconds = performance.now();
  const settings = newMachineSettings(options, partOf(options));
  const { part } = settings.mainline;
  planRun(settings);
  using folder = new OutputFolder(options.text("out") ?? "out");
  const progress = new Progress(terminal, options.flag("quiet"));
  try {
    const { end, payload, id } = await run(options, settings, { folder, progress });
    const diskPath = folder.finish(FILES.disk);
    progress.say("looking at the disk");
    const image = part === "jump" ? undefined : imageAfterRun(diskPath, folder);
    if (image === undefined) folder.discard(FILES.dump);
    const reference = writeReference(folder, end);
    const files: WrittenFile[] = [
      { name: FILES.disk, path: diskPath, bytes: Deno.statSync(diskPath).size },
    ];
    if (image !== undefined) {
      const path = folder.file(FILES.dump);
      files.push({ name: FILES.dump, path, bytes: image.bytes, sha256: image.sha256 });
    }
    if (reference !== undefined) files.push(reference);
    return conclude({
      options,
      settings,
      transport: transportName(options),
      run: id,
      folder,
      progress,
      terminal,
      end,
      wanted: wantedOutcome(part, options.text("stop-at")),
      ...(image === undefined ? {} : { image }),
      compared: comparePairs(end.log),
      ...(payload === undefined ? {} : { payload }),
      files,
      startedMilliseconds,
    });
  } finally {
    progress.done();
  }
}
