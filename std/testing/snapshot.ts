/**
 * Values compared with the text of an earlier run, as `@std/testing/snapshot` does, in the same
 * files: `__snapshots__/NAME.snap` beside the test. `deno test … -- --update` writes them anew (and
 * then needs leave to write); without it a difference or a missing snapshot fails.
 *
 * @module
 */
import { AssertionError } from "node:assert/strict";
import { escapeText, readSnapshots, writeSnapshots } from "./_snapshot_file.ts";

/** Compare, or write anew. */
export type SnapshotMode = "assert" | "update";

/** How a snapshot is taken. */
export interface SnapshotOptions<T = unknown> {
  /** Folder of the snapshot file, relative to the test's. */
  dir?: string;
  /** By default `update` if the arguments have `--update` or `-u`, else `assert`. */
  mode?: SnapshotMode;
  /** What the error says instead of showing the difference. */
  msg?: string;
  /** Name of the snapshot; by default that of the test, with the steps that lead to it. */
  name?: string;
  /** The snapshot file, relative to the test's folder. */
  path?: string;
  /** Makes the text; by default {@linkcode serialize}. */
  serializer?: (actual: T) => string;
}

/** The text of a value: every level, every entry, keys sorted, one to a line. */
export function serialize(actual: unknown): string {
  return Deno.inspect(actual, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
    breakLength: Infinity,
    escapeSequences: false,
  }).replaceAll("\r", "\\r");
}

/** One snapshot file during a run. */
class SnapshotFile {
  readonly #url: URL;
  readonly #before: ReadonlyMap<string, string>;
  readonly #counts = new Map<string, number>();
  readonly #seen = new Map<string, string>();
  #changed = 0;
  #updates = false;

  constructor(url: URL) {
    this.#url = url;
    this.#before = readSnapshots(url);
  }

  /** The next key for a name: `name 1`, `name 2`, … */
  nextKey(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return `${name} ${count}`;
  }

  /** The text of the earlier run, if it has the key. */
  wanted(key: string): string | undefined {
    return this.#before.get(key);
  }

  /** Notes a snapshot that was met, in the order of the run. */
  note(key: string, text: string, mode: SnapshotMode): void {
    if (mode === "update") {
      if (!this.#updates) addEventListener("unload", () => this.#write());
      this.#updates = true;
      if (this.wanted(key) !== text) this.#changed++;
    }
    this.#seen.set(key, mode === "update" ? text : this.wanted(key) ?? text);
  }

  #write(): void {
    const removed = [...this.#before.keys()].filter((key) => !this.#seen.has(key)).length;
    const inOrder = [...this.#seen.keys()].join("\n") === [...this.#before.keys()].join("\n");
    if (this.#changed === 0 && removed === 0 && inOrder) return;
    writeSnapshots(this.#url, this.#seen);
    // deno-lint-ignore no-console
    if (this.#changed > 0) console.log(`\n > ${this.#changed} snapshots updated.`);
    // deno-lint-ignore no-console
    if (removed > 0) console.log(`\n > ${removed} snapshots removed.`);
  }
}

const files = new Map<string, SnapshotFile>();

function fileOf(context: Deno.TestContext, options: SnapshotOptions<never>): SnapshotFile {
  const base = new URL(context.origin);
  const name = base.pathname.slice(base.pathname.lastIndexOf("/") + 1);
  const inside = options.dir === undefined ? "__snapshots__" : options.dir.replace(/\/$/, "");
  const url = new URL(options.path ?? `${inside}/${name}.snap`, base);
  const file = files.get(url.href) ?? new SnapshotFile(url);
  files.set(url.href, file);
  return file;
}

function fullName(context: Deno.TestContext): string {
  return context.parent === undefined
    ? context.name
    : `${fullName(context.parent)} > ${context.name}`;
}

/**
 * Asserts that the value's text is that of the snapshot.
 *
 * @throws {AssertionError} if it differs or there is no such snapshot.
 */
// deno-lint-ignore require-await -- the real function is asynchronous
export async function assertSnapshot<T>(
  context: Deno.TestContext,
  actual: T,
  options: SnapshotOptions<T> | string = {},
): Promise<void> {
  const given = typeof options === "string" ? { msg: options } : options;
  const mode = given.mode ??
    (Deno.args.some((one) => one === "--update" || one === "-u") ? "update" : "assert");
  const file = fileOf(context, given);
  const key = file.nextKey(given.name ?? fullName(context));
  const text = (given.serializer ?? serialize)(actual);
  file.note(key, text, mode);
  const wanted = file.wanted(key);
  if (mode === "update" || wanted === text) return;
  const message = given.msg ??
    (wanted === undefined
      ? `Missing snapshot: ${escapeText(key)}; run again with '-- --update' to write it`
      : `Snapshot '${key}' does not match:\n\n  wanted:\n${wanted}\n\n  actual:\n${text}\n`);
  throw new AssertionError({ message, actual: text, expected: wanted });
}
