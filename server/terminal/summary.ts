/**
 * A run's report for people: about twenty lines, one subject each.
 *
 * @module
 */
import { unicodeWidth } from "@std/cli";
import { padded } from "./help.ts";
import type { Phase } from "./phases.ts";
import type { RunReport } from "./run_report.ts";
import type { SelfTest } from "./run_log.ts";
import { countText, hexText, plural, sizeText, timeText } from "./values.ts";

type Line = readonly [subject: string, text: string];

/** Phases that stand side by side. */
const PHASE_COLUMNS = 3;
/** Digits of a SHA-256 that are enough to tell files apart. */
const DIGEST_DIGITS = 16;
/** Reasons that are printed; the others are in report.json. */
const REASONS_MAX = 6;
/** Phases too short to be worth a place, and those in which nobody does anything. */
const MIN_PHASE_NS = 10_000;

function phaseLines(phases: readonly Phase[]): Line[] {
  const cells = phases
    .filter(({ startNs, endNs }) => endNs - startNs >= MIN_PHASE_NS)
    .map(({ name, startNs, endNs }) => [name, timeText(endNs - startNs)] as const);
  const left = Math.max(0, ...cells.map(([name]) => unicodeWidth(name)));
  const right = Math.max(0, ...cells.map(([, time]) => time.length));
  const texts = cells.map(([name, time]) => `${padded(name, left)} ${time.padStart(right)}`);
  const rows = Math.ceil(texts.length / PHASE_COLUMNS);
  return Array.from({ length: rows }, (_, row): Line => [
    row === 0 ? "phases" : "",
    texts.filter((_text, index) => index % rows === row).join("   "),
  ]);
}

function machineLine({ machine }: RunReport): Line {
  const { hardware, memoryBytes, cpus, kernelProfile, arch, seed, transport } = machine;
  const where = transport === "worker" ? "a worker for each actor" : "all actors in one thread";
  return [
    "machine",
    `${hardware}, ${sizeText(memoryBytes)}, ${plural(cpus, "processor")}, kernel ` +
    `${kernelProfile} (${arch}), seed ${seed}, ${where}`,
  ];
}

const IMAGE_STATES = {
  ready: "ready to be resumed",
  used: "used, nobody can resume from it again",
  unfinished: "never committed, no resume will take it",
} as const;

function levelText(level: number | undefined): string {
  if (level === undefined) return "";
  return level === 0 ? " (not filtered)" : ` (makedumpfile -d ${level})`;
}

function imageLines({ image, command }: RunReport): Line[] {
  if (image === undefined) {
    return command === "jump" ? [] : [["image", "there is none on the disk"]];
  }
  const left = image.freePages === undefined
    ? ""
    : image.manifest?.level === 0
    ? `, ${plural(image.freePages, "free page")} among them`
    : `, ${plural(image.freePages, "free page")} left out`;
  const events = [
    image.committedAt === undefined ? "" : `committed at seq ${image.committedAt}`,
    image.usedAt === undefined ? "" : `invalidated at seq ${image.usedAt}`,
  ].filter((text) => text !== "").join(", ");
  return [
    [
      "image",
      `${plural(image.pages, "page")} saved${left}${levelText(image.manifest?.level)}`,
    ],
    [
      "",
      `${countText(image.bytes)} bytes, ${plural(image.segments, "segment")}, SHA-256 ` +
      `${image.sha256.slice(0, DIGEST_DIGITS)}…`,
    ],
    ["", `${IMAGE_STATES[image.state]}${events === "" ? "" : `: ${events}`}`],
    manifestLine(image.check, image.id),
  ];
}

function manifestLine(check: NonNullable<RunReport["image"]>["check"], id: string): Line {
  if (check.missing !== undefined) return ["manifest", `not compared: ${check.missing}`];
  if (check.wrong === 0) {
    return ["manifest", `B's manifest of ${id}: all ${plural(check.sums, "sum")} of 64 KiB agree`];
  }
  const address = check.physical === undefined
    ? ""
    : `, physical address ${hexText(check.physical)}`;
  return [
    "manifest",
    `${plural(check.wrong, "sum")} of ${check.sums} WRONG, the first at file offset ` +
    `${hexText(check.fileOffset ?? 0)}${address}`,
  ];
}

