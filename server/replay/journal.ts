/**
 * What a replay must remember of what it passed, since no state says it any more: which kernels
 * left with the wish to come back, and what a power cut tore or lost. It is gone back with.
 *
 * @module
 */
import type { TraceEvent } from "../../machine/trace/event.ts";
import type { KnownTable, Sleeper } from "./memory_owner.ts";

/** A write of which not all sectors came onto the medium. */
export interface LostWrite {
  readonly sector: number;
  readonly count: number;
  /** Its first sectors, that did. */
  readonly survived: number;
}

interface Entry {
  readonly seq: number;
  readonly asleep: readonly Sleeper[];
  readonly lost: readonly LostWrite[];
  readonly back?: KnownTable;
}

const NOTHING: Entry = { seq: -1, asleep: [], lost: [] };

/** Where a kernel that came back has its page-frame table. */
function tableOf(event: TraceEvent): KnownTable | undefined {
  const address = Number(textOf(event, "mem_map"));
  const frames = event.summary?.["frames"];
  if (!Number.isSafeInteger(address) || typeof frames !== "number") return undefined;
  return { name: textOf(event, "k"), address, frames };
}

function textOf(event: TraceEvent, name: string): string {
  const value = event.summary?.[name];
  return typeof value === "string" ? value : "";
}

/** Who is asleep after a jump: who preserved himself, and nobody who was entered. */
function afterJump(asleep: readonly Sleeper[], event: TraceEvent): readonly Sleeper[] {
  const [from, to] = [textOf(event, "from"), textOf(event, "to")];
  const entry = Number(textOf(event, "word"));
  const rest = asleep.filter(({ name }) => name !== from && name !== to);
  const stays = event.summary?.["preserve"] === true && Number.isSafeInteger(entry) && entry > 0;
  return stays ? [...rest, { name: from, entry }] : rest;
}

/** See the module's header. */
export class Journal {
  #entries: Entry[] = [NOTHING];

  /** Kernels that left with the wish to come back, first gone first. */
  get asleep(): readonly Sleeper[] {
    return this.#last.asleep;
  }

  /** Writes that were torn or lost when the power went last. */
  get lost(): readonly LostWrite[] {
    return this.#last.lost;
  }

  /** The kernel that came back last, until it is off the processor again. */
  get back(): KnownTable | undefined {
    return this.#last.back;
  }

  /** Takes note of an event. */
  event(event: TraceEvent): void {
    const { seq, kind, actor, type } = event;
    if (kind === "end" && actor === "cpu") this.#add({ seq, asleep: [], lost: this.lost });
    else if (kind === "note" && type === "fact.jump") {
      const { lost } = this.#last;
      this.#add({ seq, lost, asleep: afterJump(this.asleep, event) });
    } else if (kind === "note" && type === "fact.resumed") {
      const back = tableOf(event);
      this.#add({ ...this.#last, seq, ...(back === undefined ? {} : { back }) });
    } else if (kind === "note" && type === "fact.boot") {
      // A kernel of that name begins anew.
      const asleep = this.asleep.filter(({ name }) => name !== textOf(event, "k"));
      if (asleep.length < this.asleep.length) this.#add({ ...this.#last, seq, asleep });
    }
  }

  /** The power went: takes note of writes that did not come onto the medium whole. */
  lose(seq: number, lost: readonly LostWrite[]): void {
    this.#add({ ...this.#last, seq, lost });
  }

  /** Forgets what happened at event `seq` and later. */
  rewind(seq: number): void {
    this.#entries = this.#entries.filter((entry) => entry.seq < seq);
  }

  get #last(): Entry {
    return this.#entries.at(-1) ?? NOTHING;
  }

  #add(entry: Entry): void {
    this.#entries.push(entry);
  }
}
