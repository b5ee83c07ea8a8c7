/**
 * One worker as the scheduler's thread sees it: made blank, handed its memory, asked, ended. It
 * is never given to another actor (DESIGN.md law 1).
 *
 * The scheduler's thread sleeps while it waits, so the runtime's own error events come too late
 * to help: a worker that dies at load, or hangs, is noticed by the watchdog.
 *
 * @module
 */
import { LimitError, TransportError } from "../errors.ts";
import type { StepOrder } from "../step.ts";
import { Channel, PHASE, WORD } from "./channel.ts";
import type { Handover, Reply, Request } from "./worker_loop.ts";

/** Bounds on a worker. */
export interface WorkerBounds {
  /** Longest wait for a reply in milliseconds of the host's time. */
  readonly watchdogMilliseconds: number;
  /** Longest wait for the first reply, which comes after the worker's modules were loaded. */
  readonly startMilliseconds: number;
  /** Longest wait for the acknowledgement of the stop word. */
  readonly endMilliseconds: number;
  /** Orders that may be outstanding at one worker. */
  readonly creditOrders: number;
}

/** Rights of a worker: none, or exactly one file. */
export type WorkerRights = { readonly path?: string };

function permissionsOf(rights: WorkerRights): "none" | Deno.PermissionOptionsObject {
  if (rights.path === undefined) return "none";
  return { read: [rights.path], write: [rights.path] };
}

/** See the module's header. */
export class WorkerHandle {
  readonly #worker: Worker;
  readonly #channel: Channel = Channel.make();
  readonly #bounds: WorkerBounds;
  /** What it was asked last, for the watchdog to name. */
  #asked: Request | undefined;
  #begun = false;
  #replied = false;
  #died: string | undefined;
  /** Whether the watchdog gave it up. */
  #late = false;

  constructor(entry: URL, rights: WorkerRights, bounds: WorkerBounds) {
    this.#bounds = bounds;
    this.#worker = new Worker(entry, {
      type: "module",
      deno: { permissions: permissionsOf(rights) },
    });
    this.#worker.addEventListener("error", (event) => {
      // Without this an error at load would end the whole process.
      event.preventDefault();
      this.#died = event.message;
    });
  }

  /** Hands shared memory over; one that serves already must have been told to listen. */
  handOver(memory: Omit<Handover, "channel">): void {
    if (this.#begun) this.ask({ op: "listen" }, "");
    this.#begun = true;
    const handover: Handover = { channel: this.#channel.parts, ...memory };
    this.#worker.postMessage(handover);
  }

  /** Asks, and waits for the reply. */
  ask(request: Request, actor: string): Reply {
    this.post(request, actor);
    return this.collect(actor);
  }

  /**
   * Posts a request without waiting.
   *
   * @throws {LimitError} if it has more orders than may be outstanding.
   */
  post(request: Request, actor: string): void {
    if (request.op === "step" && request.orders.length > this.#bounds.creditOrders) {
      const hint = `worker of '${actor}'; group fewer actors in it`;
      throw new LimitError("creditOrders", request.orders.length, this.#bounds.creditOrders, hint);
    }
    if (this.#asked !== undefined) {
      throw new TransportError(actor, `its worker still owes a reply to ${this.#describe()}`);
    }
    this.#channel.request.write(request);
    this.#asked = request;
    this.#channel.set(WORD.request, this.#channel.get(WORD.request) + 1);
  }

  /**
   * Waits for the reply to what was posted.
   *
   * @throws {TransportError} if it does not come in time, or says that the worker failed.
   */
  collect(actor: string): Reply {
    const channel = this.#channel;
    const wanted = channel.get(WORD.request);
    const deadline = performance.now() + this.#patience();
    for (;;) {
      const seen = channel.get(WORD.reply);
      if (seen === wanted) break;
      const left = deadline - performance.now();
      if (left <= 0) throw this.#noReply(actor);
      channel.sleepWhile(WORD.reply, seen, left);
    }
    this.#replied = true;
    const reply = channel.reply.read() as Reply;
    if (reply.kind === "failed") {
      const who = reply.actor === "" ? actor : reply.actor;
      const error = new TransportError(who, `${reply.message} (on ${this.#describe()})`);
      this.#asked = undefined;
      throw error;
    }
    this.#asked = undefined;
    return reply;
  }

  /** Sets the stop word; {@linkcode ended} waits for what comes of it. */
  stop(): void {
    this.#channel.set(WORD.stop, 1);
    // The worker sleeps on its request word.
    Atomics.notify(this.#channel.control, WORD.request);
  }

  /**
   * Waits for the worker's end.
   *
   * @throws {TransportError} if it would not end.
   */
  ended(actor: string, deadline: number = performance.now() + this.#bounds.endMilliseconds): void {
    const channel = this.#channel;
    while (this.#begun && this.#died === undefined) {
      const phase = channel.get(WORD.phase);
      // One that never began to serve was told of already, and holds nothing.
      if (phase === PHASE.ended || (phase === PHASE.loading && this.#late)) break;
      const left = deadline - performance.now();
      if (left <= 0 || !channel.sleepWhile(WORD.phase, phase, left)) {
        this.#worker.terminate();
        throw new TransportError(
          actor,
          `its worker would not end; it was at ${this.#describe()}. Only the end of the process ` +
            "ends it now",
        );
      }
    }
    this.#worker.terminate();
  }

  #patience(): number {
    const { startMilliseconds, watchdogMilliseconds } = this.#bounds;
    return this.#replied ? watchdogMilliseconds : startMilliseconds;
  }

  #noReply(actor: string): TransportError {
    this.#late = true;
    const channel = this.#channel;
    const after = `after ${this.#patience()} ms`;
    if (channel.get(WORD.phase) === PHASE.loading) {
      const why = this.#died === undefined ? "" : `: ${this.#died}`;
      return new TransportError(actor, `its worker did not start ${after}${why}; did it load?`);
    }
    const asked = this.#asked;
    const current = asked?.op === "step" ? asked.orders[channel.get(WORD.order)] : undefined;
    const taken = channel.get(WORD.taken) === channel.get(WORD.request);
    const what = taken ? "gave no reply to" : "did not take";
    return new TransportError(
      current?.actor ?? actor,
      `its worker ${what} ${this.#describe()} ${after}`,
    );
  }

  #describe(): string {
    const asked = this.#asked;
    if (asked === undefined) return "nothing";
    if (asked.op !== "step") return `'${asked.op}'`;
    const order = asked.orders[this.#channel.get(WORD.order)] ?? asked.orders[0];
    return order === undefined ? "an empty batch" : inputName(order);
  }
}

function inputName(order: StepOrder): string {
  const { input } = order;
  if (input.kind === "signal") return `signal '${input.signal.kind}'`;
  return `message '${input.envelope.type}' (${input.envelope.id})`;
}
