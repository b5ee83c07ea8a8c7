/**
 * The memory controller: the one owner of RAM. It opens grants for bulk data, reads and writes a
 * few bytes in messages, copies, clears and exchanges pages.
 *
 * Effects happen when the request arrives; the answer comes after the time the work takes. It
 * keeps no list of grants: the engine does, and refuses overlaps (DESIGN.md 4). Ranges outside
 * RAM and texts that make no sense are broken protocol, not facts of the machine: a
 * {@linkcode ProtocolError}.
 *
 * @module
 */
import type { Access } from "../machine/access.ts";
import {
  type AnyBehaviour,
  type Behaviour,
  type Envelope,
  type Out,
  seal,
} from "../machine/actor.ts";
import { fromHex, toHex } from "../machine/hex.ts";
import { FormatError, ProtocolError } from "../machine/errors.ts";
import {
  countPages,
  formatRuns,
  mergeRuns,
  PAGE_BYTES,
  type PageRun,
  type PairRun,
  parsePairRuns,
  parseRuns,
} from "../machine/formats/page_runs.ts";
import { LIMITS, withinLimit } from "../machine/limits.ts";
import { natural, record } from "../machine/messages/shape.ts";
import type { Infer, Shape } from "../machine/messages/shape.ts";
import type { Range } from "../machine/messages/declare.ts";
import { configOf } from "./configuration.ts";
import { transferNs } from "./service_time.ts";

/** Most bytes that travel inside a message. */
export const INLINE_BYTES_MAX = 4096;

const CONFIG = record({
  /** Bytes that move over the memory bus in a second. */
  memoryBytesPerSecond: natural,
  /** ns for one exchanged pair of pages (protocol.md H). */
  swapPageNs: natural,
});

/** What the memory controller is started with. */
export type MemoryControllerConfig = Infer<typeof CONFIG>;

interface State {
  readonly config: MemoryControllerConfig;
}

function refuse(envelope: Envelope, message: string): never {
  const { target, type, source } = envelope;
  throw new ProtocolError(message, { actor: target, type, sender: source });
}

/** The frames that byte ranges touch. */
function framesOf(ranges: readonly Range[]): PageRun[] {
  return mergeRuns(ranges.map(({ start, length }) => {
    const pfn = Math.floor(start / PAGE_BYTES);
    return { pfn, count: Math.ceil((start + length) / PAGE_BYTES) - pfn };
  }));
}

function sayTouched(
  out: Out,
  name: "memory_write" | "memory_read",
  k: string,
  by: string,
  runs: readonly PageRun[],
): void {
  const text = formatRuns(runs);
  if (text.length <= LIMITS.summaryInlineBytes) out.fact(name, { k, by, runs: text });
  else out.fact(name, { k, by }, new TextEncoder().encode(text));
}

function checkRange(envelope: Envelope, { start, length }: Range, access: Access): void {
  const at = `0x${start.toString(16)}+0x${length.toString(16)}`;
  if (length === 0) refuse(envelope, `Empty range ${at}`);
  if (start + length > access.ramBytes) refuse(envelope, `Range ${at} beyond the end of RAM`);
}

function checkInline(envelope: Envelope, address: number, length: number, access: Access): void {
  checkRange(envelope, { start: address, length }, access);
  if (length > INLINE_BYTES_MAX) refuse(envelope, `${length} bytes in one message, at most 4096`);
}

function parsed<T>(envelope: Envelope, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof FormatError) refuse(envelope, error.message);
    throw error;
  }
}

function acquire(
  state: State,
  envelope: Envelope<"memory.acquire">,
  out: Out,
  access: Access,
): State {
  const { tag, by, ranges, write } = envelope.body;
  let bytes = 0;
  for (const range of ranges) {
    checkRange(envelope, range, access);
    if (range.length > LIMITS.grantBytes) {
      refuse(envelope, `A grant of ${range.length} bytes, at most ${LIMITS.grantBytes}`);
    }
    bytes += range.length;
  }
  const grants = ranges.map(({ start, length }) => out.grant(start, length, write));
  const name = write ? "memory_write" : "memory_read";
  sayTouched(out, name, by, envelope.source, framesOf(ranges));
  const after = transferNs(bytes, state.config.memoryBytesPerSecond);
  out.send(envelope.source, "memory.granted", { tag, grants }, after);
  return state;
}

/** Copies a run as one block, so that a run that overlaps itself arrives whole. */
function copyRun(run: PairRun, access: Access): void {
  access.copy(run.destination * PAGE_BYTES, run.source * PAGE_BYTES, run.count * PAGE_BYTES);
}

/** Copies byte ranges, in order; what a kernel's own copying of unaligned content comes to. */
function copyBytes(
  state: State,
  envelope: Envelope<"memory.copy">,
  text: string,
  out: Out,
  access: Access,
): State {
  const { tag, by } = envelope.body;
  const copies = parsed(envelope, text, parsePairRuns);
  let bytes = 0;
  for (const { destination, source, count } of copies) {
    access.copy(destination, source, count);
    bytes += 2 * count;
  }
  const touched = framesOf(
    copies.map(({ destination, count }) => ({ start: destination, length: count })),
  );
  sayTouched(out, "memory_write", by, envelope.source, touched);
  const after = transferNs(bytes, state.config.memoryBytesPerSecond);
  out.send(envelope.source, "memory.done", { tag }, after);
  return state;
}

