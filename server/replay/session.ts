/**
 * A run that is replayed to be looked into: a scheduler on the inline transport, walked from
 * barrier to barrier, forward and back, in slices between which a newer request is heard.
 *
 * @module
 */
import { EMPTY_CACHE } from "../../machine/block_store.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { LIMITS } from "../../machine/limits.ts";
import type { Medium } from "../../machine/medium.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import { Stepper } from "../../machine/stepper.ts";
import { Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { ProblemError } from "../problem.ts";
import { Journal } from "./journal.ts";
import { LineComparison, type StoredLines } from "./stored_lines.ts";
import { WatchedBlocks } from "./watched_blocks.ts";

/** What gives a run again. */
export interface SessionPlan {
  readonly plan: RunPlan;
  /** A new disk, as the run found it. */
  makeDisk(): Medium;
}

/** Called between slices; throws where nobody wants the answer any more. */
export type Turn = () => Promise<void>;

/** The event loop gets its turn after so long. */
const SLICE_MILLISECONDS = 30;
/** Barriers between two looks at the clock. */
const CLOCK_BARRIERS = 8;
/** Pages that a session keeps aside at most for going back: 512 MiB. */
const PAGES_ASIDE = 131_072;

/** The stored trace has an event that the choices of this session do not lead to. */
export class OutOfDate extends Error {
  override readonly name = "OutOfDate";
}

/** What there is at a barrier. */
export interface Moment {
  readonly at: number;
  readonly next: number;
  readonly vt: number;
}

/** See the module's header. */
export class Session {
  readonly scheduler: Scheduler;
  readonly blocks: WatchedBlocks;
  readonly journal: Journal = new Journal();
  /** The stored trace as it was when the plan was read. */
  readonly opened: StoredLines;
  readonly #stepper: Stepper;
  readonly #lines: LineComparison;
  /** The event whose actor is wanted, and the actor. */
  #wanted = -1;
  #actor = "";
  /** Actors of the events that were recorded before the first barrier. */
  readonly #firstActors: string[] = [];
  readonly #first: number;

  constructor({ plan, makeDisk }: SessionPlan, stored: StoredLines) {
    this.opened = stored;
    this.#lines = new LineComparison(stored);
    const recorder = new Recorder(this.#lines);
    this.blocks = new WatchedBlocks(
      makeDisk(),
      FlatStore.make(LIMITS.diskCacheBytes),
      (lost) => this.journal.lose(recorder.next, lost),
    );
    let isFirst = true;
    recorder.listen((event) => {
      this.journal.event(event);
      if (event.kind === "end" && event.actor === "disk") this.blocks.powerOff();
      if (event.seq === this.#wanted) this.#actor = event.actor;
      if (isFirst) this.#firstActors.push(event.actor);
    });
    const transport = new InlineTransport(plan.registry, this.blocks);
    this.scheduler = new Scheduler(plan, transport, recorder);
    this.#stepper = new Stepper(this.scheduler, this.blocks, { pagesAside: PAGES_ASIDE });
    this.#first = recorder.next;
    isFirst = false;
  }

  /**
   * Goes to the first barrier at which event `at` has happened.
   *
   * @throws {OutOfDate} if the run ends before, as this session knows it.
   * @throws {ProblemError} `internal` if the replay is not the stored run.
   */
  async goTo(at: number, stored: number, turn: Turn): Promise<Moment> {
    this.#rewindBefore(at);
    await this.#walk(() => this.#stepper.seq > at, stored, turn);
    if (this.#stepper.seq <= at) throw new OutOfDate(`The replay ends at ${this.#stepper.seq}`);
    return { at, next: this.#stepper.seq, vt: this.scheduler.vt };
  }

  /**
   * Goes to event `at`, and calls `look` at the barrier before its step and at the one behind it.
   * Errors as {@linkcode goTo}.
   */
  async around<T>(
    at: number,
    stored: number,
    turn: Turn,
    look: (actor: string) => T,
  ): Promise<{ readonly moment: Moment; readonly actor: string; readonly looks: readonly [T, T] }> {
    this.#wanted = at;
    try {
      // The walk must pass the event, so that its actor is seen.
      this.#rewindBefore(at);
      const moment = await this.goTo(at, stored, turn);
      const actor = this.#firstActors[at] ?? this.#actor;
      const behind = this.#stepper.position;
      if (behind === 0) return { moment, actor, looks: [look(""), look(actor)] };
      this.#rewindBefore(at);
      await this.#walk(() => this.#stepper.position >= behind - 1, stored, turn);
      const before = look(actor);
      await this.#walk(() => this.#stepper.position >= behind, stored, turn);
      return { moment, actor, looks: [before, look(actor)] };
    } finally {
      this.#wanted = -1;
    }
  }

  close(): void {
    this.#lines.close();
    this.scheduler.transport.close();
  }

  #rewindBefore(at: number): void {
    if (at >= this.#stepper.seq) return;
    this.#stepper.rewindBefore(Math.max(at, this.#first));
    this.journal.rewind(this.#stepper.seq);
    const disk = this.scheduler.lives().find(({ name }) => name === "disk");
    this.blocks.cached = disk === undefined ? EMPTY_CACHE : cacheOf(this);
  }

  async #walk(isThere: () => boolean, stored: number, turn: Turn): Promise<void> {
    try {
      let sliceEnd = performance.now() + SLICE_MILLISECONDS;
      while (!isThere() && !this.#stepper.ended) {
        for (let count = 0; count < CLOCK_BARRIERS && !isThere(); count++) {
          if (this.#stepper.forward() === 0) break;
        }
        if (performance.now() < sliceEnd) continue;
        this.#lines.compare(stored);
        await turn();
        sliceEnd = performance.now() + SLICE_MILLISECONDS;
      }
      this.scheduler.recorder.flush();
      this.#lines.compare(stored);
    } catch (error) {
      throw asProblem(error);
    }
  }
}

/** A step of a replay that fails where the run did not is a replay that differs. */
function asProblem(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ProblemError) return error;
  if (!["DivergenceError", "ProtocolError", "ActorFailure"].includes(error.name)) return error;
  return new ProblemError(
    "internal",
    "The replay differs from the stored run: it cannot go on where the run did. Another version " +
      "of the laboratory made it; run it again.",
  );
}

/** What waits in the disk's cache. @throws {TypeError} if the disk's state is none. */
export function cacheOf({ scheduler }: Session): WatchedBlocks["cached"] {
  const state: unknown = scheduler.transport.stateOf("disk");
  if (typeof state === "object" && state !== null && "cache" in state) {
    // The disk is the house's own; its cache is declared in machine/block_store.ts.
    return state.cache as WatchedBlocks["cached"];
  }
  throw new TypeError("The disk's state has no cache");
}