function comparedLines(report: RunReport): Line[] {
  const lines: string[] = report.compared.map((each) => {
    const found = each.different === 0
      ? "none differs"
      : `${countText(each.different)} DIFFER, the first is frame ${hexText(each.first ?? 0)}`;
    return `${countText(each.compared)} of ${countText(each.frames)} ${each.what}: ${found}`;
  });
  const { payload } = report;
  if (payload !== undefined) {
    const found = payload.missing ??
      (payload.differsAt === undefined ? "equal" : `DIFFERS at byte ${payload.differsAt}`);
    lines.push(
      `payload, ${plural(payload.bytes, "byte")} in ${payload.path}, with the file: ${found}`,
    );
  }
  if (lines.length === 0) lines.push("nothing: A did not come back in this run");
  return lines.map((line, index): Line => [index === 0 ? "compared" : "", line]);
}

/** Tests of one kind that a kernel made last, by name. */
function latest(tests: readonly SelfTest[], what: string): SelfTest[] {
  const byName = new Map(
    tests.filter((test) => test.what === what).map((test) => [test.name, test]),
  );
  return [...byName.values()];
}

function selfTestLines({ selfTests, checkStatus }: RunReport): Line[] {
  if (checkStatus === undefined) return [["self-check", "A did not check itself in this run"]];
  const good = (test: SelfTest) => test.expected === test.actual;
  const counted = (["process", "file", "state"] as const).map((what) => {
    const tests = latest(selfTests, what);
    const wrong = tests.filter((test) => !good(test)).length;
    const name = plural(tests.length, what, what === "process" ? "processes" : `${what}s`);
    return wrong === 0 ? name : `${name} (${wrong} CHANGED)`;
  });
  const devices = latest(selfTests, "device");
  const dead = devices.filter((test) => !good(test)).map(({ name }) => name);
  const alive = devices.filter(good).map(({ name }) => name);
  const word = checkStatus === 0 ? "all as they must be" : "NOT all as they must be";
  return [
    ["self-check", `A looked at ${counted.join(", ")} of its own: ${word}`],
    [
      "devices",
      `used once more: ${alive.join(", ") || "none"}, alive` +
      (dead.length === 0 ? "" : `; DEAD: ${dead.join(", ")}`),
    ],
  ];
}

function ruleLine({ rules }: RunReport): Line {
  const { held, violated, vacuous, events } = rules;
  return [
    "rules",
    `${held} held, ${violated === 0 ? "none" : violated} broken, ${vacuous} without occasion, ` +
    `over ${countText(events)} events`,
  ];
}

function fileLines({ trace, files }: RunReport): Line[] {
  const lines = [
    `${trace.path}, ${countText(trace.events)} events, SHA-256 ` +
    `${trace.sha256.slice(0, DIGEST_DIGITS)}…`,
    ...files.map(({ path, bytes }) => bytes === 0 ? path : `${path}, ${sizeText(bytes)}`),
  ];
  const [first = "", ...others] = lines;
  return [["trace", first], ["files", others.join("; ")]];
}

function noteLines({ machine, cutAt }: RunReport): Line[] {
  const lines: Line[] = [];
  if (cutAt !== undefined) lines.push(["power cut", `at seq ${cutAt}, by your choice`]);
  if (machine.lowSegment) {
    lines.push(["note", "the low 640 KiB are exchanged by an extra segment of ours"]);
  }
  return lines;
}

function timeLine(report: RunReport): Line {
  const { virtualNs, hostSeconds } = report;
  return ["time", `${timeText(virtualNs)} of the machine's, ${hostSeconds.toFixed(2)} s of yours`];
}

/** The summary, with a line feed at the end. */
export function summaryText(report: RunReport): string {
  const { command, ok, headline, reasons } = report;
  const more = reasons.length - REASONS_MAX;
  const lines: Line[] = [
    ...reasons.slice(0, REASONS_MAX).map((reason): Line => ["WRONG", reason]),
    ...(more > 0 ? [["", `and ${more} more, in report.json`] as Line] : []),
    machineLine(report),
    ...phaseLines(report.phases),
    ...imageLines(report),
    ...comparedLines(report),
    ...selfTestLines(report),
    ruleLine(report),
    ...noteLines(report),
    ...fileLines(report),
    timeLine(report),
  ];
  const body = lines.map(([subject, text]) => `${padded(subject, 10)}  ${text}`.trimEnd());
  return [`${command}: ${ok ? "ok" : "FAILED"}: ${headline}.`, ...body, ""].join("\n");
}
