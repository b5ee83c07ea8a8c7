/**
 * What a run failed with, in one sentence for the user: no path of the host, no stack.
 *
 * @module
 */
import {
  ActorFailure,
  DivergenceError,
  LimitError,
  ProtocolError,
  TransportError,
  UsageError,
} from "../../machine/errors.ts";
import { TraceError } from "../../machine/trace/trace_error.ts";

/** The most that is said of an error. */
const SENTENCE_CHARACTERS = 400;
const FULL = /no space left|disk quota exceeded|os error (?:28|122)\b|ENOSPC|EDQUOT/i;

/** Takes out what looks like a path or an address of the host. */
function withoutPaths(text: string): string {
  return text.replace(/(?:\b[a-z]+:\/\/|(?<![\w.])\/)[^\s'",;)]+/gi, "…");
}

function sentence(text: string): string {
  const [line = ""] = text.split("\n");
  const short = line.length > SENTENCE_CHARACTERS ? `${line.slice(0, SENTENCE_CHARACTERS)}…` : line;
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}

/** See the module's header. */
export function failureSentence(error: unknown): string {
  if (error instanceof SuppressedError) return failureSentence(error.suppressed);
  // What these say is about the simulated machine, whose paths are its own.
  if (
    error instanceof ProtocolError || error instanceof ActorFailure ||
    error instanceof DivergenceError || error instanceof LimitError ||
    error instanceof TransportError || error instanceof TraceError
  ) return sentence(error.message);
  if (error instanceof UsageError) return sentence(withoutPaths(error.message));
  if (error instanceof Error && FULL.test(error.message)) {
    return "The host's disk is full; make room and run it again.";
  }
  const name = error instanceof Error ? error.name : "unknown error";
  return `The laboratory failed in this run (${name}); that is a defect of it, not of the run.`;
}
