/**
 * What tests of the command line share: a terminal that keeps what is printed, the command line in
 * a process of its own, folders that are removed again.
 *
 * @module
 */
import type { Terminal } from "../../server/terminal/terminal.ts";

const ROOT = new URL("../../", import.meta.url);

/** A terminal that nobody watches; `printed` and `failures` are what was written. */
export class KeptTerminal implements Terminal {
  printed = "";
  failures = "";
  readonly watched: boolean = false;
  readonly columns: number = 80;
  out(text: string): void {
    this.printed += text;
  }
  err(text: string): void {
    this.failures += text;
  }
}

/** A folder that is removed when the test ends. */
export class ScratchFolder implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "kjump-test-" });
  file(name: string): string {
    return `${this.path}/${name}`;
  }
  write(name: string, content: Uint8Array | string): string {
    const path = this.file(name);
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(path, bytes);
    return path;
  }
  names(folder = ""): string[] {
    return [...Deno.readDirSync(this.file(folder))].map(({ name }) => name).sort();
  }
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** What a process ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `deno run cli.ts …` with the rights that the tasks give. */
export function cliCommand(args: readonly string[]): Deno.Command {
  const root = ROOT.pathname;
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-lock",
      "--no-check",
      `--config=${root}deno.json`,
      "--allow-read",
      "--allow-write",
      `${root}cli.ts`,
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  });
}

/** Runs the command line in a process of its own. */
export async function cli(...args: string[]): Promise<Ended> {
  const { code, stdout, stderr } = await cliCommand(args).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}
