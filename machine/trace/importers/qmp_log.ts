/**
 * Events of a virtual machine's monitor as JSON lines: power, reset, sleep, as the machine around
 * the kernels saw them. Answers to commands and lines that are no JSON are passed over.
 *
 * @module
 */
import { jsonOf, type Observation, textFields } from "./observation.ts";

function timeOf(value: object): { hostSeconds?: number } {
  const recorder: unknown = Reflect.get(value, "lab_t");
  if (typeof recorder === "number") return { hostSeconds: recorder };
  const stamp: unknown = Reflect.get(value, "timestamp");
  if (typeof stamp !== "object" || stamp === null) return {};
  const seconds = Number(Reflect.get(stamp, "seconds"));
  const microseconds = Number(Reflect.get(stamp, "microseconds"));
  return Number.isFinite(seconds) ? { hostSeconds: seconds + microseconds / 1e6 } : {};
}

/** Reads one file's lines. */
export class QmpLog {
  readonly #file: string;
  #line = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** What a line says. */
  line(raw: string): Observation[] {
    this.#line++;
    const text = raw.trim();
    if (!text.startsWith("{")) return [];
    const value = jsonOf(text);
    if (typeof value !== "object" || value === null) return [];
    const event: unknown = Reflect.get(value, "event");
    if (typeof event !== "string") return [];
    const detail = textFields(Reflect.get(value, "data"));
    return [{
      event: `qmp_${event.toLowerCase()}`,
      by: "machine",
      detail,
      ...timeOf(value),
      origin: { file: this.#file, line: this.#line, text },
    }];
  }
}
