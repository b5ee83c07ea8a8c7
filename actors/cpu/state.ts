/**
 * The processor's state: registers, which processors are online, who runs, and the micro-program
 * it is in the middle of.
 *
 * @module
 */
import type { Plain } from "../../machine/messages/shape.ts";
import type { Registers } from "./registers.ts";

/** Variables of a micro-program. */
export type JobVars = { [name: string]: Plain };

/** A micro-program that waits for the memory controller: which step takes the answer. */
export interface Job {
  step: string;
  vars: JobVars;
}

/** See the module's header. */
export interface CpuState {
  readonly count: number;
  readonly jumpNs: number;
  /** What a kernel's own initialisation takes, in virtual ns. */
  readonly kernelBootNs: number;
  /** Behaviours of kernels that were brought along, by the version in their stamp. */
  readonly guests: { readonly [version: string]: string };
  /** Bytes one processor compresses and expands in a second of virtual time. */
  readonly compressBytesPerSecond: number;
  readonly expandBytesPerSecond: number;
  online: number;
  registers: Registers;
  interrupts: boolean;
  /** Name of the program that runs, empty for none. */
  running: string;
  /** Whether it is a kernel. */
  kernel: boolean;
  job: Job | null;
  /** Requests of the running kernel that came while a job ran. */
  pending: { readonly line: number; readonly device: string; readonly wake?: boolean }[];
  nextTag: number;
}