function copy(state: State, envelope: Envelope<"memory.copy">, out: Out, access: Access): State {
  const { tag, by, pairs, zero, bytes: ranges } = envelope.body;
  if (ranges !== undefined) return copyBytes(state, envelope, ranges, out, access);
  if (pairs === undefined && zero === undefined) refuse(envelope, "Neither pairs nor zero");
  const copies = pairs === undefined ? [] : parsed(envelope, pairs, parsePairRuns);
  const clears = zero === undefined ? [] : parsed(envelope, zero, parseRuns);
  for (const run of copies) copyRun(run, access);
  for (const { pfn, count } of clears) {
    access.writable(pfn * PAGE_BYTES, count * PAGE_BYTES).fill(0);
  }
  const targets = copies.map(({ destination, count }) => ({ pfn: destination, count }));
  sayTouched(out, "memory_write", by, envelope.source, mergeRuns([...targets, ...clears]));
  // A copied page crosses the bus twice, a cleared one once.
  const bytes = (2 * countPages(targets) + countPages(clears)) * PAGE_BYTES;
  const after = transferNs(bytes, state.config.memoryBytesPerSecond);
  out.send(envelope.source, "memory.done", { tag }, after);
  return state;
}

/** The three copies of protocol.md C.5 for each pair of a run. */
function exchangeRun(run: PairRun, scratch: Uint8Array, access: Access): void {
  const length = run.count * PAGE_BYTES;
  const targets = access.writable(run.destination * PAGE_BYTES, length);
  const sources = access.writable(run.source * PAGE_BYTES, length);
  for (let at = 0; at < length; at += PAGE_BYTES) {
    const target = targets.subarray(at, at + PAGE_BYTES);
    const source = sources.subarray(at, at + PAGE_BYTES);
    scratch.set(source);
    source.set(target);
    target.set(scratch);
  }
}

function exchange(
  state: State,
  envelope: Envelope<"memory.exchange">,
  out: Out,
  access: Access,
): State {
  const { tag, pairs, temporary } = envelope.body;
  if (temporary % PAGE_BYTES !== 0) refuse(envelope, "Scratch page that is no page");
  const runs = parsed(envelope, pairs, parsePairRuns);
  withinLimit("exchangePairs", runs.reduce((sum, run) => sum + run.count, 0));
  const scratch = access.writable(temporary, PAGE_BYTES);
  let exchanged = 0;
  for (const run of runs) {
    // The image owned that page already: nothing to exchange (protocol.md C.5).
    if (run.destination === run.source) continue;
    exchangeRun(run, scratch, access);
    exchanged += run.count;
  }
  out.send(envelope.source, "memory.done", { tag }, exchanged * state.config.swapPageNs);
  return state;
}

const BEHAVIOUR: Behaviour<State> = {
  kind: "memory_controller",
  role: "memory",
  doc: "Owns RAM: opens grants over it, copies, clears and exchanges pages.",
  owns: "ram",
  states: {
    ready: {
      handles: [
        "memory.acquire",
        "memory.release",
        "memory.read",
        "memory.write",
        "memory.copy",
        "memory.exchange",
      ],
    },
  },
  start: (config, out) => ({ config: configOf(CONFIG, config, out.self) }),
  label: () => "ready",
  on: {
    "memory.acquire": acquire,
    // The engine closed the grants when this was delivered.
    "memory.release": (state) => state,
    "memory.read": (state, envelope, out, access) => {
      const { tag, address, length } = envelope.body;
      checkInline(envelope, address, length, access);
      const after = transferNs(length, state.config.memoryBytesPerSecond);
      const bytes = toHex(access.read(address, length));
      out.send(envelope.source, "memory.data", { tag, bytes }, after);
      return state;
    },
    "memory.write": (state, envelope, out, access) => {
      const { tag, by, address } = envelope.body;
      const content = fromHex(envelope.body.bytes);
      checkInline(envelope, address, content.length, access);
      access.write(address, content);
      const touched = framesOf([{ start: address, length: content.length }]);
      sayTouched(out, "memory_write", by, envelope.source, touched);
      const after = transferNs(content.length, state.config.memoryBytesPerSecond);
      out.send(envelope.source, "memory.done", { tag }, after);
      return state;
    },
    "memory.copy": copy,
    "memory.exchange": exchange,
  },
};

/** The behaviour `memory_controller`. */
export const memoryController: AnyBehaviour = seal(BEHAVIOUR);

/** Shape of {@linkcode MemoryControllerConfig}. */
export const MEMORY_CONTROLLER_CONFIG: Shape<MemoryControllerConfig> = CONFIG;
