/**
 * A disk's durable bytes in a file of the host.
 *
 * Reads and writes are whole or an error that names the path; `sync` returns when the data is on
 * the host's disk. Two media over one file see each other's writes.
 *
 * @module
 */
import type { Medium } from "../medium.ts";

/** What went wrong with a disk file. */
export class DiskFileError extends Error {
  override readonly name = "DiskFileError";
  readonly path: string;
  constructor(path: string, message: string, cause?: unknown) {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    super(`Disk file '${path}': ${message}${why}`, cause === undefined ? {} : { cause });
    this.path = path;
  }
}

/** Runs an operation of the host and says which file it was about if it fails. */
function about<T>(path: string, what: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (error instanceof DiskFileError) throw error;
    throw new DiskFileError(path, `cannot ${what}`, error);
  }
}

/**
 * Makes a file of `byteLength` zero bytes that takes no room until it is written.
 *
 * @throws {DiskFileError} if it exists already or cannot be made.
 */
export function createDiskFile(path: string, byteLength: number): void {
  about(path, "create it", () => {
    using file = Deno.openSync(path, { write: true, createNew: true });
    file.truncateSync(byteLength);
  });
}

/** See the module's header. */
export class FileMedium implements Medium {
  readonly path: string;
  readonly byteLength: number;
  readonly #file: Deno.FsFile;

  /** @throws {DiskFileError} if the file cannot be opened for reading and writing. */
  constructor(path: string) {
    this.path = path;
    this.#file = about(path, "open it", () => Deno.openSync(path, { read: true, write: true }));
    this.byteLength = about(path, "look at it", () => this.#file.statSync().size);
  }

  read(offset: number, target: Uint8Array): void {
    this.#seek(offset, target.length);
    about(this.path, `read at ${offset}`, () => {
      for (let done = 0; done < target.length;) {
        const count = this.#file.readSync(target.subarray(done));
        if (count === null) {
          throw new DiskFileError(this.path, `ends at ${offset + done}, it was cut short`);
        }
        done += count;
      }
    });
  }

  write(offset: number, content: Uint8Array): void {
    this.#seek(offset, content.length);
    about(this.path, `write at ${offset}`, () => {
      for (let done = 0; done < content.length;) {
        done += this.#file.writeSync(content.subarray(done));
      }
    });
  }

  sync(): void {
    about(this.path, "sync it", () => this.#file.syncDataSync());
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  #seek(offset: number, length: number): void {
    if (offset < 0 || offset + length > this.byteLength) {
      const end = this.byteLength;
      throw new DiskFileError(this.path, `${length} bytes at ${offset} pass its end at ${end}`);
    }
    about(this.path, `seek to ${offset}`, () => this.#file.seekSync(offset, Deno.SeekMode.Start));
  }
}
