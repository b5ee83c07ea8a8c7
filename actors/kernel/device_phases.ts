/**
 * The phases of device power management by message (protocol.md B.5.3): which callbacks a message
 * means, which of them belong together, and where a driver stands between them.
 *
 * @module
 */
import {
  PHASE_FAMILY,
  type PhaseName,
  type PmMessage,
} from "../../machine/protocol/pm_messages.ts";

export type { PhaseName, PmMessage };

/** Which of a message's callbacks: down prepare, main, late, noirq; up noirq to complete. */
export type Place = "prepare" | "main" | "late" | "noirq" | "early" | "complete";

/** How far down a driver is behind a callback of the way down; `active` is 0. */
const LEVELS = ["active", "prepare", "", "_late", "_noirq"] as const;
const DOWN = new Set(["freeze", "poweroff", "suspend"]);
const UP = new Set(["thaw", "restore", "resume"]);

/** The callback at a place of a message. */
export function phaseName(message: PmMessage, place: Place): PhaseName {
  if (place === "prepare" || place === "complete") return place;
  const family: string = PHASE_FAMILY[message];
  const name = place === "main" ? family : `${family}_${place}`;
  // Every family of the table has these places; the fact's declaration lists them all.
  return name as PhaseName;
}

function familyOf(phase: string): string {
  return phase.split("_")[0] ?? "";
}

/** Whether a callback belongs to the way down. */
export function isDown(phase: string): boolean {
  return phase === "prepare" || DOWN.has(familyOf(phase));
}

/** Whether a callback belongs to the way up. */
export function isUp(phase: string): boolean {
  return phase === "complete" || UP.has(familyOf(phase));
}

/** Whether a callback comes to children before their parents. */
export function childrenFirst(phase: string): boolean {
  return phase !== "prepare" && !UP.has(familyOf(phase));
}

/** Whether a callback of the way up may program the device's registers again. */
export function programs(phase: string): boolean {
  return familyOf(phase) === "restore" || familyOf(phase) === "resume";
}

/** How far down a driver is, by the name of the callback it stands behind: 0 to 4. */
export function levelOf(standing: string): number {
  if (standing === "active") return 0;
  if (standing === "prepare") return 1;
  return standing.endsWith("_noirq") ? 4 : standing.endsWith("_late") ? 3 : 2;
}

/** The level a driver must be at to take part; `undefined` where all take part. */
export function levelBefore(phase: string): number | undefined {
  if (isDown(phase)) return levelOf(phase) - 1;
  if (phase === "complete") return 1;
  if (!isUp(phase)) return undefined;
  return phase.endsWith("_noirq") ? 4 : phase.endsWith("_early") ? 3 : 2;
}

/** Where a driver stands after a callback: on the way up one level higher, in its own family. */
export function phaseAfter(standing: string, phase: string): string {
  if (isDown(phase)) return phase;
  if (!isUp(phase)) return standing;
  const level = (levelBefore(phase) ?? 0) - 1;
  if (level <= 1) return LEVELS[level === 1 ? 1 : 0];
  return `${familyOf(standing)}${level === 3 ? "_late" : ""}`;
}
