/**
 * The folder of a laboratory: `runs/<run>/` and `uploads/`. New runs are made beside their place
 * and moved there whole, removed ones are moved away first, so that a crash leaves no half of one.
 *
 * @module
 */
import { RunSummary } from "../api/shapes/run.ts";
import { ProblemError } from "../problem.ts";
import { joined, removeAll, writeWhole } from "./files.ts";
import { GrowingLog } from "./growing_log.ts";
import type { PreparedRun } from "./prepared_run.ts";
import { RunEntry } from "./run_entry.ts";
import { readRecord, RUN_FILES, type RunRecord, writeChoices } from "./run_record.ts";
import { headerIn, repairTrace } from "./trace_extent.ts";

const RUN_NAME = /^[0-9a-f]{16,64}$/;
/** What the laboratory makes for itself among the runs. */
const OWN_NAME = /^\.(?:new|old)-[0-9a-f]+$/;
const ENDED: ReadonlySet<string> = new Set(["finished", "failed", "cancelled", "interrupted"]);

/** See the module's header. */
export class RunStore {
  readonly uploads: string;
  readonly #runs: string;
  readonly #randomId: () => string;

  /** Makes the folder where it is not there, and removes what is left of earlier work in it. */
  constructor(folder: string, randomId: () => string) {
    this.#runs = joined(folder, "runs");
    this.uploads = joined(folder, "uploads");
    this.#randomId = randomId;
    Deno.mkdirSync(this.#runs, { recursive: true });
    removeAll(this.uploads);
    Deno.mkdirSync(this.uploads, { recursive: true });
    for (const { name } of Deno.readDirSync(this.#runs)) {
      if (OWN_NAME.test(name)) removeAll(joined(this.#runs, name));
    }
  }

  /** Where a run is. */
  folderOf(run: string): string {
    return joined(this.#runs, run);
  }

  /** All runs that are there; whatever else lies in the folder is left alone. */
  *entries(): Generator<RunEntry> {
    for (const { name, isDirectory } of Deno.readDirSync(this.#runs)) {
      if (!isDirectory || !RUN_NAME.test(name)) continue;
      let entry: RunEntry | undefined;
      try {
        entry = entryOf(this.folderOf(name), name);
      } catch {
        // A folder that cannot be read is nobody's business here; the others are.
        continue;
      }
      if (entry !== undefined) yield entry;
    }
  }

  /** A new folder beside the runs. */
  scratch(): string {
    const folder = joined(this.#runs, `.new-${this.#randomId()}`);
    Deno.mkdirSync(folder);
    Deno.mkdirSync(joined(folder, RUN_FILES.blobs));
    return folder;
  }

  /** Writes what a run begins with; it is not in its place yet. */
  begin({ header, choices, text }: PreparedRun): string {
    const folder = this.scratch();
    writeWhole(folder, RUN_FILES.trace, `${JSON.stringify(header)}\n`);
    writeChoices(folder, choices);
    if (text !== "") writeWhole(folder, RUN_FILES.transcript, text);
    return folder;
  }

  /**
   * Moves a folder to a run's place.
   *
   * @throws {ProblemError} if something that is no run stands there.
   */
  place(scratch: string, run: string): string {
    const folder = this.folderOf(run);
    try {
      Deno.renameSync(scratch, folder);
    } catch (error) {
      removeAll(scratch);
      if (isThere(folder)) {
        throw new ProblemError(
          "wrong-state",
          "In the server's folder, something that is no run of this laboratory stands at this " +
            "run's place; move it away.",
        );
      }
      throw error;
    }
    return folder;
  }

  /** Removes a run's folder. */
  remove(run: string): void {
    const gone = joined(this.#runs, `.old-${this.#randomId()}`);
    try {
      Deno.renameSync(this.folderOf(run), gone);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    removeAll(gone);
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The facts of a run that was going on when the server went away. */
function interruptedFacts(
  facts: RunRecord["summary"],
  { events, vt, isWhole }: { readonly events: number; readonly vt: number; isWhole: boolean },
): RunRecord["summary"] {
  const { standing: _, sha256: __, ...kept } = facts;
  const end = isWhole ? "" : ", the trace has no last line";
  const why = ENDED.has(facts.status)
    ? `Not all of the trace was on the disk when the host went down; ${events} events are left`
    : `The server went away while it ran; ${events} events were recorded`;
  return {
    ...kept,
    status: "interrupted",
    ...{ events, vt },
    outcome: "interrupted: the server went away",
    trouble: `${why}${end}.`,
  };
}

/** Bytes of a trace's last line, where it has one. */
function footerBytes({ footer }: RunRecord): number {
  return footer === undefined ? 0 : new TextEncoder().encode(JSON.stringify(footer)).length + 1;
}

function entryOf(folder: string, run: string): RunEntry | undefined {
  const record = readRecord(folder);
  if (record === undefined || record.header.run !== run || record.summary.run !== run) {
    return undefined;
  }
  // What is written there may have been written by anybody; what is given out has its shape.
  if (!RunSummary.safeParse({ ...record.summary, links: {} }).success) return undefined;
  const path = joined(folder, RUN_FILES.trace);
  const { number, request, recipe, summary } = record;
  const parts = { folder, number, request, ...(recipe === undefined ? {} : { recipe }) };
  if (ENDED.has(summary.status) && record.bytes !== undefined) {
    const head = headerIn(path);
    if (head?.header.run !== run) return undefined;
    if (Deno.statSync(path).size >= record.bytes + footerBytes(record)) {
      const log = new GrowingLog(folder, head.header, head.firstByte);
      log.end({ events: summary.events, bytes: record.bytes }, record.footer);
      return new RunEntry({ ...parts, facts: summary, log });
    }
    // The host went down before all of it was on its disk.
  }
  const extent = repairTrace(path);
  if (extent?.header.run !== run) return undefined;
  const log = new GrowingLog(folder, extent.header, extent.firstByte);
  const facts = interruptedFacts(summary, { ...extent, isWhole: extent.footer !== undefined });
  const entry = new RunEntry({ ...parts, facts, log });
  entry.end({}, extent, extent.footer);
  return entry;
}
