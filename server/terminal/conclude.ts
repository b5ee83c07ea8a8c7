/**
 * What comes after a run: files taken out of the disk, comparisons, verdict, report. The same for
 * every command that runs a machine.
 *
 * @module
 */
import type { RunSettings } from "../../actors/scenario/mainline_run.ts";
import { sha256 } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { type FrameComparison, type PayloadComparison, referenceOf } from "./comparison.ts";
import { DiskFile } from "./disk_file.ts";
import type { GivenOptions } from "./options.ts";
import { onHost, type OutputFolder } from "./output_folder.ts";
import type { Progress } from "./progress.ts";
import { makeRunReport, type RunReport, type WrittenFile } from "./run_report.ts";
import type { MachineEnd, TransportName } from "./run_machine.ts";
import { readSavedImage, type SavedImage } from "./saved_image.ts";
import { summaryText } from "./summary.ts";
import type { Terminal } from "./terminal.ts";
import { judgeRun } from "./verdict.ts";

/** Names of the files in a run's folder, besides the trace. */
export const FILES = {
  disk: "disk.img",
  dump: "dump.elf",
  reference: "pages.crc",
  report: "report.json",
} as const;

/** The image on a disk, copied out where a place for it is given. */
function takeImage(diskPath: string, folder: OutputFolder | undefined): SavedImage | undefined {
  using disk = new DiskFile(diskPath);
  if (folder === undefined) return readSavedImage(disk);
  const path = folder.part(FILES.dump);
  using file = onHost(path, "write", () => Deno.openSync(path, { write: true, createNew: true }));
  return readSavedImage(disk, (piece) =>
    onHost(path, "write", () => {
      for (let done = 0; done < piece.length;) done += file.writeSync(piece.subarray(done));
    }));
}

/**
 * The image on a disk after a run. One that the machine left in pieces is no mistake of the
 * user's: the file system is then as the run left it, and there is no image to speak of.
 */
export function imageAfterRun(
  diskPath: string,
  folder?: OutputFolder,
): SavedImage | undefined {
  try {
    const image = takeImage(diskPath, folder);
    if (folder !== undefined) {
      if (image === undefined) folder.discard(FILES.dump);
      else folder.finish(FILES.dump);
    }
    return image;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Writes the reference of A's last jump, if A jumped. */
export function writeReference(folder: OutputFolder, end: MachineEnd): WrittenFile | undefined {
  const jump = end.log.frames.findLast(({ when, kernel }) => when === "jump" && kernel === "A");
  const bytes = jump === undefined ? undefined : referenceOf(jump);
  if (bytes === undefined) {
    folder.discard(FILES.reference);
    return undefined;
  }
  const path = folder.write(FILES.reference, bytes);
  return { name: FILES.reference, path, bytes: bytes.length, sha256: sha256(bytes) };
}

/** What a run came to. */
export interface Conclusion {
  readonly options: GivenOptions;
  readonly settings: RunSettings;
  readonly transport: TransportName;
  readonly run: string;
  readonly folder: OutputFolder;
  readonly progress: Progress;
  readonly terminal: Terminal;
  readonly end: MachineEnd;
  /** The outcome it must have if nobody cuts the power. */
  readonly wanted: string;
  readonly image?: SavedImage;
  readonly compared: readonly FrameComparison[];
  readonly payload?: PayloadComparison;
  /** Further things that are wrong. */
  readonly reasons?: readonly string[];
  readonly files: readonly WrittenFile[];
  /** Host's time at the start, in ms. */
  readonly startedMilliseconds: number;
}

/** Judges, writes `report.json`, prints, and gives the exit code. */
export function conclude(conclusion: Conclusion): number {
  const { options, end, folder, terminal, compared, payload, wanted } = conclusion;
  const judged = judgeRun({
    outcome: end.outcome,
    wanted,
    log: end.log,
    report: end.report,
    frames: compared,
    ...(payload === undefined ? {} : { payload }),
  }, conclusion.reasons);
  const { image } = conclusion;
  const reportPath = folder.file(FILES.report);
  const blobs = { name: "blobs", path: end.blobs, bytes: 0 };
  const report: RunReport = makeRunReport({
    command: options.command,
    run: conclusion.run,
    settings: conclusion.settings,
    transport: conclusion.transport,
    end,
    verdict: judged,
    ...(image === undefined ? {} : { image }),
    compared,
    ...(payload === undefined ? {} : { payload }),
    files: [
      ...(end.blobCount === 0 ? [] : [blobs]),
      ...conclusion.files,
      { name: FILES.report, path: reportPath, bytes: 0 },
    ],
    hostSeconds: (performance.now() - conclusion.startedMilliseconds) / 1000,
  });
  const json = `${JSON.stringify(report, null, 2)}\n`;
  folder.write(FILES.report, json);
  conclusion.progress.done();
  terminal.out(options.flag("json") ? json : summaryText(report));
  return report.exitCode;
}
