/**
 * What a run of any system took, read off its facts: kernels booted, virtual time by what the
 * machine was doing, pages and bytes of the image, whether tasks were frozen, how deep it slept.
 * Nothing here knows which system ran; two systems are compared because both say the same facts.
 *
 * @module
 */
import { countPages, PAGE_BYTES, parseRuns } from "../formats/page_runs.ts";
import type { Fact } from "../protocol/facts.ts";
import type { Summary, TraceEvent } from "./event.ts";

/** What the machine is doing, in the order in which a cycle comes through. */
export const ACTIVITIES = [
  "firmware",
  "boot",
  "person",
  "quiesce",
  "switch",
  "write",
  "power down",
  "off",
  "read",
  "restore",
] as const;

/** See {@linkcode ACTIVITIES}. */
export type Activity = typeof ACTIVITIES[number];

/** What was measured. Times in virtual ns. */
export interface Measured {
  /** Kernels that booted, in order. */
  readonly boots: readonly string[];
  readonly nanoseconds: Readonly<Record<Activity, number>>;
  /** Pages that the last committed image held. */
  readonly pages: number;
  /** Bytes of that image. */
  readonly bytes: number;
  /** Images committed and images given up. */
  readonly committed: number;
  readonly aborted: number;
  /** Most pages that were set aside for the image or for the kernel that saves it. */
  readonly reserved: number;
  /** Whether user tasks, and kernel threads, were frozen on the way down. */
  readonly froze: { readonly user: boolean; readonly kthreads: boolean };
  /** Deepest sleep state entered with an image: S4, S5; empty for none. */
  readonly state: string;
  /** Kernels that went on after a jump or out of an image. */
  readonly resumed: readonly string[];
}

/** Blobs of page sets that were too long for a summary. */
export interface TextSource {
  text(event: TraceEvent): string | undefined;
}

/** A fold over a run's events. */
export class Measurement {
  readonly #texts: TextSource;
  readonly #boots: string[] = [];
  readonly #resumed: string[] = [];
  readonly #nanoseconds: Record<Activity, number>;
  readonly #pages: Map<string, number> = new Map();
  readonly #bytes: Map<string, number> = new Map();
  #image = "";
  #committed = 0;
  #aborted = 0;
  #reserved = 0;
  #user = false;
  #kthreads = false;
  #state = "";
  #activity: Activity = "off";
  #since = 0;
  #last = 0;

  constructor(texts: TextSource) {
    this.#texts = texts;
    const zero = ACTIVITIES.map((name) => [name, 0] as const);
    this.#nanoseconds = Object.fromEntries(zero) as Record<Activity, number>;
  }

  /** Takes the next event. */
  event(event: TraceEvent): void {
    this.#last = event.vt;
    const { type, kind, summary = {} } = event;
    if (type === "console.shown" && kind === "send" && summary["prompt"] === true) {
      return this.#enter("person", event);
    }
    if (kind !== "note" || type === undefined) return;
    switch (type) {
      case "fact.power":
        return this.#power(event);
      case "fact.boot":
        this.#boots.push(String(summary["k"]));
        return this.#enter("boot", event);
      case "fact.exec":
      case "fact.notifier":
      case "fact.sync":
        return this.#activity === "person" ? this.#enter("quiesce", event) : undefined;
      case "fact.freeze":
        if (summary["what"] === "user") this.#user = true;
        else this.#kthreads = true;
        return;
      case "fact.load":
        return this.#load(summary);
      case "fact.preallocate":
        if (summary["result"] === 0) this.#reserve(Number(summary["pages"]));
        return;
      case "fact.leave":
        return this.#enter("switch", event);
      case "fact.resumed":
        this.#resumed.push(String(summary["k"]));
        return this.#enter("restore", event);
      case "fact.image":
        return this.#imageFact(event);
    }
  }

  /** What came of it so far. */
  measured(): Measured {
    const nanoseconds = { ...this.#nanoseconds };
    nanoseconds[this.#activity] += this.#last - this.#since;
    return {
      boots: [...this.#boots],
      nanoseconds,
      pages: this.#pages.get(this.#image) ?? 0,
      bytes: this.#bytes.get(this.#image) ?? 0,
      committed: this.#committed,
      aborted: this.#aborted,
      reserved: this.#reserved,
      froze: { user: this.#user, kthreads: this.#kthreads },
      state: this.#state,
      resumed: [...this.#resumed],
    };
  }

  #enter(activity: Activity, { vt }: TraceEvent): void {
    this.#nanoseconds[this.#activity] += vt - this.#since;
    this.#activity = activity;
    this.#since = vt;
  }

  #reserve(pages: number): void {
    this.#reserved = Math.max(this.#reserved, pages);
  }

  /** What a loaded kernel takes from the one that runs: its segments, wherever they wait. */
  #load(summary: Summary): void {
    const { result, preserve, slot, list } = summary;
    if (result !== 0 || (preserve !== true && slot !== "crash")) return;
    if (typeof list !== "string") return;
    let bytes = 0;
    for (const segment of list.split(",")) {
      bytes += Number.parseInt(/\+(?:0x)?([0-9a-f]+)\//.exec(segment)?.[1] ?? "0", 16);
    }
    this.#reserve(Math.ceil(bytes / PAGE_BYTES));
  }

  #power(event: TraceEvent): void {
    const op = event.summary?.["op"];
    if (op === "on" || op === "wake" || op === "reset") return this.#enter("firmware", event);
    if (op === "sleep" || op === "off") {
      const state = String(event.summary?.["state"] ?? "");
      if (this.#activity === "power down") this.#state = state;
      return this.#enter("off", event);
    }
    if (op === "loss") this.#enter("off", event);
  }

  #imageFact(event: TraceEvent): void {
    const { summary = {} } = event;
    const op = summary["op"] as Fact<"image">["op"];
    const id = String(summary["id"]);
    const bytes = summary["bytes"];
    if (typeof bytes === "number") this.#bytes.set(id, bytes);
    switch (op) {
      case "begin":
        return this.#enter("write", event);
      case "page": {
        const runs = summary["runs"] ?? this.#texts.text(event);
        if (typeof runs !== "string") return;
        this.#pages.set(id, (this.#pages.get(id) ?? 0) + countPages(parseRuns(runs)));
        return;
      }
      case "commit":
        this.#committed++;
        this.#image = id;
        return this.#enter("power down", event);
      case "abort":
        this.#aborted++;
        return;
      case "check":
      case "load":
        return this.#activity === "restore" ? undefined : this.#enter("read", event);
    }
  }
}
