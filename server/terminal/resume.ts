/**
 * `resume`: switches on the machine whose disk is given. The disk file is the machine; the run
 * works on it in place, and nothing else is handed over.
 *
 * @module
 */
import { planRun, type RunSettings } from "../../actors/scenario/mainline_run.ts";
import type { Checker } from "../../machine/conformance/checker.ts";
import { UsageError } from "../../machine/errors.ts";
import { fileBlocks } from "../../machine/host/block_source.ts";
import { LIMITS } from "../../machine/limits.ts";
import { compareReference, type FrameComparison } from "./comparison.ts";
import { conclude, imageAfterRun } from "./conclude.ts";
import { transportName } from "./hibernate.ts";
import { Interrupts } from "./interrupts.ts";
import { type DiskMachine, machineOnDisk } from "./machine_disk.ts";
import type { GivenOptions } from "./options.ts";
import { folderOf, joined, OutputFolder } from "./output_folder.ts";
import { Progress } from "./progress.ts";
import { runHeader } from "./run_header.ts";
import { type MachineEnd, openTransport, runMachine } from "./run_machine.ts";
import type { SavedImage } from "./saved_image.ts";
import { readUserFile } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { DirectoryBlobs, feedTrace } from "./trace_input.ts";
import { sizeText } from "./values.ts";
import { OUTCOME } from "./verdict.ts";

/** An option that says another thing than the disk. */
function contradiction(option: string, given: string, path: string, own: string): UsageError {
  return new UsageError(
    `resume: --${option} ${given} contradicts '${path}', which is the disk of a machine with ` +
      `${own}; leave the option out, or give the disk that was meant`,
  );
}

function checkOptions(options: GivenOptions, path: string, { nvram }: DiskMachine): void {
  const memory = options.number("memory");
  if (memory !== undefined && memory !== nvram.memoryBytes) {
    throw contradiction("memory", sizeText(memory), path, sizeText(nvram.memoryBytes));
  }
  const cpus = options.number("cpus");
  if (cpus !== undefined && cpus !== nvram.cpuCount) {
    throw contradiction("cpus", String(cpus), path, `${nvram.cpuCount} processors`);
  }
  const hardware = options.text("profile");
  if (options.typed("profile") && hardware !== nvram.hardwareProfile) {
    throw contradiction("profile", hardware ?? "", path, `hardware ${nvram.hardwareProfile}`);
  }
}

function settingsOf(options: GivenOptions, { nvram, profile }: DiskMachine): RunSettings {
  return {
    mainline: {
      part: "resume",
      profile,
      window: profile.window,
      processes: 0,
      processPages: 0,
      payload: false,
      awayNs: options.number("away") ?? 0,
      verify: !options.flag("no-verify"),
    },
    memoryBytes: nvram.memoryBytes,
    cpus: nvram.cpuCount,
    hardware: nvram.hardwareProfile,
    seed: options.number("seed") ?? 1,
    choices: [],
    seededOrder: false,
    realBaseUs: nvram.rtcSeconds * 1_000_000,
    brokenNetwork: false,
  };
}

/** The reference that the user gives, read before anything is changed. */
function referenceFile(options: GivenOptions): { path: string; bytes: Uint8Array } | undefined {
  const path = options.text("reference");
  if (path === undefined) return undefined;
  const bytes = readUserFile(path);
  if (bytes.length === 0 || bytes.length % 4 !== 0) {
    throw new UsageError(
      `'${path}' is no reference: ${bytes.length} bytes are not 4 for each page frame; ` +
        "'hibernate' writes one as pages.crc",
    );
  }
  return { path, bytes };
}

async function run(
  options: GivenOptions,
  settings: RunSettings,
  context: {
    readonly folder: OutputFolder;
    readonly progress: Progress;
    readonly disk: string;
    readonly identity: string;
  },
): Promise<{ end: MachineEnd; id: string }> {
  const { folder, progress, disk } = context;
  const tracePath = options.text("trace");
  const plan = planRun(settings);
  using interrupts = new Interrupts();
  using open = openTransport(transportName(options), fileBlocks(disk, LIMITS.diskCacheBytes));
  const continues = tracePath === undefined ? undefined : feedTrace(tracePath).sha256;
  const header = runHeader("resume", settings, plan, {
    disk: context.identity,
    ...(continues === undefined ? {} : { continues }),
  });
  const end = await runMachine({
    plan,
    header,
    open,
    folder,
    progress,
    interrupts,
    ...(tracePath === undefined ? {} : {
      before: (checker: Checker) => {
        feedTrace(tracePath, checker);
      },
      earlierBlobs: new DirectoryBlobs(joined(folderOf(tracePath), "blobs")),
    }),
  });
  await interrupts.check();
  return { end, id: header.run };
}

/** What is wrong besides what the run itself shows. */
function manifestReasons(image: SavedImage | undefined, settings: RunSettings): string[] {
  if (image === undefined || !settings.mainline.verify) return [];
  const { check, path } = image;
  if (check.missing !== undefined) return [`${path} cannot be compared: ${check.missing}`];
  if (check.wrong === 0) return [];
  const physical = check.physical === undefined
    ? ""
    : `, physical address 0x${check.physical.toString(16)}`;
  return [
    `${path} is not what B saved: ${check.wrong} of ${check.sums} sums differ, the first at file ` +
    `offset 0x${(check.fileOffset ?? 0).toString(16)}${physical}`,
  ];
}

/** Runs `resume` and gives the exit code. */
export async function runResume(options: GivenOptions, terminal: Terminal): Promise<number> {
  const startedMilliseconds = performance.now();
  const disk = options.text("disk") ?? "";
  const machine = machineOnDisk(disk);
  checkOptions(options, disk, machine);
  const reference = referenceFile(options);
  const settings = settingsOf(options, machine);
  planRun(settings);
  const beside = folderOf(disk);
  // The disk is changed in place, so its folder belongs to this run as well.
  using _diskFolder = new OutputFolder(beside);
  using folder = new OutputFolder(options.text("out") ?? joined(beside, "resume"));
  const progress = new Progress(terminal, options.flag("quiet"));
  try {
    const { end, id } = await run(options, settings, {
      folder,
      progress,
      disk,
      identity: machine.identity,
    });
    progress.say("looking at the disk");
    const image = imageAfterRun(disk);
    const compared: FrameComparison[] = [];
    if (reference !== undefined) {
      const frames = compareReference(end.log, "A", reference.bytes, reference.path);
      if (frames !== undefined) compared.push(frames);
    }
    return conclude({
      options,
      settings,
      transport: transportName(options),
      run: id,
      folder,
      progress,
      terminal,
      end,
      wanted: OUTCOME.resumed,
      ...(image === undefined ? {} : { image }),
      compared,
      reasons: manifestReasons(image, settings),
      files: [{ name: "disk", path: disk, bytes: Deno.statSync(disk).size }],
      startedMilliseconds,
    });
  } finally {
    progress.done();
  }
}
