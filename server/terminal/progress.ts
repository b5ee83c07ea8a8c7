/**
 * Says while a run works what it works at: on a terminal one line that changes, otherwise a short
 * line for each phase.
 *
 * @module
 */
import type { RunLog } from "./run_log.ts";
import type { Terminal } from "./terminal.ts";
import { countText, timeText } from "./values.ts";

/** A line is not written anew more often than that. */
const REFRESH_MILLISECONDS = 50;

/** See the module's header. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #quiet: boolean;
  #shown = false;
  #last = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, quiet: boolean) {
    this.#terminal = terminal;
    this.#quiet = quiet;
  }

  /** A step of preparation or of what comes after the run. */
  say(text: string): void {
    if (this.#quiet) return;
    if (this.#terminal.watched) this.#line(text);
    else this.#terminal.err(`${text}\n`);
  }

  /** Shows the phases of a run. */
  follow(log: RunLog): void {
    log.onPhase = (name, startNs) => {
      if (this.#quiet || this.#terminal.watched) return;
      this.#terminal.err(`${timeText(startNs).padStart(10)}  ${name}\n`);
    };
  }

  /** The run goes on; now is a good moment to say where it is. */
  tick(log: RunLog): void {
    if (this.#quiet || !this.#terminal.watched) return;
    const now = performance.now();
    if (now - this.#last < REFRESH_MILLISECONDS) return;
    this.#last = now;
    this.#line(`${timeText(log.vt).padStart(10)}  ${log.phase}  (${countText(log.events)} events)`);
  }

  /** Removes the line, so that something else can be printed. */
  done(): void {
    if (this.#shown) this.#terminal.err("\r\x1b[K");
    this.#shown = false;
  }

  #line(text: string): void {
    this.#shown = true;
    this.#terminal.err(`\r\x1b[K${text.slice(0, Math.max(10, this.#terminal.columns - 1))}`);
  }
}
