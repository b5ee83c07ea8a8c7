/**
 * Server-sent events for programs: frames are read as the standard says, and a connection that is
 * cut is made anew behind the last frame that had a number, so that nothing is missed.
 *
 * @module
 */
import { isProblem, type ProblemAnswer } from "./client_problem.ts";

/** One frame. */
export interface Frame {
  readonly id?: number;
  readonly event: string;
  readonly data: string;
}

/** How a stream is opened and how often it is tried. */
export interface FrameOptions {
  /** Opens it, behind an event if one is given; throws a {@linkcode ProblemAnswer}. */
  readonly open: (last: number | undefined) => Promise<Response>;
  readonly last?: number;
  readonly signal?: AbortSignal;
  /** Tries one behind the other that bring nothing. */
  readonly tries: number;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** Lines of a stream of text; the standard lets them end in LF, CR LF or CR. */
async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function frameOf(fields: ReadonlyMap<string, string>): Frame | undefined {
  const data = fields.get("data");
  if (data === undefined) return undefined;
  const id = fields.get("id");
  return {
    ...id === undefined || !/^[0-9]{1,16}$/.test(id) ? {} : { id: Number(id) },
    event: fields.get("event") ?? "message",
    data,
  };
}

/** The frames of one connection; one that is cut off is left out. */
export async function* framesIn(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Frame> {
  let fields = new Map<string, string>();
  for await (const line of linesOf(body)) {
    if (line === "") {
      const frame = frameOf(fields);
      if (frame !== undefined) yield frame;
      fields = new Map();
      continue;
    }
    const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    const before = name === "data" ? fields.get(name) : undefined;
    if (name !== "") fields.set(name, before === undefined ? value : `${before}\n${value}`);
  }
}

/** Whether a refusal is for the moment only. */
function isPassing(error: unknown): error is ProblemAnswer {
  return isProblem(error) && (error.status === 429 || error.status >= 502);
}

/**
 * The frames of a stream up to its `end`, over as many connections as it takes.
 *
 * @throws {ProblemAnswer} if it is refused.
 * @throws {Error} if the server could not be reached for so many times.
 */
export async function* resumedFrames(options: FrameOptions): AsyncGenerator<Frame> {
  const { open, signal, tries, sleep } = options;
  let { last } = options;
  for (let failures = 0;;) {
    let trouble: unknown;
    try {
      const answer = await open(last);
      if (answer.status === 204 || answer.body === null) return;
      for await (const frame of framesIn(answer.body)) {
        failures = 0;
        // A server that ran the run anew may begin before what is known; that is no news.
        const isKnown = frame.event === "trace" && (frame.id ?? Infinity) <= (last ?? -1);
        last = Math.max(frame.id ?? -1, last ?? -1);
        if (!isKnown) yield frame;
        if (frame.event === "end") return;
      }
    } catch (error) {
      if (signal?.aborted === true || (isProblem(error) && !isPassing(error))) throw error;
      trouble = error;
    }
    failures++;
    if (failures >= tries) {
      throw new Error(`The stream was cut off ${tries} times; is the server there?`, {
        cause: trouble,
      });
    }
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
    const wanted = isPassing(trouble) ? (trouble.retryAfter ?? 0) * 1000 : 0;
    await sleep(Math.max(pause, wanted));
    signal?.throwIfAborted();
  }
}
