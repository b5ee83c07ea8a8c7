/**
 * Procedures: what a kernel or a program does, as named lists of steps (DESIGN.md 3). A step asks
 * something of somebody and says what to do with the answer; where it can be undone it says how.
 * When a step fails, the steps done before it are undone in reverse, as a kernel's ladder of
 * gotos does, and the error is returned to the caller.
 *
 * The pair (procedure, step) and the variables are data in the process's frame, so a procedure
 * can stop anywhere and go on in another actor, another process, another week.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { Body, MessageType } from "../../machine/messages/vocabulary.ts";
import type { Kernel } from "./kernel_context.ts";
import type { Vars } from "./state.ts";

/** What a step wants to happen next. */
export type Next =
  /** Go on with the following step (or, after the last, return `0`). */
  | { readonly do: "next" }
  /** Go to the step of that name. */
  | { readonly do: "goto"; readonly step: string }
  /** Return a value to the caller. */
  | { readonly do: "return"; readonly value: Plain }
  /** Fail with an errno (positive): undo what was done, return the negative. */
  | { readonly do: "fail"; readonly errno: number }
  /** Send a request; its answer goes to the step's `then`. */
  | {
    readonly do: "ask";
    readonly target: string;
    readonly type: MessageType;
    readonly body: object;
  }
  /** Run another procedure; its value goes to the step's `then`. */
  | { readonly do: "call"; readonly procedure: string; readonly vars: Vars }
  /** Wait for the end of processes; their statuses go to `then`. */
  | { readonly do: "wait"; readonly pids: readonly number[] }
  /** Wait for a typed line. */
  | { readonly do: "read_line" }
  /** Leave the processor; what comes back goes to `then`. */
  | { readonly do: "leave" };

/** What an answer is: a message's body, a procedure's value, statuses, a line. */
export type Answer = Plain;

/** One step. */
export interface Step {
  readonly name: string;
  run(kernel: Kernel, vars: Vars): Next;
  /** With the answer; the access reaches the grants that came with it. Default: next. */
  then?(kernel: Kernel, vars: Vars, answer: Answer, access: Access): Next;
  /** Undoes the step; may ask or call once (the answer is dropped). */
  undo?(kernel: Kernel, vars: Vars): Next;
}

/** A named list of steps. */
export interface Procedure {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Declares a procedure. */
export function procedure(name: string, steps: readonly Step[]): Procedure {
  return { name, steps };
}

/** Go on with the following step. */
export const next: Next = { do: "next" };

/** Go to a step by name. */
export function goto(step: string): Next {
  return { do: "goto", step };
}

/** Return a value to the caller. */
export function done(value: Plain = 0): Next {
  return { do: "return", value };
}

/** Fail with an errno. */
export function fail(errno: number): Next {
  return { do: "fail", errno };
}

/** Send a request; the tag is put in by the interpreter. */
export function ask<T extends MessageType>(
  target: string,
  type: T,
  body: Omit<Body<T>, "tag">,
): Next {
  return { do: "ask", target, type, body };
}

/** Run another procedure. */
export function call(name: string, vars: Vars = {}): Next {
  return { do: "call", procedure: name, vars };
}

/** Fail if a called procedure returned a negative errno, else go on. */
export function orFail(value: Answer): Next {
  return typeof value === "number" && value < 0 ? fail(-value) : next;
}
