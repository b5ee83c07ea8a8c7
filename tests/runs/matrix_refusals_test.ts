/**
 * Every device refuses every phase once, in every system (protocol.md G.3, F40, F54): on the way
 * down A goes on as if it had never been asked to hibernate, and the next attempt succeeds.
 */
import assert from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { COMPARED_SYSTEMS, type ComparedSystem } from "../../actors/scenario/compared.ts";
import {
  attemptBegins,
  type AttemptRefusal,
  attemptRefused,
  brokenBut,
  DISTINCT_SYSTEMS,
  failingScript,
  hibernatingStep,
  isWell,
  type PlainRun,
  plainRun,
  recordAttempt,
  refusalChoice,
  resumeBegins,
  runMatrix,
} from "./matrix_kit.ts";
import { fieldsOf, type Judged } from "./run_kit.ts";

/** Messages of callbacks that may refuse and be undone. */
const DOWN: readonly unknown[] = ["FREEZE", "SUSPEND", "HIBERNATE", "QUIESCE"];
const DEVICES = ["pci", "rtc", "console", "disk", "network"];

/** A callback of a plain run, with which time it is asked from a moment on. */
interface Callback extends AttemptRefusal {
  readonly k: string;
  readonly message: string;
}

/** All callbacks of a plain run between two events, in their order. */
function callbacks({ events }: PlainRun, from: number, to: number): Callback[] {
  const asked = new Map<string, number>();
  return events.flatMap(({ seq, kind, type, summary }) => {
    if (seq < from || seq > to || kind !== "note" || type !== "fact.phase") return [];
    const { k, device, name, message } = { ...summary };
    const key = `${device} ${name}`;
    const time = (asked.get(key) ?? 0) + 1;
    asked.set(key, time);
    return [{
      ...{ device: String(device), phase: String(name), time },
      ...{ k: String(k), message: String(message) },
    }];
  });
}

/** Number of the event with which the machine went off for the last time. */
function offSeq({ events }: PlainRun): number {
  const off = events.findLast(({ kind, type, summary }) =>
    kind === "note" && type === "fact.power" && ["off", "sleep"].includes(String(summary?.["op"]))
  );
  assert.ok(off !== undefined);
  return off.seq;
}

function wordsOf({ k, device, phase, message }: Callback): string {
  return `${k}: ${device} ${phase} ${message}`;
}

/** The tool that was to hibernate A failed with the device's error, and said so. */
function assertFailed(run: Judged, what: string): void {
  const tool = fieldsOf(run, "tool", "A").filter(({ program }) => program !== "check").at(-1);
  assert.notEqual(tool?.["status"], 0, what);
  assert.match(String(tool?.["message"]), /Device or resource busy$/, what);
}

/** No image is left that the next boot would take. */
function assertNoImage(run: Judged, what: string): void {
  const last = fieldsOf(run, "image").at(-1)?.["op"];
  assert.ok([undefined, "abort", "invalidate"].some((op) => op === last), `${what}: ${last}`);
}

/** Every lock that was taken was given back. */
function assertUnlocked(run: Judged, what: string): void {
  const held = new Map<unknown, number>();
  for (const { k, name, op } of fieldsOf(run, "lock", "A")) {
    const key = `${k} ${name}`;
    held.set(key, (held.get(key) ?? 0) + (op === "take" ? 1 : op === "release" ? -1 : 0));
  }
  assert.deepEqual([...held].filter(([, count]) => count !== 0), [], what);
}

/** The attempt, a look at A, and the attempt again, until the machine is off. */
function twiceScript(plain: readonly OperatorStep[]): readonly OperatorStep[] {
  const at = hibernatingStep(plain);
  const off = plain.findLastIndex((step) => step.do === "off");
  return [
    ...plain.slice(0, at + 1),
    { do: "type", at: "A", line: "check" },
    ...plain.slice(at, off + 1),
    { do: "finish", outcome: "hibernated" },
  ];
}

function downCallbacks(system: ComparedSystem, plain: PlainRun): Callback[] {
  return callbacks(plain, attemptBegins(system, plain), offSeq(plain))
    .filter(({ k, message }) => k === "A" && DOWN.includes(message));
}

