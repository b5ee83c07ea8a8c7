/**
 * Phases of device power management: their order, which undoes which, and who goes first
 * (protocol.md B.5.3).
 *
 * @module
 */

/** Rank of a phase on the way down to a jump. */
export const DOWN_RANK: { readonly [phase: string]: number } = {
  prepare: 0,
  freeze: 1,
  freeze_late: 2,
  freeze_noirq: 3,
};

/** Rank of a phase on the way up. */
export const UP_RANK: { readonly [phase: string]: number } = {
  restore_noirq: 1,
  thaw_noirq: 1,
  restore_early: 2,
  thaw_early: 2,
  restore: 3,
  thaw: 3,
  complete: 4,
};

/** The phase that an up phase undoes. */
export const UNDOES: { readonly [phase: string]: string } = {
  restore_noirq: "freeze_noirq",
  thaw_noirq: "freeze_noirq",
  restore_early: "freeze_late",
  thaw_early: "freeze_late",
  restore: "freeze",
  thaw: "freeze",
  complete: "prepare",
};

/** Phases that a device goes through only after all its children. */
export const CHILDREN_FIRST: ReadonlySet<string> = new Set([
  "freeze",
  "freeze_late",
  "freeze_noirq",
  "poweroff",
  "poweroff_late",
  "poweroff_noirq",
  "complete",
  "shutdown",
]);

/** Whether a phase belongs to the way up. */
export function isUp(phase: string): boolean {
  return Object.hasOwn(UP_RANK, phase);
}

/** Whether a phase belongs to the way down to a jump. */
export function isDown(phase: string): boolean {
  return Object.hasOwn(DOWN_RANK, phase);
}
