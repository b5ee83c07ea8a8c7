/**
 * An error in words for the person.
 *
 * @module
 */

/** The sentence. */
export function messageOf(error: unknown): string {
  if (error instanceof TypeError) return "The server does not answer; it may have been stopped.";
  return error instanceof Error ? error.message : String(error);
}
