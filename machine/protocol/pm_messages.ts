/**
 * Messages of device power management and the callbacks they mean (protocol.md B.5.3).
 *
 * @module
 */
import type { Fact } from "./facts.ts";

/** A power-management message. */
export type PmMessage = Fact<"phase">["message"];

/** A callback. */
export type PhaseName = Fact<"phase">["name"];

/** The callbacks of a message are named after this word. */
export const PHASE_FAMILY = {
  FREEZE: "freeze",
  QUIESCE: "freeze",
  HIBERNATE: "poweroff",
  SUSPEND: "suspend",
  THAW: "thaw",
  RECOVER: "thaw",
  RESTORE: "restore",
  RESUME: "resume",
} as const satisfies Record<PmMessage, PhaseName>;

/** That word of a message by its name; `undefined` for a name that is none. */
export function phaseFamily(message: string): PhaseName | undefined {
  return Object.hasOwn(PHASE_FAMILY, message) ? PHASE_FAMILY[message as PmMessage] : undefined;
}
