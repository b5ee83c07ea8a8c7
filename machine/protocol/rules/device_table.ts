/**
 * Phases of device power management: their order, which undoes which, and who goes first
 * (protocol.md B.5.3). Three families go down: freeze for a jump or a copy, suspend where its
 * callbacks stand in for those of freeze, and poweroff.
 *
 * @module
 */

/** Levels of going down. */
export const LEVELS = ["prepare", "freeze", "freeze_late", "freeze_noirq"] as const;

/** Level of a phase on the way down. */
export const DOWN_RANK: { readonly [phase: string]: number } = {
  prepare: 0,
  freeze: 1,
  freeze_late: 2,
  freeze_noirq: 3,
  suspend: 1,
  suspend_late: 2,
  suspend_noirq: 3,
  poweroff: 1,
  poweroff_late: 2,
  poweroff_noirq: 3,
};

/** Rank of a phase on the way up. */
export const UP_RANK: { readonly [phase: string]: number } = {
  restore_noirq: 1,
  thaw_noirq: 1,
  resume_noirq: 1,
  restore_early: 2,
  thaw_early: 2,
  resume_early: 2,
  restore: 3,
  thaw: 3,
  resume: 3,
  complete: 4,
};

/** The level whose phase an up phase undoes; undefined for other phases. */
export function undoneLevel(phase: string): number | undefined {
  const rank = UP_RANK[phase];
  return rank === undefined ? undefined : LEVELS.length - rank;
}

/** Phases that a device goes through only after all its children. */
export const CHILDREN_FIRST: ReadonlySet<string> = new Set([
  "freeze",
  "freeze_late",
  "freeze_noirq",
  "suspend",
  "suspend_late",
  "suspend_noirq",
  "poweroff",
  "poweroff_late",
  "poweroff_noirq",
  "complete",
  "shutdown",
]);

/** Whether a phase belongs to the way up. */
export function isDeviceUp(phase: string): boolean {
  return Object.hasOwn(UP_RANK, phase);
}

/** Whether a phase belongs to the way down, be it to a jump, a copy or power-off. */
export function isDeviceDown(phase: string): boolean {
  return Object.hasOwn(DOWN_RANK, phase);
}

/** Whether a phase makes a device stand still for a jump or a copy. */
export function isQuieting(phase: string): boolean {
  return isDeviceDown(phase) && phase !== "prepare" && !phase.startsWith("poweroff");
}

/** Whether after a phase the device raises no interrupt. */
export function isQuiet(phase: string): boolean {
  return phase === "freeze_noirq" || phase === "suspend_noirq";
}
