/**
 * A run in its worker from its first event to its report. Whatever happens, what was recorded is
 * left whole: a last line with the outcome, a report, the choices.
 *
 * @module
 */
import type { Choice } from "../../machine/choices.ts";
import type { Report } from "../../machine/conformance/report.ts";
import { DivergenceError } from "../../machine/errors.ts";
import { ruleFaultsOf } from "../transcript/run_transcripts.ts";
import { failureSentence } from "./failure_sentence.ts";
import type { Inbox } from "./inbox.ts";
import { type Ending, MachineRun } from "./machine_run.ts";
import { Recording } from "./recording.ts";
import type { FromWorker, RunEnd, RunJob } from "./run_messages.ts";
import { RunStop } from "./run_stop.ts";

/** Where a run parts, as a summary has it. */
function partingOf({ parting }: Ending): Pick<RunEnd, "parting"> {
  if (parting === undefined) return {};
  const { line, message, details, seq } = parting;
  return { parting: { line, message, details: [...details], seq } };
}

/** What is wrong with a transcript's rules: broken ones that it does not announce, and others. */
function ruleTrouble(job: RunJob, machine: MachineRun, report: Report): Pick<RunEnd, "trouble"> {
  if (job.way.way !== "transcript" || machine.transcript === undefined) return {};
  const faults = ruleFaultsOf(report, machine.transcript.machine.breaks);
  return faults.length === 0 ? {} : { trouble: `Rules: ${faults.join("; ")}.` };
}

/** A power cut that was asked for at an event at which there is no power to cut. */
function missedCut(choices: readonly Choice[], seq: number, events: number): RunStop | undefined {
  if (!choices.some((choice) => choice.kind === "power_cut" && choice.at === seq)) return undefined;
  const why = seq < events
    ? `At event ${seq} the machine is off already, so there is no power to cut; take an event of ` +
      "a phase in which it runs."
    : `The run ends with ${events} events, before event ${seq} at which the power was to be cut; ` +
      "take an earlier one.";
  return new RunStop("failed", "no power to cut", why);
}

/** What an error makes of a run. */
function stopOf(error: unknown, choices: readonly Choice[], events: number): RunStop {
  if (error instanceof RunStop) return error;
  const missed = error instanceof DivergenceError
    ? missedCut(choices, error.seq, events)
    : undefined;
  if (missed !== undefined) return missed;
  const sentence = failureSentence(error);
  return new RunStop("failed", `failed: ${sentence}`, sentence);
}

async function finished(job: RunJob, machine: MachineRun, recording: Recording): Promise<RunEnd> {
  const ending = await machine.run();
  const { report, ...last } = recording.finish(ending.outcome, machine.generator);
  return {
    tell: "end",
    status: "finished",
    ...last,
    outcome: ending.text ?? ending.outcome,
    ...partingOf(ending),
    ...ruleTrouble(job, machine, report),
  };
}

/**
 * Runs it.
 *
 * @param post given the news, and at last the end.
 */
export async function runJob(
  job: RunJob,
  inbox: Inbox,
  post: (message: FromWorker) => void,
): Promise<void> {
  const recording = new Recording(job, (progress) => post({ tell: "progress", ...progress }));
  try {
    try {
      const machine = new MachineRun(job, recording, inbox, post);
      post(await finished(job, machine, recording));
    } catch (error) {
      const stop = stopOf(error, job.choices, recording.recorder.next);
      const { report: _, ...last } = recording.finish(stop.outcome, "");
      const { status, outcome, trouble } = stop;
      const why = trouble === undefined ? {} : { trouble };
      post({ tell: "end", status, ...last, outcome, ...why });
    }
  } finally {
    recording.close();
  }
}
