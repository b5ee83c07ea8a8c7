/**
 * What is told about a run, as data: the summary is made of it, `report.json` and `--json` are it.
 *
 * @module
 */
import type { RunSettings } from "../../actors/scenario/mainline_run.ts";
import { EXIT } from "../../machine/errors.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import type { Report } from "../../machine/conformance/report.ts";
import type { FrameComparison, PayloadComparison } from "./comparison.ts";
import type { Phase } from "./phases.ts";
import { VERSION } from "./run_header.ts";
import type { RunLog, SelfTest, Trouble } from "./run_log.ts";
import type { MachineEnd, TransportName } from "./run_machine.ts";
import type { SavedImage } from "./saved_image.ts";
import type { Verdict } from "./verdict.ts";

/** A file that the run wrote. */
export interface WrittenFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256?: string;
}

/** See the module's header. */
export interface RunReport {
  readonly command: string;
  readonly version: string;
  readonly run: string;
  readonly ok: boolean;
  readonly exitCode: number;
  readonly outcome: string;
  readonly headline: string;
  readonly reasons: readonly string[];
  readonly machine: {
    readonly hardware: string;
    readonly memoryBytes: number;
    readonly cpus: number;
    readonly kernelProfile: string;
    readonly arch: string;
    readonly seed: number;
    readonly transport: TransportName;
    /** The low 640 KiB are exchanged by a segment that the tool of that time did not add. */
    readonly lowSegment: boolean;
    /** Whether C looked at the image's sums. */
    readonly verify: boolean;
  };
  readonly phases: readonly Phase[];
  readonly cutAt?: number;
  readonly image?: SavedImage & {
    readonly id: string;
    readonly entry: string;
    /** Pages of A's RAM that were free at its jump. */
    readonly freePages?: number;
    readonly committedAt?: number;
    readonly usedAt?: number;
  };
  readonly compared: readonly FrameComparison[];
  readonly payload?: PayloadComparison;
  readonly selfTests: readonly SelfTest[];
  readonly checkStatus?: number;
  readonly troubles: readonly Trouble[];
  readonly rules: {
    readonly held: number;
    readonly violated: number;
    readonly vacuous: number;
    readonly events: number;
    readonly results: readonly {
      readonly id: string;
      readonly verdict: string;
      readonly held: number;
      readonly violated: number;
    }[];
  };
  readonly trace: { readonly path: string; readonly events: number; readonly sha256: string };
  readonly files: readonly WrittenFile[];
  readonly virtualNs: number;
  readonly hostSeconds: number;
}

/** What a report is made of. */
export interface ReportParts {
  readonly command: string;
  readonly run: string;
  readonly settings: RunSettings;
  readonly transport: TransportName;
  readonly end: MachineEnd;
  readonly verdict: Verdict;
  readonly image?: SavedImage;
  readonly compared: readonly FrameComparison[];
  readonly payload?: PayloadComparison;
  readonly files: readonly WrittenFile[];
  readonly hostSeconds: number;
}

/** Frames of the kernel that were free at its last jump to the saver. */
function freePages(log: RunLog): number | undefined {
  const jump = log.frames.findLast((each) => each.when === "jump" && each.classes !== undefined);
  return jump?.classes?.reduce((count, flags) => count + ((flags & FRAME.free) !== 0 ? 1 : 0), 0);
}

function imagePart(log: RunLog, image: SavedImage | undefined): Pick<RunReport, "image"> {
  if (image === undefined) return {};
  const free = freePages(log);
  const { committed, invalidated } = log.image;
  return {
    image: {
      ...image,
      id: image.manifest?.id ?? log.image.id,
      entry: image.manifest?.entry ?? log.entry,
      ...(free === undefined ? {} : { freePages: free }),
      ...(committed === undefined ? {} : { committedAt: committed }),
      ...(invalidated === undefined ? {} : { usedAt: invalidated }),
    },
  };
}

function machinePart(settings: RunSettings, transport: TransportName): RunReport["machine"] {
  const { profile, verify } = settings.mainline;
  return {
    hardware: settings.hardware,
    memoryBytes: settings.memoryBytes,
    cpus: settings.cpus,
    kernelProfile: profile.name,
    arch: profile.arch,
    seed: settings.seed,
    transport,
    lowSegment: profile.low.swapped,
    verify,
  };
}

function rulesPart({ counts, rules }: Report): RunReport["rules"] {
  const results = rules.map(({ id, verdict, held, violated }) => ({ id, verdict, held, violated }));
  return { ...counts, results };
}

/** Puts the parts together. */
export function makeRunReport(parts: ReportParts): RunReport {
  const { end, verdict, settings, payload } = parts;
  const { log, report, footer } = end;
  return {
    command: parts.command,
    version: VERSION,
    run: parts.run,
    ok: verdict.ok,
    exitCode: verdict.ok ? EXIT.ok : EXIT.broken,
    outcome: end.outcome,
    headline: verdict.headline,
    reasons: verdict.reasons,
    machine: machinePart(settings, parts.transport),
    phases: log.phases(),
    ...(log.cut === undefined ? {} : { cutAt: log.cut }),
    ...imagePart(log, parts.image),
    compared: parts.compared,
    ...(payload === undefined ? {} : { payload }),
    selfTests: log.selfTests,
    ...(log.checkStatus === undefined ? {} : { checkStatus: log.checkStatus }),
    troubles: log.troubles,
    rules: rulesPart(report),
    trace: { path: end.trace, events: footer.count, sha256: footer.sha256 },
    files: parts.files,
    virtualNs: log.vt,
    hostSeconds: parts.hostSeconds,
  };
}
