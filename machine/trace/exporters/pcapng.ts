/**
 * A capture for Wireshark and tshark: one packet for each message, when it arrived.
 *
 * Messages are wrapped as Ethernet, IPv4 and UDP, because then everything Wireshark knows works:
 * conversations, endpoints, flow graph, filters. Each actor has an address 10.0.0.0/8, in the
 * order in which actors come up, and the file's name records say whose it is (`-N n`). The UDP
 * port on both sides stands for the conversation, the part of the type before its dot
 * (`memory`, `disk`, `cpu` …), from 49152 up in the order in which they come up; which is which
 * the payload says. The payload is JSON: `type`, `msg` (number of the
 * send), `seq` (of the delivery), `sent` (virtual ns), `fate` where it is not a delivery, and
 * `summary`.
 *
 * Packets that were dropped or ignored, or were in flight at the end, say so in a comment; faults,
 * signals and violations are comments of the packet that follows, or of the statistics at the end.
 * Times are virtual: ns since power-on. Memory: actors, conversations, messages in flight.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Summary, TraceEvent } from "../event.ts";
import { type Broken, brokenRules, subject, summaryWords } from "./common.ts";
import type { Exporter, ExportSource } from "./exporter.ts";
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  nameResolution,
  OPTION,
  type Option,
  sectionHeader,
} from "./pcapng_blocks.ts";

const LINKTYPE_ETHERNET = 1;
const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const UDP_BYTES = 8;
const UDP = 17;
const FIRST_PORT = 49_152;
const PORTS = 16_384;
/** Bytes of payload that an IPv4 datagram has room for. */
const PAYLOAD_BYTES_MAX = 65_000;
/** Comments of one packet; further ones are counted. */
const COMMENTS_MAX = 64;

interface Flight {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly sent: number;
  readonly summary: Summary | undefined;
}

interface Message extends Flight {
  readonly msg: number | undefined;
  readonly seq: number | undefined;
  readonly fate: "deliver" | "drop" | "ignore" | "in flight";
}

/** The address of the n-th actor, from 1: 10.0.0.1 and up. */
export function addressOf(ordinal: number): Uint8Array {
  return Uint8Array.of(10, (ordinal >> 16) & 0xff, (ordinal >> 8) & 0xff, ordinal & 0xff);
}

/** The one's complement of the sum of a header's words. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A frame: Ethernet, IPv4, UDP. A UDP checksum of 0 says that there is none. */
function frame(from: number, to: number, port: number, payload: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES + payload.length);
  // Locally administered hardware addresses, numbered as the others.
  bytes[0] = 2;
  bytes.writeUInt32BE(to, 2);
  bytes[6] = 2;
  bytes.writeUInt32BE(from, 8);
  bytes.writeUInt16BE(0x0800, 12);
  const header = bytes.subarray(ETHERNET_BYTES, ETHERNET_BYTES + IPV4_BYTES);
  header[0] = 0x45;
  header.writeUInt16BE(IPV4_BYTES + UDP_BYTES + payload.length, 2);
  header[8] = 64;
  header[9] = UDP;
  header.set(addressOf(from), 12);
  header.set(addressOf(to), 16);
  header.writeUInt16BE(checksum(header), 10);
  const udp = bytes.subarray(ETHERNET_BYTES + IPV4_BYTES);
  udp.writeUInt16BE(port, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(UDP_BYTES + payload.length, 4);
  udp.set(payload, UDP_BYTES);
  return bytes;
}

function payloadOf({ type, msg, seq, sent, fate, summary }: Message): Uint8Array {
  const about = { type, msg, seq, sent, ...(fate === "deliver" ? {} : { fate }) };
  const whole = Buffer.from(JSON.stringify({ ...about, summary }), "utf8");
  if (whole.length <= PAYLOAD_BYTES_MAX) return whole;
  return Buffer.from(JSON.stringify({ ...about, type: type.slice(0, 1_024), cut: true }), "utf8");
}

class Writer {
  readonly #broken: ReadonlyMap<number, readonly Broken[]>;
  readonly #actors: Map<string, number> = new Map();
  readonly #ports: Map<string, number> = new Map();
  readonly #flights: Map<number, Flight> = new Map();
  #comments: string[] = [];
  #uncounted = 0;
  #packets = 0;
  #last = 0;
  #blocks: Uint8Array[] = [];

