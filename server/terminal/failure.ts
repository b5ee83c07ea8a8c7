/**
 * What an error comes to on the command line: one sentence that says what, where and what to do
 * next, and an exit code (DESIGN.md 10).
 *
 * @module
 */
import {
  ActorFailure,
  DivergenceError,
  EXIT,
  FormatError,
  LimitError,
  ProtocolError,
  TransportError,
  UsageError,
} from "../../machine/errors.ts";
import { DiskFileError } from "../../machine/host/file_medium.ts";
import { TraceError } from "../../machine/trace/trace_error.ts";
import { TranscriptError } from "../transcript/transcript.ts";
import { RunFailure } from "./run_failure.ts";

/** See the module's header. */
export interface Failure {
  readonly code: number;
  readonly sentence: string;
}

/** The user stopped the run. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

const FULL = /no space left|disk quota exceeded|os error (?:28|122)\b|ENOSPC|EDQUOT/i;

/** What the host says, in words a user knows. */
export function hostSentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (FULL.test(error.message)) {
    return "the host's disk is full; make room or take another folder with --out";
  }
  if (error instanceof Deno.errors.NotFound) return "there is no such file or folder";
  if (error instanceof Deno.errors.AlreadyExists) return "there is a file of that name";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  if (error instanceof Deno.errors.NotADirectory) return "a part of the path is no folder";
  if (error instanceof Deno.errors.PermissionDenied) return "the host does not permit it";
  if (error instanceof Deno.errors.NotCapable) {
    return "this process was started without the right to; run it with 'deno task'";
  }
  if (/is a directory|os error 21\b/i.test(error.message)) return "it is a folder";
  return error.message;
}

function isHostError(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.IsADirectory;
}

function isLaboratoryError(error: unknown): error is Error {
  return error instanceof ProtocolError || error instanceof ActorFailure ||
    error instanceof TransportError || error instanceof DivergenceError;
}

function closed(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** The sentence and code of an error. */
export function failureOf(error: unknown): Failure {
  // What ended the run is the news; that something then would not end in its turn is not.
  if (error instanceof SuppressedError) return failureOf(error.suppressed);
  if (error instanceof RunFailure) {
    const { code, sentence } = failureOf(error.cause);
    if (error.trace === "") return { code, sentence };
    const where = `What was recorded, ${error.events} events, is in '${error.trace}'.`;
    return { code, sentence: `${sentence} ${where}` };
  }
  if (error instanceof Interrupted) return { code: EXIT.broken, sentence: closed(error.message) };
  if (error instanceof UsageError) return { code: EXIT.usage, sentence: closed(error.message) };
  const isFull = error instanceof Error && FULL.test(error.message);
  if (isFull) {
    return { code: EXIT.usage, sentence: closed(`Cannot go on: ${hostSentence(error)}`) };
  }
  if (
    error instanceof DiskFileError || error instanceof TraceError ||
    error instanceof TranscriptError
  ) {
    return { code: EXIT.usage, sentence: closed(error.message) };
  }
  if (error instanceof LimitError) {
    return {
      code: EXIT.usage,
      sentence: closed(`${error.message}; the limits stand in machine/limits.ts`),
    };
  }
  if (isHostError(error)) return { code: EXIT.usage, sentence: closed(hostSentence(error)) };
  if (error instanceof FormatError || isLaboratoryError(error)) {
    return {
      code: EXIT.internal,
      sentence: `Internal error: ${closed(error.message)} Run it again with --transport inline ` +
        "--stack and report what it prints.",
    };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    code: EXIT.internal,
    sentence: `Internal error: ${closed(message)} Run it again with --stack and report what it ` +
      "prints.",
  };
}
