/**
 * Serial-console logs with printk times. A line may have a recorder's time before the kernel's,
 * a caller behind it, CR LF at its end; two kernel lines may stand in one where consoles ran into
 * each other; what a kernel did not print is a person's or a program's. Lines that say nothing of
 * interest are passed over, whatever they are: a log is somebody's, and never an error.
 *
 * @module
 */
import { understandKernelLine, understandUserLine } from "./console_patterns.ts";
import { jsonOf, type Observation, textFields } from "./observation.ts";

/** Most characters of a line that are looked at; what is longer is binary noise. */
export const LINE_CHARACTERS_MAX = 4096;

const HOST_TIME = /^\[ *(\d+\.\d{4})\] /;
const KERNEL_TIME = /^\[ *(\d+\.\d{6})\](?:\[ *[CT]\d+\])? /;
/** A second kernel line in the middle of one. */
const NEXT_KERNEL_TIME = /\[ *\d+\.\d{6}\](?:\[ *[CT]\d+\])? /g;
const QMP = /^<<QMP (\w+) (\{.*\})>>$/;

function kernelParts(text: string): string[] {
  let from = 0;
  const parts: string[] = [];
  NEXT_KERNEL_TIME.lastIndex = 2;
  for (;;) {
    const match = NEXT_KERNEL_TIME.exec(text);
    if (match === null) break;
    if (match.index === 0) continue;
    parts.push(text.slice(from, match.index));
    from = match.index;
  }
  parts.push(text.slice(from));
  return parts;
}

/** Reads one file's lines. */
export class ConsoleLog {
  readonly #file: string;
  #line = 0;
  /** Time of the last kernel line. */
  #seconds = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** What a line says: nothing, one thing, or several where lines ran into each other. */
  line(raw: string): Observation[] {
    this.#line++;
    let text = raw.length > LINE_CHARACTERS_MAX ? raw.slice(0, LINE_CHARACTERS_MAX) : raw;
    text = text.replace(/[\r\n]+$/, "");
    const whole = text;
    const host = HOST_TIME.exec(text);
    if (host !== null) text = text.slice(host[0].length);
    const found: Observation[] = [];
    const add = (seen: Observation | undefined) => seen === undefined || found.push(seen);
    // The second half of a line that ran into another may be a kernel's as well.
    const parts = text.indexOf("[", 2) > 0 ? kernelParts(text) : [text];
    parts.forEach((part, index) => add(this.#part(part, whole, { host: host?.[1], index })));
    return found;
  }

  #part(
    text: string,
    whole: string,
    { host, index }: { readonly host: string | undefined; readonly index: number },
  ): Observation | undefined {
    const kernel = text.charCodeAt(0) === 0x5b ? KERNEL_TIME.exec(text) : null;
    const times = host === undefined ? {} : { hostSeconds: Number(host) };
    if (kernel !== null) {
      const kernelSeconds = Number(kernel[1]);
      // What somebody prints of an old log is behind the kernel's own clock.
      if (index > 0 && kernelSeconds < this.#seconds) return undefined;
      this.#seconds = kernelSeconds;
      const understood = understandKernelLine(text.slice(kernel[0].length));
      if (understood === undefined) return undefined;
      return { ...understood, by: "kernel", kernelSeconds, ...times, origin: this.#origin(whole) };
    }
    const qmp = text.startsWith("<<QMP ") ? QMP.exec(text) : null;
    if (qmp !== null) {
      const event = `qmp_${(qmp[1] ?? "").toLowerCase()}`;
      const detail = textFields(jsonOf(qmp[2] ?? "{}"));
      return { event, by: "machine", detail, ...times, origin: this.#origin(whole) };
    }
    const understood = understandUserLine(text);
    if (understood === undefined) return undefined;
    return { ...understood, by: "user", ...times, origin: this.#origin(whole) };
  }

  #origin(text: string): Observation["origin"] {
    return { file: this.#file, line: this.#line, text };
  }
}
