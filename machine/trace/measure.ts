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

/** Virtual ns by activity. */
export type Times = Readonly<Record<Activity, number>>;

/** What was measured, from the end of the last `work` on. */
export interface Measured {
  /** Kernels that booted, in order. */
  readonly boots: readonly string[];
  /** Until the machine was off, and from then on. */
  readonly down: Times;
  readonly up: Times;
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

function noTimes(): Record<Activity, number> {
  return {
    firmware: 0,
    boot: 0,
    person: 0,
    quiesce: 0,
    switch: 0,
    write: 0,
    "power down": 0,
    off: 0,
    read: 0,
    restore: 0,
  };
}

/** A fold over a run's events. */
export class Measurement {
  readonly #texts: TextSource;
  #boots: string[] = [];
  #resumed: string[] = [];
  #down: Record<Activity, number> = noTimes();
  #up: Record<Activity, number> = noTimes();
  #wasOff = false;
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
      case "fact.tool":
        return summary["program"] === "work" ? this.#anew(event) : undefined;
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

  /** What the machine is doing. */
  get activity(): Activity {
    return this.#activity;
  }

  /** What came of it so far. */
  measured(): Measured {
    const down = { ...this.#down };
    const up = { ...this.#up };
    (this.#wasOff ? up : down)[this.#activity] += this.#last - this.#since;
    return {
      boots: [...this.#boots],
      down,
      up,
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
    (this.#wasOff ? this.#up : this.#down)[this.#activity] += vt - this.#since;
    this.#activity = activity;
    this.#since = vt;
  }

  /** The machine is as it is to be measured; what was before is preparation. */
  #anew(event: TraceEvent): void {
    this.#boots = [];
    this.#resumed = [];
    this.#down = noTimes();
    this.#up = noTimes();
    this.#wasOff = false;
    this.#committed = 0;
    this.#aborted = 0;
    this.#user = false;
    this.#kthreads = false;
    this.#activity = "person";
    this.#since = event.vt;
  }

  #reserve(pages: number): void {
    this.#reserved = Math.max(this.#reserved, pages);
  }

  /** What a loaded kernel takes from the one that runs: its segments, wherever they wait. */
  #load(summary: Summary): void {
    const { result, preserve, slot, list, region } = summary;
    if (result !== 0 || (preserve !== true && slot !== "crash")) return;
    // A region for crash kernels is set aside whole, and at boot.
    const [start, end] = typeof region === "string" ? region.split("-").map(Number) : [];
    if (start !== undefined && end !== undefined) {
      return this.#reserve(Math.ceil((end - start) / PAGE_BYTES));
    }
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
      if (this.#committed > 0 && !this.#wasOff) this.#state = state;
      this.#enter("off", event);
      this.#wasOff = true;
      return;
    }
    if (op === "loss") this.#enter("off", event);
  }

  #imageFact(event: TraceEvent): void {
    const { summary = {} } = event;
    const op = summary["op"] as Fact<"image">["op"];
    const id = String(summary["id"]);
    const bytes = summary["bytes"];
    // What was written counts, in the end; who loads it may tell what comes out of it.
    const reads = op === "load" || op === "check";
    if (typeof bytes === "number" && op !== "page" && !(reads && this.#bytes.has(id))) {
      this.#bytes.set(id, bytes);
    }
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
