/**
 * The part of `@std/cli` in use here: see std/README.md.
 *
 * @module
 */
export * from "./parse_args.ts";
export * from "./unicode_width.ts";
