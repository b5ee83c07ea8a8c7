/**
 * Recordings that somebody already put into JSON lines: `seq, t, who, event, detail, source`.
 *
 * @module
 */
import { jsonOf, type Observation, type Observer, textFields } from "./observation.ts";

function observer(who: unknown): Observer {
  if (typeof who !== "string") return "machine";
  if (who.startsWith("kernel")) return "kernel";
  return who === "user" ? "user" : "machine";
}

/** Reads one file's lines. */
export class NormalisedLog {
  readonly #file: string;
  #line = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** What a line says. */
  line(raw: string): Observation[] {
    this.#line++;
    const value = jsonOf(raw);
    if (typeof value !== "object" || value === null) return [];
    const field = (name: string): unknown => Reflect.get(value, name);
    const event = field("event");
    if (typeof event !== "string") return [];
    const { ktime, ...parts } = textFields(field("detail"));
    // The line says the two in one, as a console has it.
    const { phase, verb } = parts;
    if (event === "dpm_phase_complete" && phase !== undefined) parts["verb"] = `${phase} ${verb}`;
    const source = field("source");
    const time = field("t");
    return [{
      event,
      by: observer(field("who")),
      detail: parts,
      ...(ktime === undefined ? {} : { kernelSeconds: Number(ktime) }),
      ...(typeof time === "number" ? { hostSeconds: time } : {}),
      origin: {
        file: this.#file,
        line: this.#line,
        text: typeof source === "string" ? source : raw.trim(),
      },
    }];
  }
}
