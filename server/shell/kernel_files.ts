/**
 * The file system that the shell language works on: every operation is a system call of the kernel
 * behind the prompt. Nothing is kept here; what is in /bin and /usr/bin are the commands' names.
 *
 * @module
 */
import type { FileContent, FsStat, IFileSystem } from "just-bash";
import { errnoName, errnoText } from "../../actors/kernel/errno.ts";
import { bytesOfText, textOfBytes } from "../../actors/kernel/memory_files.ts";
import { SHELL_FILE_BYTES } from "../../actors/kernel/shell_files.ts";
import { fieldOf, isError, listOf } from "../../actors/kernel/values.ts";
import type { Plain } from "../../machine/messages/shape.ts";

type ReadOptions = Parameters<IFileSystem["readFile"]>[1];
type WriteOptions = Parameters<IFileSystem["writeFile"]>[2];

const BIN = /^\/(?:usr\/)?bin(?:\/([^/]+))?$/;

/** Asks the kernel; a negative errno is an error. */
export type Ask = (call: Plain) => Promise<Plain>;

/** A system call's error, in the form that the shell's commands know. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  readonly code: string;
  /** What a shell says of it. */
  readonly complaint: string;

  constructor(errno: number, operation: string, path: string) {
    const code = errnoName(errno);
    const limit = code === "EFBIG" ? ` (a shell carries ${SHELL_FILE_BYTES / 1024} KiB)` : "";
    super(`${code}: ${errnoText(errno).toLowerCase()}${limit}, ${operation} '${path}'`);
    this.code = code;
    const what = operation === "write" ? "echo: write error" : path;
    this.complaint = `bash: ${what}: ${errnoText(errno)}${limit}`;
  }
}

function encodingOf(options: ReadOptions | WriteOptions): string {
  return (typeof options === "string" ? options : options?.encoding) ?? "utf8";
}

function isLatin(encoding: string): boolean {
  return encoding === "binary" || encoding === "latin1";
}

/** Content as text whose characters are bytes. */
function dataOf(content: FileContent, options: WriteOptions): string {
  if (typeof content !== "string") return textOfBytes(content);
  return isLatin(encodingOf(options)) ? content : textOfBytes(new TextEncoder().encode(content));
}

/** Absolute path without `.` and `..`. */
export function resolvePath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : `${base}/`}${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** See the module's header. */
export class KernelFiles implements IFileSystem {
  readonly #ask: Ask;
  readonly #commands: ReadonlySet<string>;
  /** Files whose writing is put off to the end of the line, because it may leave the processor. */
  readonly #leaving: ReadonlySet<string>;
  /** What is to be written there. */
  pending: { readonly path: string; readonly data: string } | undefined;

  constructor(ask: Ask, commands: ReadonlySet<string>, leaving: ReadonlySet<string>) {
    this.#ask = ask;
    this.#commands = commands;
    this.#leaving = leaving;
  }

  async #call(operation: string, path: string, more: Record<string, Plain> = {}): Promise<Plain> {
    const value = await this.#ask({ do: operation, path, ...more });
    if (isError(value)) throw new SystemCallError(value, operation, path);
    return value;
  }

  async #read(path: string): Promise<string> {
    const value = await this.#call("read", path);
    return typeof value === "string" ? value : "";
  }

  async readFile(path: string, options?: ReadOptions): Promise<string> {
    const data = await this.#read(path);
    return isLatin(encodingOf(options)) ? data : new TextDecoder().decode(bytesOfText(data));
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    return bytesOfText(await this.#read(path));
  }

  async writeFile(path: string, content: FileContent, options?: WriteOptions): Promise<void> {
    const data = dataOf(content, options);
    if (this.#leaving.has(path)) {
      if (data !== "") this.pending = { path, data };
      return;
    }
    // A redirection makes the file empty first: that is its opening.
    const value = await this.#ask({ do: "write", path, data });
    if (isError(value)) throw new SystemCallError(value, data === "" ? "open" : "write", path);
  }

  async appendFile(path: string, content: FileContent, options?: WriteOptions): Promise<void> {
    await this.#call("write", path, { data: dataOf(content, options), append: true });
  }

  async exists(path: string): Promise<boolean> {
    const bin = BIN.exec(path);
    if (bin !== null) return bin[1] === undefined || this.#commands.has(bin[1]);
    return !isError(await this.#ask({ do: "stat", path }));
  }

  async stat(path: string): Promise<FsStat> {
    const bin = BIN.exec(path);
    if (bin !== null) {
      const [, name] = bin;
      if (name !== undefined && !this.#commands.has(name)) {
        throw new SystemCallError(-2, "stat", path);
      }
      return statOf({ kind: name === undefined ? "directory" : "file", size: 0, mode: 0o755 });
    }
    return statOf(await this.#call("stat", path));
  }

  lstat(path: string): Promise<FsStat> {
    return this.stat(path);
  }

  async mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    if (options?.recursive !== true) {
      await this.#call("mkdir", path);
      return;
    }
    const parts = path.split("/").filter((part) => part !== "");
    for (let count = 1; count <= parts.length; count++) {
      const folder = `/${parts.slice(0, count).join("/")}`;
      if (!await this.exists(folder)) await this.#call("mkdir", folder);
    }
  }

  async readdir(path: string): Promise<string[]> {
    if (BIN.test(path)) return [...this.#commands].sort();
    return listOf(await this.#call("list", path)).map(String);
  }

  async rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    const known = await this.#ask({ do: "stat", path });
    if (isError(known)) {
      if (options?.force === true) return;
      throw new SystemCallError(known, "unlink", path);
    }
    if (fieldOf(known, "kind") !== "directory") {
      await this.#call("unlink", path);
      return;
    }
    if (options?.recursive === true) {
      for (const name of await this.readdir(path)) await this.rm(`${path}/${name}`, options);
    }
    await this.#call("rmdir", path);
  }

  async cp(from: string, to: string): Promise<void> {
    await this.#call("write", to, { data: await this.#read(from) });
  }

  async mv(from: string, to: string): Promise<void> {
    const value = await this.#ask({ do: "rename", path: from, to });
    if (!isError(value)) return;
    if (errnoName(value) !== "EXDEV") throw new SystemCallError(value, "rename", from);
    await this.cp(from, to);
    await this.#call("unlink", from);
  }

  resolvePath(base: string, path: string): string {
    return resolvePath(base, path);
  }

  getAllPaths(): string[] {
    return [];
  }

  async realpath(path: string): Promise<string> {
    await this.stat(path);
    return resolvePath("/", path);
  }

  chmod(path: string): Promise<void> {
    return this.#refuse("chmod", path);
  }

  symlink(_target: string, path: string): Promise<void> {
    return this.#refuse("symlink", path);
  }

  link(_path: string, newPath: string): Promise<void> {
    return this.#refuse("link", newPath);
  }

  readlink(path: string): Promise<string> {
    return this.#refuse("readlink", path);
  }

  /** Times of files are the kernel's own business. */
  async utimes(path: string): Promise<void> {
    await this.stat(path);
  }

  #refuse(operation: string, path: string): Promise<never> {
    return Promise.reject(new SystemCallError(-38, operation, path));
  }
}

function statOf(value: Plain): FsStat {
  const kind = fieldOf(value, "kind");
  const size = fieldOf(value, "size");
  const mode = fieldOf(value, "mode");
  return {
    isFile: kind !== "directory",
    isDirectory: kind === "directory",
    isSymbolicLink: false,
    mode: typeof mode === "number" ? mode & 0o7777 : 0,
    size: typeof size === "number" ? size : 0,
    mtime: new Date(0),
  };
}
