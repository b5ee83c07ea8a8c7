/**
 * The worker's part: keeps a few machines ready and answers one question after the other. Between
 * slices it hears that an answer is not wanted any more.
 *
 * @module
 */
import { LimitError, UsageError } from "../../machine/errors.ts";
import { ProblemError } from "../problem.ts";
import { diskMap } from "./disk_map.ts";
import { machineState, stateChange } from "./machine_state.ts";
import { makeImage } from "./made_image.ts";
import { memoryBytesOf, memoryMap } from "./memory_map.ts";
import {
  type Answers,
  type FromWorker,
  type ReplayLimits,
  type ReplayRequest,
  sentProblem,
  supersededProblem,
  type ToWorker,
} from "./requests.ts";
import { OutOfDate, Session, type SessionPlan, type Turn } from "./session.ts";

/** Reads what gives a run again from its folder. */
export type PlanReader = (folder: string) => SessionPlan;

/** See the module's header. */
export class ReplayService {
  readonly #limits: ReplayLimits;
  readonly #read: PlanReader;
  /** By run, the one used last at the end. */
  readonly #sessions: Map<string, Session> = new Map();

  constructor(limits: ReplayLimits, read: PlanReader) {
    this.#limits = limits;
    this.#read = read;
  }

  /** Runs that are kept ready. */
  get kept(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  /**
   * Answers a question.
   *
   * @param turn called between slices; what it throws ends the work.
   * @throws {ProblemError} if it cannot be answered.
   */
  async answer(request: ReplayRequest, turn: Turn): Promise<Answers[keyof Answers]> {
    const { run, bytes } = request;
    const kept = this.#sessions.get(run);
    try {
      return await look(this.#session(request), request, turn);
    } catch (error) {
      if (!isDivergence(error)) {
        // What stands at a barrier is still good for the next question, if there can be one.
        if (!(error instanceof ProblemError) || error.problem === "unknown-run") this.#forget(run);
        throw error;
      }
      this.#forget(run);
      // A run that went on since then has choices that the replay did not know.
      if (kept === undefined || kept.opened.bytes >= bytes) throw asProblem(error);
    }
    try {
      return await look(this.#session(request), request, turn);
    } catch (error) {
      if (isDivergence(error) || !(error instanceof ProblemError)) this.#forget(run);
      throw asProblem(error);
    }
  }

  close(): void {
    for (const run of this.kept) this.#forget(run);
  }

  #session(request: ReplayRequest): Session {
    const { run, folder, path, firstByte, bytes } = request;
    const known = this.#sessions.get(run);
    if (known !== undefined) {
      this.#sessions.delete(run);
      this.#sessions.set(run, known);
      return known;
    }
    const plan = made(() => this.#read(folder));
    const { machineBytes, replaySessions } = this.#limits;
    if (memoryBytesOf(plan.plan) > machineBytes) {
      throw new ProblemError(
        "too-large",
        `The machine's RAM is over the limit 'machineBytes' of ${machineBytes} bytes.`,
        { limit: { name: "machineBytes", max: machineBytes } },
      );
    }
    // Room is made first: two machines' worth more would be too many.
    for (const [oldest] of this.#sessions) {
      if (this.#sessions.size < replaySessions) break;
      this.#forget(oldest);
    }
    const session = made(() => new Session(plan, { path, firstByte, bytes }));
    this.#sessions.set(run, session);
    return session;
  }

  #forget(run: string): void {
    this.#sessions.get(run)?.close();
    this.#sessions.delete(run);
  }
}

/** Whether a replay is not the stored run, as far as its plan was known. */
function isDivergence(error: unknown): boolean {
  return error instanceof OutOfDate ||
    (error instanceof ProblemError && error.problem === "internal");
}

function asProblem(error: unknown): unknown {
  if (!(error instanceof OutOfDate)) return error;
  return new ProblemError(
    "internal",
    "The replay differs from the stored run: it ends before the event. Another version of the " +
      "laboratory made it; run it again.",
  );
}

/** What the laboratory refuses becomes a problem of this run. */
function made<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof LimitError)) throw error;
    throw new ProblemError("wrong-state", "The run's machine cannot be made again on this host.");
  }
}

async function look(
  session: Session,
  { question, at, bytes, folder, run }: ReplayRequest,
  turn: Turn,
): Promise<Answers[keyof Answers]> {
  if (question === "change") return await stateChange(session, at, bytes, turn);
  const moment = await session.goTo(at, bytes, turn);
  switch (question) {
    case "machine":
      return machineState(session, moment);
    case "memory":
      return memoryMap(session, moment);
    case "disk":
      return diskMap(session, moment);
    case "disk_image":
      return await makeImage(session, moment, { folder, run, what: "disk" }, turn);
    case "elf_image":
      return await makeImage(session, moment, { folder, run, what: "elf" }, turn);
  }
}

/** A worker's face to the server's thread. */
export interface WorkerPort {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

/** Answers what comes in at a port, one question after the other. */
export function serveReplays(port: WorkerPort, read: PlanReader): void {
  let service: ReplayService | undefined;
  /** The request that is worked on, and whether anybody still wants its answer. */
  let current = 0;
  let wanted = true;
  let last: Promise<void> = Promise.resolve();
  const send = (message: FromWorker): void => port.postMessage(message);
  const handle = async (request: ReplayRequest): Promise<void> => {
    const { id } = request;
    const turn: Turn = async () => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (!wanted) throw supersededProblem();
    };
    try {
      if (service === undefined) throw new TypeError("A question before the beginning");
      current = id;
      wanted = true;
      send({ kind: "answer", id, answer: await service.answer(request, turn) });
    } catch (error) {
      send({ kind: "problem", id, problem: sentProblem(error) });
    }
  };
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.kind === "begin") service = new ReplayService(data.limits, read);
    else if (data.kind === "drop") wanted &&= data.id !== current;
    else last = last.then(() => handle(data.request));
  };
}
