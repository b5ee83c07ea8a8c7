/**
 * What a run comes to: whether it ended as it should, and if not why (DESIGN.md 8 and 10,
 * protocol.md G.1).
 *
 * @module
 */
import type { Report } from "../../machine/conformance/report.ts";
import type { FrameComparison, PayloadComparison } from "./comparison.ts";
import type { RunLog } from "./run_log.ts";
import { hexText, plural } from "./values.ts";

/** Outcomes that the operator's scripts end with. */
export const OUTCOME = {
  resumed: "resumed",
  hibernated: "hibernated",
  returned: "returned",
  ordinary: "booted without an image",
} as const;

/** See the module's header. */
export interface Verdict {
  readonly ok: boolean;
  /** One sentence. */
  readonly headline: string;
  /** Each thing that is wrong, a sentence each. */
  readonly reasons: readonly string[];
}

/** What is judged. */
export interface Findings {
  readonly outcome: string;
  /** The outcome a run without a power cut must have. */
  readonly wanted: string;
  readonly log: RunLog;
  readonly report: Report;
  readonly frames: readonly FrameComparison[];
  readonly payload?: PayloadComparison;
}

/** The two ends a run may have after a power cut. */
type End = typeof OUTCOME.resumed | typeof OUTCOME.ordinary;

/** Which ends protocol.md G.1 permits, by how far the image was when the power went. */
export function permittedEnds(log: RunLog): readonly End[] {
  const cut = log.cut ?? Number.POSITIVE_INFINITY;
  const before = (seq: number | undefined): boolean => seq !== undefined && seq < cut;
  const { committed, commitFlushed, invalidated, invalidationFlushed } = log.image;
  if (before(invalidationFlushed)) return [OUTCOME.ordinary];
  if (before(invalidated)) return [OUTCOME.resumed, OUTCOME.ordinary];
  if (before(commitFlushed)) return [OUTCOME.resumed];
  if (before(committed)) return [OUTCOME.resumed, OUTCOME.ordinary];
  return [OUTCOME.ordinary];
}

function pageText(pfn: number): string {
  return `frame ${hexText(pfn)}, address ${hexText(pfn * 4096)}`;
}

function frameReasons(frames: readonly FrameComparison[]): string[] {
  return frames.filter(({ different }) => different > 0).map((each) =>
    `${plural(each.different, "page")} of ${each.compared} changed (${each.what}), the first is ` +
    pageText(each.first ?? 0)
  );
}

function payloadReasons(payload: PayloadComparison | undefined): string[] {
  if (payload?.missing !== undefined) return [`the payload is lost: ${payload.missing}`];
  if (payload?.differsAt === undefined) return [];
  return [`the payload differs from the file at byte ${payload.differsAt} (${payload.path} in A)`];
}

function selfTestReasons(log: RunLog): string[] {
  return log.selfTests.filter(({ expected, actual }) => expected !== actual).map((test) =>
    `${test.kernel} finds its ${test.what} ${test.name} changed: ${test.actual} instead of ` +
    `${test.expected} (seq ${test.seq})`
  );
}

function ruleReasons(report: Report): string[] {
  return report.rules
    .filter(({ verdict, severity }) => verdict === "violated" && severity === "error")
    .map(({ id, statement, violations }) => {
      const [first] = violations;
      const where = first === undefined ? "" : `: ${first.reason} (seq ${first.seq})`;
      return `rule ${id} is broken, "${statement}"${where}`;
    });
}

function troubleText(log: RunLog): string {
  const last = log.troubles.at(-1);
  if (last === undefined) return log.lastLine === "" ? "" : `; last line: ${log.lastLine}`;
  return `; ${last.kernel}: ${last.text}, seq ${last.seq}`;
}

/** What to do next, where that is known. */
const ADVICE: readonly (readonly [seen: RegExp, advice: string])[] = [
  [
    /Cannot allocate memory|half of/,
    "take a larger --memory, or give A less to save: kexec -l holds the image twice",
  ],
  [/No space left/, "the machine's hibernating partition is full; take a larger --memory"],
  [/\bSHA-256\b/, "take a copy of the disk from before, or see what comes of it with --no-verify"],
  [/Kernel panic/, "without --no-verify such damage is found before anything is entered"],
];

function adviceOn(text: string): string {
  const found = ADVICE.find(([seen]) => seen.test(text));
  return found === undefined ? "" : `; ${found[1]}`;
}

const STUCK = /^stuck: expected (.*), saw (.*?)(?:; last line: (.*))?$/s;

/** How a run ended, with what was seen last, where, and what to do about it. */
function endText(outcome: string, log: RunLog): string {
  const [, expected, saw, lastLine] = STUCK.exec(outcome) ?? [];
  const at = `seq ${log.events - 1}`;
  const text = expected === undefined
    ? `'${outcome}' (${at})${troubleText(log)}`
    : lastLine === undefined
    ? `stuck: expected ${expected}, saw ${saw} (${at})${troubleText(log)}`
    : `stuck: "${lastLine}" (expected ${expected}, saw ${saw}, ${at})`;
  return text + adviceOn(text);
}

function endReasons({ outcome, wanted, log }: Findings): string[] {
  if (log.cut === undefined) {
    return outcome === wanted
      ? []
      : [`the run did not end '${wanted}' but ${endText(outcome, log)}`];
  }
  const permitted: readonly string[] = permittedEnds(log);
  if (permitted.includes(outcome)) return [];
  return [
    `after the power cut at seq ${log.cut} protocol.md G.1 permits '${
      permitted.join("' or '")
    }', ` +
    `but the run ended ${endText(outcome, log)}`,
  ];
}

function cameBack({ outcome }: Findings): boolean {
  return outcome === OUTCOME.resumed || outcome === OUTCOME.returned;
}

/** A that came back must have looked at itself, or nothing is known. */
function checkReasons(findings: Findings): string[] {
  const { log } = findings;
  if (!cameBack(findings)) return [];
  if (log.checkStatus === 0) return [];
  return [
    log.checkStatus === undefined
      ? "A did not check itself"
      : `A's own check ended with ${log.checkStatus}${troubleText(log)}`,
  ];
}

function headlineOf({ outcome, log }: Findings, ok: boolean): string {
  if (!ok) {
    return log.cut === undefined ? "the run did not do what it should" : "the power cut did harm";
  }
  switch (outcome) {
    case OUTCOME.resumed:
      if (log.cut !== undefined) return "the power cut did no harm: A was resumed whole";
      return log.image.committed === undefined
        ? "A was resumed and goes on; nothing is lost"
        : "A hibernated, the machine was off, A goes on; nothing is lost";
    case OUTCOME.ordinary:
      return "the power cut left no image to resume, and the machine boots in the ordinary way";
    case OUTCOME.returned:
      return "A jumped to B and came back; nothing is lost";
    case OUTCOME.hibernated:
      return "A is saved and the machine is off";
    default:
      return outcome;
  }
}

/** Judges a run; `more` is what else was found wrong. */
export function judgeRun(findings: Findings, more: readonly string[] = []): Verdict {
  const reasons = [
    ...more,
    ...endReasons(findings),
    ...checkReasons(findings),
    ...selfTestReasons(findings.log),
    ...frameReasons(findings.frames),
    ...payloadReasons(cameBack(findings) ? findings.payload : undefined),
    ...ruleReasons(findings.report),
  ];
  const ok = reasons.length === 0;
  return { ok, headline: headlineOf(findings, ok), reasons };
}
