/**
 * A folder that a run writes. It belongs to one run at a time: the run holds a file lock in it,
 * which the host gives back by itself when the process ends, in whatever way. Every file is
 * written under a name with `.part` and gets its own name when it is whole; what is unfinished
 * when the run fails or is interrupted is removed.
 *
 * @module
 */
import { UsageError } from "../../machine/errors.ts";
import { hostSentence } from "./failure.ts";

const LOCK = ".kjump.lock";
const PART = ".part";

/** Joins a folder and a name; "." is left out. */
export function joined(folder: string, name: string): string {
  if (folder === "" || folder === ".") return name;
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** The folder part of a path; "." where there is none. */
export function folderOf(path: string): string {
  const slash = path.replaceAll("\\", "/").lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : path.slice(0, slash);
}

/** Runs an operation of the host; a failure of it is a UsageError that names the path. */
export function onHost<T>(path: string, what: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`Cannot ${what} '${path}': ${hostSentence(error)}`, { cause: error });
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    // It was never made, or somebody removed it; there is nothing to be told.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** See the module's header. */
export class OutputFolder implements Disposable {
  readonly path: string;
  readonly #lock: Deno.FsFile;
  readonly #pending: Set<string> = new Set();
  #open = true;

  /** @throws {UsageError} if it cannot be made or another run holds it. */
  constructor(path: string) {
    this.path = path;
    onHost(path, "make the folder", () => Deno.mkdirSync(path, { recursive: true }));
    const lockPath = joined(path, LOCK);
    const options = { read: true, write: true, create: true };
    this.#lock = onHost(lockPath, "open", () => Deno.openSync(lockPath, options));
    const got = onHost(lockPath, "lock", () => this.#lock.tryLockSync(true));
    if (got) return;
    this.#lock.close();
    throw new UsageError(
      `Another run is writing '${path}' (it holds the lock '${lockPath}'); ` +
        "wait for it to end, or take another folder with --out",
    );
  }

  /** The path of a file in the folder. */
  file(name: string): string {
    return joined(this.path, name);
  }

  /** A path to write to until {@linkcode finish}; what stood there is removed. */
  part(name: string): string {
    const path = this.file(name) + PART;
    onHost(path, "remove", () => removeQuietly(path));
    this.#pending.add(name);
    return path;
  }

  /** The file or folder is whole: gives it its name, in the place of an older one. */
  finish(name: string): string {
    const path = this.file(name);
    onHost(path, "replace", () => {
      if (Deno.lstatSync(path + PART).isDirectory) removeQuietly(path);
      Deno.renameSync(path + PART, path);
    });
    this.#pending.delete(name);
    return path;
  }

  /** Writes a whole file. */
  write(name: string, content: Uint8Array | string): string {
    const path = this.part(name);
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    onHost(path, "write", () => Deno.writeFileSync(path, bytes));
    return this.finish(name);
  }

  /** Removes a file of an earlier run that this one does not write. */
  discard(name: string): void {
    const path = this.file(name);
    onHost(path, "remove", () => removeQuietly(path));
  }

  /** Removes what is unfinished and gives the folder back. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      for (const name of this.#pending) removeQuietly(this.file(name) + PART);
      removeQuietly(this.file(LOCK));
    } finally {
      this.#lock.close();
    }
  }
}
