/**
 * Why a server cannot be had, in words that say what to do; and the lock by which one server at a
 * time has a folder.
 *
 * @module
 */
import { UsageError } from "../machine/errors.ts";
import type { ServerSettings } from "./deps.ts";
import { hostSentence } from "./terminal/failure.ts";
import { joined } from "./terminal/output_folder.ts";

const LOCK = ".server.lock";

/** What failed when a server wanted to listen. */
export function listenFailure(error: unknown, { host, port }: ServerSettings): unknown {
  if (error instanceof Deno.errors.AddrInUse) {
    return new UsageError(
      `serve: port ${port} of ${host} is taken; end what listens there, or take another with ` +
        "--port, as --port 0 for any that is free",
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new UsageError(
      `serve: this process may listen for this computer only; run ` +
        `'deno task serve-open --host ${host} --port ${port}'`,
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return new UsageError(
      `serve: ${host} is no address of this computer; --host 0.0.0.0 listens on all it has`,
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new UsageError(
      `serve: the host does not give port ${port} to this user; take one above 1023 with --port`,
      { cause: error },
    );
  }
  if (!(error instanceof Error)) return error;
  return new UsageError(`serve: cannot listen on ${host}: ${error.message}`, { cause: error });
}

/** Why a folder cannot be had. */
function folderFailure(error: unknown, { folder, host }: ServerSettings): UsageError {
  if (error instanceof UsageError) return error;
  if (error instanceof Deno.errors.NotCapable) {
    const net = "--allow-net=127.0.0.1,localhost,[::1]";
    return new UsageError(
      "serve: --folder: 'deno task serve' may write below 'out' only; take a folder there, or " +
        `run 'deno run --lock=run.lock --no-prompt --allow-read --allow-write=${folder} ${net} ` +
        `cli.ts serve --host ${host} --folder ${folder}'`,
      { cause: error },
    );
  }
  return new UsageError(`serve: --folder: cannot have '${folder}': ${hostSentence(error)}`, {
    cause: error,
  });
}

/** Holds a folder for one server. */
export class FolderLock {
  #file: Deno.FsFile | undefined;

  /** @throws {UsageError} if it cannot be made or another server has it. */
  constructor(settings: ServerSettings) {
    try {
      Deno.mkdirSync(settings.folder, { recursive: true });
      const path = joined(settings.folder, LOCK);
      const file = Deno.openSync(path, { read: true, write: true, create: true });
      if (file.tryLockSync(true)) {
        this.#file = file;
        return;
      }
      file.close();
    } catch (error) {
      throw folderFailure(error, settings);
    }
    throw new UsageError(
      `serve: --folder: another server has '${settings.folder}'; end that one, or take another ` +
        "folder",
    );
  }

  /** Gives the folder back. */
  release(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
