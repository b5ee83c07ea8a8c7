/**
 * What a run did, gathered from its events while they come: phases, jumps, the image's fate, what
 * kernels found when they looked at themselves, what the observer saw of RAM. It judges nothing.
 *
 * Memory is bounded by the number of phases, self-tests and tools of a run, not by its events.
 *
 * @module
 */
import { countPages, parseRuns } from "../../machine/formats/page_runs.ts";
import { blobDigest, type BlobSource } from "../../machine/trace/blobs.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { fieldText } from "../../machine/trace/phase_bands.ts";
import { type Phase, PhaseLog } from "./phases.ts";

/** A kernel's look at something of its own. */
export interface SelfTest {
  readonly kernel: string;
  readonly what: string;
  readonly name: string;
  readonly expected: string;
  readonly actual: string;
  readonly seq: number;
}

/** A program that failed, a panic, a fault: what a person wants to know first. */
export interface Trouble {
  readonly kernel: string;
  readonly text: string;
  readonly seq: number;
}

/** The image's fate; numbers are those of events. */
export interface ImageLog {
  id: string;
  /** Name of the kernel in it, where that is known. */
  of: string;
  pages: number;
  committed?: number;
  /** The flush after the commit was done. */
  commitFlushed?: number;
  checked?: number;
  loaded?: number;
  invalidated?: number;
  /** The flush after the invalidation was done. */
  invalidationFlushed?: number;
  aborted?: number;
}

/** What the observer saw at one moment. */
export interface Frames {
  readonly kernel: string;
  readonly when: "jump" | "return";
  readonly seq: number;
  /** One byte of `mem_map` flags for each frame. */
  readonly classes?: Uint8Array;
  /** CRC-32 of each frame, 4 bytes little-endian. */
  readonly sums?: Uint8Array;
}

/** One jump of the processor. */
export interface Jump {
  readonly from: string;
  readonly to: string;
  readonly entry: string;
  readonly seq: number;
}

/** See the module's header. */
export class RunLog {
  readonly #blobs: BlobSource;
  readonly #phases: PhaseLog = new PhaseLog();
  readonly boots: string[] = [];
  readonly prompts: Set<string> = new Set();
  readonly jumps: Jump[] = [];
  readonly resumed: { readonly kernel: string; readonly seq: number }[] = [];
  readonly selfTests: SelfTest[] = [];
  readonly troubles: Trouble[] = [];
  readonly frames: Frames[] = [];
  readonly image: ImageLog = { id: "", of: "", pages: 0 };
  /** A's load of B came back without an error. */
  loaded = false;
  /** Jump-back entry on B's command line. */
  entry = "";
  /** Number of the event of the power cut. */
  cut: number | undefined;
  /** What the last `check` ended with. */
  checkStatus: number | undefined;
  events = 0;
  /** Called when a phase begins. */
  onPhase: (name: string, startNs: number) => void = () => {};
  #lastLine = "";

  constructor(blobs: BlobSource) {
    this.#blobs = blobs;
  }

  /** Name of the phase at hand. */
  get phase(): string {
    return this.#phases.current;
  }

  /** Virtual time in ns of the last event. */
  get vt(): number {
    return this.#phases.lastNs;
  }

  /** The last line a kernel wrote on the console, prompts left out. */
  get lastLine(): string {
    return this.#lastLine;
  }

  phases(): Phase[] {
    return this.#phases.list();
  }

  /** Takes the next event. */
  take(event: TraceEvent): void {
    this.events++;
    const phase = this.#phases.take(event);
    if (phase !== undefined) this.onPhase(phase, event.vt);
    switch (event.kind) {
      case "note":
        return this.#fact(event);
      case "fault":
        if (event.type === "power.cut") this.cut = event.seq;
        return;
      case "send":
        if (event.type === "console.write") this.#written(event);
        return;
      default:
        return;
    }
  }

