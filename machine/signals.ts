/**
 * Outside happenings that no actor sends (DESIGN.md, style rule R7): a union apart from messages.
 *
 * @module
 */

/** A signal to one actor. */
export type Signal =
  /** A timer that the actor asked for. */
  | { readonly kind: "timer"; readonly name: string }
  /**
   * The power goes away at once. The disk decides by `survivors` which cached writes reach the
   * medium: indices of pending writes, and for a torn one how many of its sectors.
   */
  | {
    readonly kind: "power_cut";
    readonly survivors: "none" | "all" | readonly number[];
    readonly torn?: { readonly index: number; readonly sectors: number };
  }
  /** A wake-up event happens at the device: an alarm is due, a button is pressed. */
  | { readonly kind: "wake" }
  /** A person is told what to do; the words are those of his behaviour. */
  | { readonly kind: "input"; readonly text: string };
