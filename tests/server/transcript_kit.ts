/**
 * Transcripts played in this process, on a disk in memory, as tests tell them.
 */
import { collectGarbage } from "../collect_garbage.ts";
import { machineDisk, planMachine } from "../../actors/scenario/machine_plan.ts";
import { BlockStore } from "../../machine/block_store.ts";
import type { Choice } from "../../machine/choices.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { LIMITS } from "../../machine/limits.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { LiveMachine } from "../../server/shell/live_machine.ts";
import { type Parting, type Played, playTranscript } from "../../server/transcript/play.ts";
import type { Transcript } from "../../server/transcript/transcript.ts";
import { transcriptSettings } from "../../server/transcript/transcript_machine.ts";
import { parseTranscript } from "../../server/transcript/transcript_parser.ts";

/** A transcript that was played. */
export interface PlayedTranscript {
  readonly parting: Parting | undefined;
  readonly played: readonly Played[];
  readonly events: readonly TraceEvent[];
  readonly choices: readonly Choice[];
  readonly hash: string;
  readonly machine: LiveMachine;
}

function newMachine(transcript: Transcript, choices: readonly Choice[], live: boolean) {
  collectGarbage();
  const settings = { ...transcriptSettings(transcript.machine), choices };
  const { byteLength, writes } = machineDisk(settings);
  const medium = new MemoryMedium(FlatStore.make(byteLength));
  for (const { offset, bytes } of writes) medium.write(offset, bytes);
  const { live: _, ...plan } = planMachine(settings);
  const blocks = new BlockStore(medium, FlatStore.make(LIMITS.diskCacheBytes));
  const recorder = new Recorder(new MemorySink());
  const events: TraceEvent[] = [];
  recorder.listen((event) => void events.push(event));
  const transport = new InlineTransport(plan.registry, blocks);
  const scheduler = new Scheduler(live ? { ...plan, live } : plan, transport, recorder);
  return { scheduler, events };
}

/** Plays a transcript's text to its end or to where it parts. */
export async function playText(text: string, file = "test.md"): Promise<PlayedTranscript> {
  const transcript = parseTranscript(file, text);
  const { scheduler, events } = newMachine(transcript, transcript.machine.choices, true);
  const machine = new LiveMachine(scheduler);
  const played: Played[] = [];
  const parting = await playTranscript(transcript, machine, (step) => void played.push(step));
  if (scheduler.outcome === undefined) machine.do({ do: "finish", outcome: "finished" });
  const choices = scheduler.choicesMade();
  return { parting, played, events, choices, hash: scheduler.recorder.hash(), machine };
}

/** The hash of the run that a transcript's choices give without anybody who types. */
export function replayHash(text: string, choices: readonly Choice[]): string {
  const { scheduler } = newMachine(parseTranscript("test.md", text), choices, false);
  while (scheduler.advance(5000));
  return scheduler.recorder.hash();
}

/** A transcript at A's prompt: the lines, each typed there. */
export function atA(...lines: string[]): string {
  return ["```console", "# power on", "# boot A", ...lines, "```", ""].join("\n");
}

/** What the last command printed. */
export function lastPrinted({ played }: PlayedTranscript): readonly string[] {
  return played.at(-1)?.printed ?? [];
}