  constructor(broken: ReadonlyMap<number, readonly Broken[]>) {
    this.#broken = broken;
  }

  /** The blocks that are ready. */
  take(): Uint8Array[] {
    const ready = this.#blocks;
    this.#blocks = [];
    return ready;
  }

  event(event: TraceEvent): void {
    const { kind, seq, vt, actor, msg, source = actor, target = actor, summary } = event;
    this.#last = Math.max(this.#last, vt);
    for (const { rule, reason } of this.#broken.get(seq) ?? []) {
      this.#comment(`${rule} violated at seq ${seq}: ${reason}`);
    }
    const type = subject(event);
    if (kind === "send") {
      this.#flights.set(msg ?? seq, { source: actor, target, type, sent: vt, summary });
    } else if (kind === "fault" || kind === "signal") {
      this.#comment(`${kind} at ${actor}: ${type} ${summaryWords(summary)}`.trimEnd());
    } else if (kind === "deliver" || kind === "drop" || kind === "ignore") {
      const flight = msg === undefined ? undefined : this.#flights.get(msg);
      if (msg !== undefined) this.#flights.delete(msg);
      const about = flight ?? { source, target: actor, type, sent: vt, summary };
      if (kind !== "deliver") {
        this.#comment(`${kind}: ${summaryWords(summary)}`.replace(/: $/, ""));
      }
      this.#packet({ ...about, msg, seq, fate: kind });
    }
  }

  /** What is in flight when the trace ends, and the count of all. */
  end(): void {
    for (const [msg, flight] of this.#flights) {
      this.#comment("in flight at the end of the trace");
      this.#packet({ ...flight, msg, seq: undefined, fate: "in flight" });
    }
    this.#blocks.push(interfaceStatistics(this.#last, this.#packets, this.#takeComments()));
  }

  #comment(text: string): void {
    if (this.#comments.length < COMMENTS_MAX) this.#comments.push(text);
    else this.#uncounted++;
  }

  #takeComments(): Option[] {
    const texts = this.#uncounted === 0
      ? this.#comments
      : [...this.#comments, `and ${this.#uncounted} more`];
    this.#comments = [];
    this.#uncounted = 0;
    return texts.map((text): Option => [OPTION.comment, text]);
  }

  #packet(message: Message): void {
    const from = this.#ordinal(message.source);
    const to = this.#ordinal(message.target);
    const bytes = frame(from, to, this.#port(message.type), payloadOf(message));
    this.#blocks.push(enhancedPacket(this.#last, bytes, this.#takeComments()));
    this.#packets++;
  }

  #ordinal(actor: string): number {
    const known = this.#actors.get(actor);
    if (known !== undefined) return known;
    const ordinal = this.#actors.size + 1;
    this.#actors.set(actor, ordinal);
    this.#blocks.push(nameResolution(addressOf(ordinal), actor));
    return ordinal;
  }

  #port(type: string): number {
    const conversation = type.replace(/\..*$/s, "");
    const known = this.#ports.get(conversation);
    if (known !== undefined) return known;
    const port = FIRST_PORT + this.#ports.size % PORTS;
    this.#ports.set(conversation, port);
    return port;
  }
}

function* blocks(source: ExportSource): Generator<Uint8Array, void, void> {
  const { run, scenario, profile, seed, version } = source.header;
  yield sectionHeader([
    [OPTION.comment, `Run ${run}, scenario ${scenario}, seed ${seed}; times are virtual`],
    [OPTION.hardware, profile],
    [OPTION.application, `kjump ${version}`],
  ]);
  yield interfaceDescription(LINKTYPE_ETHERNET, [
    [OPTION.interfaceName, "messages"],
    [OPTION.interfaceDescription, "One packet for each message, at its delivery"],
  ]);
  const writer = new Writer(brokenRules(source));
  for (const event of source.events()) {
    writer.event(event);
    yield* writer.take();
  }
  writer.end();
  yield* writer.take();
}

/** See the module's header. */
export const PCAPNG: Exporter = {
  form: "pcapng",
  title: "Capture of all messages for Wireshark",
  mediaType: "application/x-pcapng",
  extension: "pcapng",
  export: blocks,
};
