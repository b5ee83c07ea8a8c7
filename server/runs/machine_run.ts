/**
 * One machine in its run's worker: all actors in one thread, the disk in memory, everything that
 * happens recorded. What is done at the machine follows from the job's way.
 *
 * @module
 */
import { writeDisk } from "../../actors/disk_image/build_disk.ts";
import { BlockStore } from "../../machine/block_store.ts";
import type { Choice } from "../../machine/choices.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { LIMITS } from "../../machine/limits.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import type { ForkAction } from "../api/shapes/run.ts";
import { ProblemError } from "../problem.ts";
import { LiveMachine } from "../shell/live_machine.ts";
import { type Parting, playTranscript } from "../transcript/play.ts";
import type { Transcript } from "../transcript/transcript.ts";
import { goThroughMorning } from "./autopilot.ts";
import { type Inbox, nextTurn } from "./inbox.ts";
import { obey, settleDown, standing } from "./person.ts";
import { recipeMachine } from "./recipe_machine.ts";
import type { Recording } from "./recording.ts";
import type { FromWorker, RunJob } from "./run_messages.ts";
import { RunStop, stopFor } from "./run_stop.ts";

/** Deliveries between two looks at the clock. */
const SLICE_DELIVERIES = 64;

const ENDED_THERE = "At that event the run it leaves has ended; take an earlier event.";
const NO_POWER = "At that event the machine is off already, so there is no power to cut; take an " +
  "event of a phase in which it runs.";

/** What an action is as a choice: the same that `--cut-power-at` plans. */
function choicesOf(action: ForkAction, at: number): Choice[] {
  switch (action.do) {
    case "cut_power":
      return [{ kind: "power_cut", at, durable: action.durable }];
    case "wake":
      return [{ kind: "wake", at, by: action.by }];
    case "nothing":
      return [];
  }
}

/** How a run's machine came to its end. */
export interface Ending {
  /** Of the trace. */
  readonly outcome: string;
  /** The same for people, where more is to be said. */
  readonly text?: string;
  readonly parting?: Parting;
}

/** See the module's header. */
export class MachineRun {
  /** The transcript of its recipe. */
  readonly transcript: Transcript | undefined;
  readonly #job: RunJob;
  readonly #inbox: Inbox;
  readonly #post: (message: FromWorker) => void;
  readonly #recording: Recording;
  readonly #scheduler: Scheduler;
  /** Where a person sits at the machine who is told what to do. */
  readonly #live: LiveMachine | undefined;