  #written(event: TraceEvent): void {
    if (event.summary?.["prompt"] === true) this.prompts.add(fieldText(event, "by"));
    else this.#lastLine = fieldText(event, "text");
  }

  #fact(event: TraceEvent): void {
    const kernel = fieldText(event, "k");
    switch (event.type) {
      case "fact.boot":
        this.boots.push(kernel);
        this.entry = /kexec_jump_back_entry=(0x[0-9a-f]+)/.exec(fieldText(event, "cmdline"))?.[1] ??
          this.entry;
        return;
      case "fact.load":
        this.loaded ||= event.summary?.["result"] === 0 && event.summary["preserve"] === true;
        return;
      case "fact.jump":
        this.jumps.push({
          from: fieldText(event, "from"),
          to: fieldText(event, "to"),
          entry: fieldText(event, "entry"),
          seq: event.seq,
        });
        return;
      case "fact.resumed":
        this.resumed.push({ kernel, seq: event.seq });
        return;
      case "fact.selftest":
        this.#selfTest(event, kernel);
        return;
      case "fact.image":
        return this.#imageOperation(event);
      case "fact.flush":
        if (fieldText(event, "op") === "done") this.#flushed(event.seq);
        return;
      case "fact.tool":
        return this.#tool(event, kernel);
      case "fact.panic":
        this.troubles.push({
          kernel,
          text: `panic: ${fieldText(event, "reason")}`,
          seq: event.seq,
        });
        return;
      case "fact.frame_classes":
        return this.#frames(event, kernel, "classes");
      case "fact.frames":
        return this.#frames(event, kernel, "sums");
    }
  }

  #selfTest(event: TraceEvent, kernel: string): void {
    this.selfTests.push({
      kernel,
      what: fieldText(event, "what"),
      name: fieldText(event, "name"),
      expected: fieldText(event, "expected"),
      actual: fieldText(event, "actual"),
      seq: event.seq,
    });
  }

  #tool(event: TraceEvent, kernel: string): void {
    const status = Number(event.summary?.["status"] ?? 0);
    const program = fieldText(event, "program");
    if (program === "check") this.checkStatus = status;
    if (status === 0) return;
    const message = fieldText(event, "message");
    const text = `'${program}' ended with ${status}${message === "" ? "" : `: ${message}`}`;
    this.troubles.push({ kernel, text, seq: event.seq });
  }

  /** Classes and sums of one moment come in either order. */
  #frames(event: TraceEvent, kernel: string, part: "classes" | "sums"): void {
    const when = fieldText(event, "when") === "jump" ? "jump" : "return";
    const bytes = this.#bytes(event);
    const given = bytes === undefined ? {} : { [part]: bytes };
    const last = this.frames.at(-1);
    const goesOn = last?.kernel === kernel && last.when === when && last[part] === undefined;
    if (goesOn) this.frames[this.frames.length - 1] = { ...last, ...given };
    else this.frames.push({ kernel, when, seq: event.seq, ...given });
  }

  #imageOperation(event: TraceEvent): void {
    const { image } = this;
    const { seq } = event;
    const of = fieldText(event, "of");
    if (of !== "") image.of = of;
    switch (fieldText(event, "op")) {
      case "begin":
        Object.assign(image, { id: fieldText(event, "id"), pages: 0 });
        return;
      case "page":
        image.pages += this.#pages(event);
        return;
      case "commit":
        image.committed = seq;
        return;
      case "check":
        image.checked = seq;
        if (image.id === "") image.id = fieldText(event, "id");
        return;
      case "load":
        image.loaded = seq;
        return;
      case "invalidate":
        image.invalidated = seq;
        return;
      case "abort":
        image.aborted = seq;
        return;
    }
  }

  #pages(event: TraceEvent): number {
    const inline = fieldText(event, "runs");
    if (inline !== "") return countPages(parseRuns(inline));
    const bytes = this.#bytes(event);
    return bytes === undefined ? 0 : countPages(parseRuns(new TextDecoder().decode(bytes)));
  }

  #flushed(seq: number): void {
    const { image } = this;
    if (image.committed !== undefined) image.commitFlushed ??= seq;
    if (image.invalidated !== undefined) image.invalidationFlushed ??= seq;
  }

  #bytes({ blob }: TraceEvent): Uint8Array | undefined {
    return blob === undefined ? undefined : this.#blobs.get(blobDigest(blob));
  }
}
