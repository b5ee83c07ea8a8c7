/**
 * The command line: `deno task hibernate`, `resume`, `jump`, `check`, `inspect`, `scenarios`,
 * `console`. It only dispatches; see server/terminal/.
 *
 * @module
 */
import { main } from "./server/terminal/main.ts";
import { processTerminal } from "./server/terminal/terminal.ts";

if (import.meta.main) {
  // A worker that hangs would keep the process alive; all that had to be written is written.
  Deno.exit(await main(Deno.args, processTerminal()));
}
