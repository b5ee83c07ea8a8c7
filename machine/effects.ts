/**
 * What a step did, as values: the scheduler alone turns them into events and deliveries. The
 * order of the list is the order in which they happened.
 *
 * @module
 */
import type { Plain } from "./messages/shape.ts";
import type { Summary } from "./trace/event.ts";

/** One effect. */
export type Effect =
  | {
    readonly kind: "send";
    readonly target: string;
    readonly type: string;
    readonly body: Plain;
    readonly after: number;
  }
  | { readonly kind: "timer"; readonly name: string; readonly after: number }
  | {
    readonly kind: "fact";
    readonly name: string;
    readonly fields: Summary;
    /** Bytes too long for the summary, in hexadecimal. */
    readonly blob?: string;
  }
  | {
    readonly kind: "spawn";
    readonly name: string;
    readonly behaviour: string;
    readonly config: Plain;
  }
  | { readonly kind: "dispose"; readonly name: string }
  | { readonly kind: "power"; readonly op: "on" | "off" | "reset" }
  | { readonly kind: "finish"; readonly outcome: string };

/** What came of one step. */
export interface StepResult {
  readonly effects: readonly Effect[];
  /** Label of the state after it. */
  readonly label: string;
  /** Why it failed, where it did. */
  readonly failure?: { readonly name: string; readonly message: string };
}