  /** Builds the machine with its disk. */
  constructor(
    job: RunJob,
    recording: Recording,
    inbox: Inbox,
    post: (message: FromWorker) => void,
  ) {
    this.#job = job;
    this.#inbox = inbox;
    this.#post = post;
    this.#recording = recording;
    const { plan, disk, transcript } = recipeMachine(job.recipe, job.text, job.choices);
    const build = disk();
    const medium = new MemoryMedium(FlatStore.make(build.byteLength));
    writeDisk(medium, build);
    const blocks = new BlockStore(medium, FlatStore.make(LIMITS.diskCacheBytes));
    const transport = new InlineTransport(plan.registry, blocks);
    this.#scheduler = new Scheduler(plan, transport, recording.recorder);
    recording.choicesFrom(() => this.#scheduler.choices);
    this.transcript = transcript;
    if (plan.live === true) {
      this.#live = new LiveMachine(this.#scheduler, () => this.#turn());
    }
  }

  /** State of the random streams, for the trace's last line. */
  get generator(): string {
    return JSON.stringify(this.#scheduler.random.state());
  }

  /** Runs it the job's way to its end. @throws {RunStop} if it is ended before. */
  async run(): Promise<Ending> {
    const { way } = this.#job;
    if (way.way === "fork") return await this.#fork(way);
    const machine = this.#live;
    if (machine === undefined) return { outcome: await this.#goOn() };
    if (way.way === "transcript") return this.#finish(machine, await this.#play(machine));
    if (way.way === "live" && way.play) await this.#play(machine);
    return await this.#attend(machine);
  }

  /** Ends the run where it passed a limit or is stopped; tells the news; lets messages in. */
  async #turn(): Promise<void> {
    this.#recording.checkLimits();
    if (!this.#recording.isDue) return;
    this.#recording.tell();
    await nextTurn();
    if (this.#inbox.stop !== undefined) throw stopFor(this.#inbox.stop, this.#job.bounds);
  }

  /** Lets the machine run to its end, or to the first barrier at or behind an event. */
  async #goOn(until: number = Number.POSITIVE_INFINITY): Promise<string> {
    const slice = until === Number.POSITIVE_INFINITY ? SLICE_DELIVERIES : 1;
    const { recorder } = this.#recording;
    while (recorder.next < until && this.#scheduler.advance(slice)) await this.#turn();
    this.#recording.checkLimits();
    return this.#scheduler.outcome ?? "idle";
  }

  async #play(machine: LiveMachine): Promise<Parting | undefined> {
    if (this.transcript === undefined) return undefined;
    const parting = await playTranscript(this.transcript, machine, () => {
      this.#recording.checkLimits();
    });
    this.#recording.checkLimits();
    return parting;
  }

  /** The end of a run that is the person's to end. */
  #finish(machine: LiveMachine, parting?: Parting, word = "finished"): Ending {
    const outcome = parting === undefined ? word : "parted";
    if (this.#scheduler.outcome === undefined) machine.do({ do: "finish", outcome });
    const ending = { outcome: this.#scheduler.outcome ?? outcome };
    return parting === undefined ? ending : { ...ending, parting };
  }

  /** Goes the parent's way up to the event, and then another one. */
  async #fork(way: Extract<RunJob["way"], { way: "fork" }>): Promise<Ending> {
    const { seq, action } = way;
    await this.#goOn(seq);
    const scheduler = this.#scheduler;
    if (this.#recording.recorder.next < seq || scheduler.outcome !== undefined) {
      throw new RunStop(
        "failed",
        "the run it leaves had ended there",
        ENDED_THERE,
      );
    }
    if (action.do === "cut_power" && !scheduler.lives().some(({ role }) => role === "disk")) {
      throw new RunStop("failed", "no power to cut", NO_POWER);
    }
    scheduler.goAnotherWay(choicesOf(action, seq));
    const machine = this.#live;
    if (machine === undefined) {
      const outcome = await this.#goOn();
      return { outcome, text: `${outcome}: ${this.#recording.fate.text}` };
    }
    if (action.do === "cut_power") {
      await machine.until(({ off }) => off);
      await goThroughMorning(machine, this.transcript ?? { steps: [] }, scheduler.choices);
    } else {
      // What was chosen happens, whatever the person sees already.
      scheduler.advance(1);
      await settleDown(machine);
    }
    return await this.#attend(machine);
  }

  /** Waits for the person and does what he wants, until he leaves. */
  async #attend(machine: LiveMachine): Promise<Ending> {
    for (;;) {
      this.#recording.checkLimits();
      if (this.#scheduler.outcome !== undefined) return { outcome: this.#scheduler.outcome };
      this.#recording.pause();
      this.#post({
        tell: "waiting",
        ...this.#recording.settle(),
        standing: standing(machine),
        outcome: this.#standingText(machine),
      });
      const message = await this.#inbox.next();
      this.#recording.resume();
      if (message === undefined) {
        throw stopFor(this.#inbox.stop ?? "interrupted", this.#job.bounds);
      }
      if (message.job !== "input") continue;
      try {
        if (await obey(machine, message.text)) return this.#finish(machine, undefined, "left");
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        const { problem, message: detail, details } = error;
        this.#post({ tell: "refused", problem, detail, details });
      }
    }
  }

  #standingText(machine: LiveMachine): string {
    const { menu, prompt, off } = machine.view;
    const fate = this.#recording.fate.text;
    if (off) return fate;
    if (menu.length > 0) return "waits at the boot menu";
    return prompt === "" ? `${fate}; nobody waits` : `${fate}; waits at ${prompt}'s prompt`;
  }
}
