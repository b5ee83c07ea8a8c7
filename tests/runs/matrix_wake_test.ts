/**
 * A wake-up event in every phase, in every system (protocol.md G.3, Q1): those that look before
 * they copy give the hibernation up, the others do not notice; never anything between.
 */
import assert from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import type { ComparedSystem } from "../../actors/scenario/compared.ts";
import { goOnFrom } from "./cut_kit.ts";
import {
  attemptBegins,
  brokenBut,
  DISTINCT_SYSTEMS,
  failingScript,
  isWell,
  type PlainRun,
  plainRun,
  recordAttempt,
} from "./matrix_kit.ts";
import { facts, fieldsOf, type Judged } from "./run_kit.ts";

/** Phases of A in which a system gives up, as `message`s; those before the copy, and S4's. */
const GIVES_UP: Readonly<Record<string, readonly string[]>> = {
  "swsusp-2.6.23": ["FREEZE"],
  "swsusp-6.1": ["FREEZE"],
  "swsusp-6.1-s4": ["FREEZE", "THAW", "HIBERNATE"],
  "v7": ["SUSPEND"],
  "v7-kimgcore": ["SUSPEND"],
};

interface Phase {
  readonly k: string;
  readonly name: string;
  readonly message: string;
  readonly seq: number;
}

/** The first callback of every phase from A's attempt on. */
function phasesOf(system: ComparedSystem, plain: PlainRun): Phase[] {
  const begins = attemptBegins(system, plain);
  const seen = new Set<string>();
  return facts(plain.events, "phase").flatMap(({ seq, summary }) => {
    const { k, name, message } = { ...summary };
    const key = `${k} ${name} ${message}`;
    if (seq < begins || seen.has(key)) return [];
    seen.add(key);
    return [{ k: String(k), name: String(name), message: String(message), seq }];
  });
}

function assertCame(run: Judged, what: string): void {
  const came = run.events.some(({ kind, type, summary }) =>
    kind === "send" && type === "kernel.interrupt" && summary?.["wake"] === true
  );
  assert.ok(came, `${what}: the event came to nobody`);
}

for (const system of DISTINCT_SYSTEMS) {
  const { id } = system;
  Deno.test(`${id}: a wake-up event in any phase gives the hibernation up, or changes nothing`, () => {
    const plain = plainRun(system);
    const whole = recordAttempt(system, attemptBegins, {});
    const failing = recordAttempt(system, attemptBegins, { script: failingScript });
    let givenUp = 0;
    phasesOf(system, plain).forEach(({ k, name, message, seq }, index) => {
      const what = `${k} ${name} ${message}`;
      const by = index % 2 === 0 ? "power_button" : "rtc";
      const choices: readonly Choice[] = [{ kind: "wake", at: seq, by }];
      const gives = k === "A" && (GIVES_UP[id]?.includes(message) ?? false);
      const { recording, checkpoint } = gives ? failing : whole;
      const run = goOnFrom(recording, checkpoint, choices);
      assert.equal(run.outcome, gives ? "goes on" : "resumed", what);
      assert.ok(isWell(run), `${what}: ${run.lines.at(-1)}`);
      // Nobody sets the alarm or ACPI's line up where no kernel boots before A.
      if (id !== "mainline-loader" || message === "FREEZE") assertCame(run, what);
      assert.equal(brokenBut(system, run), "", what);
      if (!gives) return;
      givenUp++;
      const [tool] = fieldsOf(run, "tool", "A").slice(-2);
      assert.match(String(tool?.["message"]), /busy$|temporarily unavailable$/, what);
      assert.equal(fieldsOf(run, "wakeup", "A").at(-1)?.["pending"], true, what);
      const last = fieldsOf(run, "image").at(-1)?.["op"];
      assert.ok(
        last === undefined || last === "invalidate" || last === "abort",
        `${what}: ${last}`,
      );
    });
    assert.equal(givenUp > 0, id in GIVES_UP);
  });
}
