/**
 * What a command line cannot be run for: a mistake of who wrote it, to be told with its place.
 *
 * @module
 */

/** See the module's header. */
export class ShellError extends Error {
  override readonly name = "ShellError";
}
