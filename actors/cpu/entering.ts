/**
 * The request to run the bytes at an address, from wherever it comes.
 *
 * @module
 */
import { STAMP_BYTES } from "../../machine/formats/stamp.ts";
import { readThen, type Requesting } from "./steps.ts";

/** Which code is to run, and how it was come to. */
export interface Entering {
  readonly entry: number;
  readonly sp: number;
  readonly word: number;
  readonly argument: number;
  readonly preserve: boolean;
  readonly from: string;
  /** Whether a control page brought us here. */
  readonly jump: boolean;
}

/** Begins to run the bytes at an address. */
export function enter(context: Requesting, how: Entering): void {
  const vars = { ...how, by: how.from };
  readThen({ ...context, vars }, how.entry, STAMP_BYTES, "enter.stamp");
}
