/**
 * `verdicts.ndjson`: where rules held and where they were broken, a line each, in the order in
 * which that became known. Held ones are bounded in number; broken ones are always kept.
 *
 * @module
 */
import type { Occasion } from "../../machine/conformance/rule_tally.ts";
import { joined, writeAll } from "./files.ts";
import { RUN_FILES } from "./run_record.ts";

/** See the module's header. */
export class VerdictMarks {
  readonly #file: Deno.FsFile;
  readonly #max: number;
  readonly #encoder: TextEncoder = new TextEncoder();
  #text = "";
  #count = 0;
  #closed = false;
  /** Rules that were broken so far. */
  readonly broken: Set<string> = new Set();

  /** @param max marks of the kind "held" that are kept. */
  constructor(folder: string, max: number) {
    this.#max = max;
    const options = { write: true, create: true, truncate: true };
    this.#file = Deno.openSync(joined(folder, RUN_FILES.verdicts), options);
  }

  /** Takes the next mark; returns whether it is a rule's first violation. */
  take(occasion: Occasion): boolean {
    const { rule, verdict } = occasion;
    const isFirst = verdict === "violated" && !this.broken.has(rule);
    if (isFirst) this.broken.add(rule);
    if (verdict === "violated" || this.#count < this.#max) {
      this.#count++;
      this.#text += `${JSON.stringify(occasion)}\n`;
    }
    return isFirst;
  }

  /** Writes what has gathered. */
  flush(): void {
    if (this.#text === "") return;
    writeAll(this.#file, this.#encoder.encode(this.#text));
    this.#text = "";
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.flush();
    this.#file.close();
  }
}
