/**
 * Stored runs for tests of the desk: a folder with a trace in it, as the laboratory leaves it, and
 * traces made of few words.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { StoredRun } from "../../../server/deps.ts";
import { type DeskOptions, openDesk } from "../../../server/desk/desk.ts";
import type { Desk } from "../../../server/deps.ts";
import { ProblemError, type ProblemName } from "../../../server/problem.ts";
import { eventLine, type TraceEvent, type TraceHeader } from "../../../machine/trace/event.ts";
import { isFooter, isHeader } from "../../../machine/trace/event_shape.ts";

const FIXTURES = new URL("../../../fixtures/traces/", import.meta.url);

/** The text of a trace of the fixtures. */
export function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(name, FIXTURES));
}

/** A header of a made trace. */
export function header(actors: readonly string[]): TraceHeader {
  return {
    v: 1,
    run: "00112233445566778899aabbccddeeff",
    scenario: "v7-made",
    seed: 1,
    profile: "2.6.27/small-vm",
    version: "0.1.0",
    actors,
    clock: "virtual",
    order: "total",
  };
}

/** An event of a made trace, numbered by its place. */
export type Draft = Partial<Omit<TraceEvent, "seq">> & { readonly actor: string };

/** Events of drafts. */
export function events(drafts: readonly Draft[]): TraceEvent[] {
  return drafts.map((draft, seq): TraceEvent => {
    return { vt: seq, lamport: seq + 1, kind: "note", ...draft, seq };
  });
}

/** The text of a whole trace. */
export function traceText(list: readonly TraceEvent[], footer = true): string {
  const lines = list.map((event) => `${eventLine(event)}\n`).join("");
  const head = JSON.stringify(header([...new Set(list.map(({ actor }) => actor))]));
  const sha256 = createHash("sha256").update(lines).digest("hex");
  const end = { count: list.length, sha256, outcome: "made", generator: "" };
  return `${head}\n${lines}${footer ? `${JSON.stringify(end)}\n` : ""}`;
}

/** A server's folder with runs in it, and a desk that reads there. Removed at the end. */
export class DeskFolder implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "kjump-desk-" });
  readonly desk: Desk;
  #runs = 0;

  constructor(options: Partial<DeskOptions> = {}) {
    this.desk = openDesk({ folder: this.path, ...options });
  }

  /**
   * Stores a trace as a run.
   *
   * @param ended whether it has ended; then its last line may be a footer.
   */
  run(text: string, ended = true): StoredRun & { readonly folder: string } {
    const folder = `${this.path}/run${this.#runs++}`;
    Deno.mkdirSync(folder);
    const path = `${folder}/trace.ndjson`;
    Deno.writeTextFileSync(path, text);
    return { ...stored(folder, path, text, ended), folder };
  }

  /** Puts a file into the folder and returns its path. */
  file(name: string, content: Uint8Array | string): string {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(`${this.path}/${name}`, bytes);
    return `${this.path}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.desk.close();
    await Deno.remove(this.path, { recursive: true });
  }
}

function stored(folder: string, path: string, text: string, ended: boolean): StoredRun {
  const lines = text.split("\n");
  const head: unknown = JSON.parse(lines[0] ?? "");
  if (!isHeader(head)) throw new TypeError("no header");
  const whole = lines.slice(1, -1);
  const last: unknown = ended ? JSON.parse(whole.at(-1) ?? "null") : undefined;
  const footer = isFooter(last) ? last : undefined;
  const lengths = (list: readonly string[]) =>
    new TextEncoder().encode(list.map((line) => `${line}\n`).join("")).length;
  const firstByte = lengths(lines.slice(0, 1));
  const eventLines = footer === undefined ? whole : whole.slice(0, -1);
  return {
    run: head.run,
    folder,
    log: {
      run: head.run,
      header: head,
      path,
      firstByte,
      events: eventLines.length,
      bytes: firstByte + lengths(eventLines),
      ended,
      ...(footer === undefined ? {} : { footer }),
      more: () => Promise.resolve(),
    },
    summary: {
      run: head.run,
      kind: "scenario",
      status: ended ? "finished" : "running",
      scenario: head.scenario,
      title: head.scenario,
      profile: head.profile,
      seed: head.seed,
      created: "2026-11-21T00:00:00.000Z",
      events: eventLines.length,
      vt: 0,
      replayable: true,
      links: {},
    },
  };
}

/** The run as it was when it had only so many events, and went on. */
export function cutTo(run: StoredRun, count: number): StoredRun {
  const lines = Deno.readTextFileSync(run.log.path).split("\n").slice(0, count + 1);
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")).length;
  const { footer: _footer, ...log } = run.log;
  return { ...run, log: { ...log, events: count, bytes, ended: false } };
}

/** Whether an error is that problem and says nothing it should not. */
export function is(problem: ProblemName, more: Partial<ProblemError["details"]> = {}) {
  return (error: unknown): boolean => {
    if (!(error instanceof ProblemError)) throw error;
    if (error.problem !== problem) throw new Error(`${error.problem}: ${error.message}`);
    if (/\/tmp|kjump-desk|\.ndjson/.test(error.message)) throw new Error(error.message);
    for (const [name, value] of Object.entries(more)) {
      const has = Reflect.get(error.details, name);
      if (JSON.stringify(has) !== JSON.stringify(value)) throw new Error(`${name}: ${has}`);
    }
    return true;
  };
}