for (const system of COMPARED_SYSTEMS) {
  const { id } = system;

  Deno.test(`${id}: any device refuses any phase on the way down, and A goes on`, () => {
    const plain = plainRun(system);
    const refusals = downCallbacks(system, plain);
    const undone = refusals.filter(({ phase }) => phase !== "shutdown");
    assert.deepEqual(new Set(undone.map(({ device }) => device)), new Set(DEVICES));
    assert.ok(undone.length >= DEVICES.length * 4, `${undone.length}`);
    const attempt = recordAttempt(system, attemptBegins, { script: failingScript });
    for (const refusal of undone) {
      const what = wordsOf(refusal);
      const run = attemptRefused(attempt, refusal);
      assert.equal(run.outcome, "goes on", what);
      assert.ok(isWell(run), `${what}: ${run.lines.at(-1)}`);
      assertFailed(run, what);
      assertNoImage(run, what);
      assertUnlocked(run, what);
      assert.equal(brokenBut(system, run), "", what);
    }
  });

  // What follows is the same in the variants of mainline.
  if (!DISTINCT_SYSTEMS.includes(system)) continue;

  Deno.test(`${id}: after a refusal the next attempt hibernates A`, () => {
    const refusals = downCallbacks(system, plainRun(system))
      .filter(({ phase }) => phase !== "shutdown");
    const attempt = recordAttempt(system, attemptBegins, { script: twiceScript });
    // Of each phase one device, each time another.
    for (let index = 0; index < refusals.length; index += DEVICES.length + 1) {
      const refusal = refusals[index];
      assert.ok(refusal !== undefined);
      const what = wordsOf(refusal);
      const run = attemptRefused(attempt, refusal);
      assert.equal(run.outcome, "hibernated", what);
      assert.equal(fieldsOf(run, "image").at(-1)?.["op"], "commit", what);
      assert.equal(brokenBut(system, run), "", what);
    }
  });

  Deno.test(`${id}: a callback of shutdown has no say, and who saved goes down all the same`, () => {
    const plain = plainRun(system);
    const begins = attemptBegins(system, plain);
    const attempt = recordAttempt(system, attemptBegins, {});
    const refusals = callbacks(plain, begins, offSeq(plain))
      .filter(({ k, message }) => message === "HIBERNATE" && (k === "B" || k === "A"))
      .filter(({ k, phase }) => phase === "shutdown" || k === "B");
    for (const refusal of refusals.filter((_, index) => index % 3 === 0)) {
      const what = wordsOf(refusal);
      const run = attemptRefused(attempt, refusal);
      assert.equal(run.outcome, "resumed", what);
      assert.ok(isWell(run), what);
      assert.equal(brokenBut(system, run), "", what);
    }
  });

  Deno.test(`${id}: a device that refuses whoever resumes, or does not come back in A`, () => {
    const plain = plainRun(system);
    const refusals = callbacks(plain, resumeBegins(system, plain), plain.events.length)
      .filter(({ device }) => device === "network");
    const attempt = recordAttempt(system, resumeBegins, {});
    const seen = new Map<string, Set<string>>();
    for (const refusal of refusals) {
      const what = wordsOf(refusal);
      const run = attemptRefused(attempt, refusal);
      const stopped = DOWN.includes(refusal.message) && refusal.phase !== "shutdown";
      // Where one stops, it is an ordinary boot, or its own prompt with the error.
      const outcome = run.outcome.replace(/^stuck: .* saw prompt of (.); .*busy$/, "stays in $1");
      const wanted = stopped ? (refusal.k === "D" || refusal.k === "C" ? 1 : 0) : 0;
      if (wanted === 0) assert.equal(outcome, "resumed", what);
      else assert.match(outcome, /^(?:booted without an image|stays in [CD])$/, what);
      assert.equal(brokenBut(system, run), "", what);
      // A device that fails to be restored is noted, and may be dead (G.3).
      if (outcome === "resumed" && !/^(?:restore|resume)$/.test(refusal.phase)) {
        assert.ok(isWell(run), what);
      }
      const kind = stopped ? "down" : "up";
      seen.set(kind, (seen.get(kind) ?? new Set()).add(outcome));
    }
    assert.deepEqual([...seen.get("up") ?? []], ["resumed"]);
  });
}

Deno.test("a refusal that is put in later is the one of a run from power-on", () => {
  for (const id of ["swsusp-6.1-s4", "v7", "mainline"]) {
    const system = COMPARED_SYSTEMS.find((other) => other.id === id);
    assert.ok(system !== undefined);
    const refusal = { device: "disk", phase: "prepare", time: 1 };
    const attempt = recordAttempt(system, attemptBegins, { script: failingScript });
    const later = attemptRefused(attempt, refusal);
    const choices = [refusalChoice(attempt, refusal)];
    const whole = runMatrix(system, { script: failingScript, choices });
    assert.equal(later.outcome, whole.outcome, id);
    const lines = later.events.map((event) => JSON.stringify(event));
    const other = whole.events.findIndex((event, index) => JSON.stringify(event) !== lines[index]);
    assert.deepEqual([other, lines.length], [-1, whole.events.length], id);
  }
});
