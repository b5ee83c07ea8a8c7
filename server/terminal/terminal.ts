/**
 * Where the command line prints: a face over the two output streams, so that tests can look.
 *
 * @module
 */

/** See the module's header. */
export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Progress and failures. */
  err(text: string): void;
  /** Whether somebody watches the failures' stream on a terminal. */
  readonly watched: boolean;
  /** Columns of that terminal. */
  readonly columns: number;
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
  } catch (error) {
    // Whoever read the output has seen enough.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function columnsOf(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

/** The process's own streams. */
export function processTerminal(): Terminal {
  const watched = Deno.stderr.isTerminal();
  return {
    out: (text) => writeAll(Deno.stdout, text),
    err: (text) => writeAll(Deno.stderr, text),
    watched,
    columns: watched ? columnsOf() : 80,
  };
}
