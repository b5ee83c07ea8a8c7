/**
 * The boot loader's state: plain data, gone when the kernel is entered.
 *
 * @module
 */
import type { Out } from "../../machine/actor.ts";
import type { E820Entry } from "../../machine/formats/e820_table.ts";
import type { LoadPlan } from "./load_plan.ts";
import type { LoaderConf, LoaderEntry } from "./loader_conf.ts";
import type { ResumeState } from "./resume_state.ts";

/** Name under which it asks for memory and sectors. */
export const BY = "loader";

/** What it is doing. */
export type Stage =
  | "waiting"
  | "tables"
  | "config"
  | "menu"
  | "files"
  | "moving"
  | ResumeStage
  | "ended";

/** What it is doing while it resumes an image, in this order. */
export type ResumeStage =
  /** Reads what is said about the image. */
  | "image"
  /** Follows the chain of logical partitions to the one with the image. */
  | "chain"
  /** Finds where the image's blocks are. */
  | "extents"
  /** Puts pages and sums in place. */
  | "placing"
  /** Compares the pages with the sums. */
  | "sums"
  | "verifying"
  /** Looks at the code that is to be entered. */
  | "entry"
  /** Takes the image its name, and has that on the medium. */
  | "invalidating"
  | "writing"
  | "flushing"
  /** Puts the word at the top of the stack. */
  | "handing over";

/** A plan whose header is hexadecimal text, so that the state is plain data. */
export type PlainPlan = Omit<LoadPlan, "setupHeader"> & { readonly setupHeader: string };

/** See the module's header. */
export interface LoaderState {
  stage: Stage;
  e820Address: number;
  e820: readonly E820Entry[];
  rsdpAddress: number;
  /** First sector of the partition that blocks are read from. */
  firstSector: number;
  /** First sectors of the boot partition and of the hibernating one. */
  bootSector: number;
  imageSector: number;
  /** Number of the partition with the image. */
  imagePartition: number;
  /** Blocks in the buffer, in the order of its frames. */
  blocks: number[];
  /** Answers that are still to come: of block reads, then of moves, then of writes. */
  waiting: number;
  conf: LoaderConf | null;
  chosen: LoaderEntry | null;
  commandLine: string;
  plan: PlainPlan | null;
  /** Next move of the plan. */
  nextMove: number;
  resume: ResumeState | null;
}

/** The state at the start. */
export function freshLoader(): LoaderState {
  return {
    stage: "waiting",
    e820Address: 0,
    e820: [],
    rsdpAddress: 0,
    firstSector: 0,
    bootSector: 0,
    imageSector: 0,
    imagePartition: 0,
    blocks: [],
    waiting: 0,
    conf: null,
    chosen: null,
    commandLine: "",
    plan: null,
    nextMove: 0,
    resume: null,
  };
}

/** Prints a line. */
export function print(out: Out, line: string): void {
  out.send("console", "console.write", { by: BY, text: line, prompt: false });
}

/** Gives up: one sentence on the console, and the processor stops. */
export function fail(state: LoaderState, out: Out, reason: string): void {
  state.stage = "ended";
  print(out, `Cannot boot: ${reason}.`);
  out.send("cpu", "cpu.halt", { reason: `boot loader: ${reason}` });
}
