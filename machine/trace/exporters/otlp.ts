/**
 * OTLP/JSON lines for OpenTelemetry collectors, Jaeger, Tempo: one `ExportTraceServiceRequest` a
 * line (server.md 5.7). An actor is a service. A send is a PRODUCER span, a delivery a CONSUMER
 * span that ends with what came of it and has a link to the send; a timer or signal is INTERNAL.
 * So that the spans hang together there are two more kinds of INTERNAL spans: an actor's life,
 * parent of what it handles, and the whole run, parent of the lives. What else happened is an
 * event of the span it came of, or a span by itself where it came of none. A violation is the
 * status ERROR and an event with the rule's id.
 *
 * Times are virtual, in ns since power-on, where Unix time stands. Memory: actors, what their
 * present handling brought about, and one line.
 *
 * @module
 */
import type { Scalar, TraceEvent } from "../event.ts";
import { type Broken, brokenRules, cameOf, subject } from "./common.ts";
import type { Exporter, ExportSource } from "./exporter.ts";
import { RUN_SPAN_ID, spanIdOf, traceIdOf } from "./ids.ts";
import {
  attributes,
  type KeyValue,
  requestLine,
  type Span,
  SPAN_KIND,
  type SpanEvent,
  STATUS_ERROR,
} from "./otlp_records.ts";

const LINE_SPANS = 128;
/** Events kept of one span; how many more there were is said. */
const SPAN_EVENTS_MAX = 1_024;

interface OpenSpan {
  readonly seq: number;
  readonly vt: number;
  readonly kind: number;
  readonly name: string;
  readonly parent: string;
  readonly attributes: readonly KeyValue[];
  readonly link: number | undefined;
  end: number;
  readonly events: SpanEvent[];
  dropped: number;
  error: string | undefined;
}

interface Service {
  life: OpenSpan | undefined;
  handling: OpenSpan | undefined;
}

/** What is known of an event, under our own prefix and OpenTelemetry's for messages. */
function facts(event: TraceEvent): KeyValue[] {
  const { seq, lamport, kind, source, target, type, msg, state, blob, rule, origin } = event;
  const isMessage = msg !== undefined && kind !== "note";
  const values: Record<string, Scalar | undefined> = {
    "kjump.seq": seq,
    "kjump.lamport": lamport,
    "kjump.kind": kind,
    "kjump.type": type,
    "kjump.source": source,
    "kjump.target": target,
    "kjump.msg": msg,
    "kjump.state": state,
    "kjump.blob": blob,
    "kjump.rule": rule,
    "kjump.origin.file": origin?.file,
    "kjump.origin.line": origin?.line,
    "kjump.origin.text": origin?.text,
    "messaging.system": isMessage ? "kjump" : undefined,
    "messaging.operation.type": !isMessage ? undefined : kind === "send" ? "send" : "process",
    "messaging.destination.name": isMessage ? target ?? event.actor : undefined,
    "messaging.message.id": isMessage ? String(msg) : undefined,
  };
  for (const name in event.summary) values[`kjump.summary.${name}`] = event.summary[name];
  return attributes(values);
}

class Writer {
  readonly #traceId: string;
  readonly #version: string;
  readonly #common: readonly KeyValue[];
  readonly #broken: ReadonlyMap<number, readonly Broken[]>;
  readonly #services: Map<string, Service> = new Map();
  #spans: Map<string, Span[]> = new Map();
  #waiting = 0;
  #first: number | undefined;
  #last = 0;

  constructor({ header }: ExportSource, broken: ReadonlyMap<number, readonly Broken[]>) {
    this.#traceId = traceIdOf(header.run);
    this.#version = header.version;
    this.#broken = broken;
    this.#common = attributes({ "kjump.run": header.run, "kjump.scenario": header.scenario });
  }

  /** A line, if enough has come together or all is wanted. */
  take(all = false): string | undefined {
    if (this.#waiting === 0 || (!all && this.#waiting < LINE_SPANS)) return undefined;
    const scope = { name: "kjump", version: this.#version };
    const line = requestLine(this.#spans, scope, this.#common);
    this.#spans = new Map();
    this.#waiting = 0;
    return line;
  }

  event(event: TraceEvent): void {
    const { actor, kind, vt } = event;
    this.#first ??= vt;
    this.#last = Math.max(this.#last, vt);
    let service = this.#services.get(actor);
    if (service === undefined) {
      service = { life: undefined, handling: undefined };
      this.#services.set(actor, service);
    }
    switch (kind) {
      case "start":
        this.#endLife(actor, service);
        service.life = this.#begin(
          event,
          RUN_SPAN_ID,
          SPAN_KIND.internal,
          `${actor.toWellFormed()} lives`,
        );
        return;
      case "deliver":
        this.#endHandling(actor, service);
        service.handling = this.#begin(event, parentOf(service), SPAN_KIND.consumer);
        return;
      case "timer":
      case "signal":
        this.#endHandling(actor, service);
        service.handling = this.#begin(event, parentOf(service), SPAN_KIND.internal);
        return;
      case "send": {
        const parent = handlingOf(service, event);
        const id = parent === undefined ? parentOf(service) : spanIdOf(parent.seq);
        if (parent !== undefined) parent.end = Math.max(parent.end, vt);
        return this.#write(actor, this.#begin(event, id, SPAN_KIND.producer));
      }
      default:
        this.#happening(service, event);
        if (kind === "end") this.#endLife(actor, service);
    }
  }

  /** Ends what is open when the trace ends; the run's own span comes last. */
  end({ header, footer }: ExportSource): void {
    for (const [actor, service] of this.#services) this.#endLife(actor, service);
    const { scenario, seed, profile, clock, order } = header;
    const outcome = footer?.outcome;
    this.#push("kjump", {
      traceId: this.#traceId,
      spanId: RUN_SPAN_ID,
      name: scenario === "" ? "run" : scenario.toWellFormed(),
      kind: SPAN_KIND.internal,
      startTimeUnixNano: String(this.#first ?? 0),
      endTimeUnixNano: String(this.#last),
      attributes: attributes({
        "kjump.seed": seed,
        "kjump.profile": profile,
        "kjump.clock": clock,
        "kjump.order": order,
        "kjump.outcome": outcome,
      }),
    });
  }

  #begin(event: TraceEvent, parent: string, kind: number, name = nameOf(event)): OpenSpan {
    const { seq, vt, msg } = event;
    const span: OpenSpan = {
      seq,
      vt,
      kind,
      name,
      parent,
      attributes: facts(event),
      link: msg === seq ? undefined : msg,
      end: vt,
      events: [],
      dropped: 0,
      error: undefined,
    };
    this.#judge(span, event);
    return span;
  }

  /** An event of the span it came of, else a span by itself. */
  #happening(service: Service, event: TraceEvent): void {
    const { vt, kind } = event;
    const own = kind === "fault" || kind === "drop" || kind === "ignore" || kind === "defer";
    const span = own ? undefined : handlingOf(service, event);
    if (span === undefined) {
      this.#write(event.actor, this.#begin(event, parentOf(service), SPAN_KIND.internal));
      return;
    }
    span.end = Math.max(span.end, vt);
    add(span, { timeUnixNano: String(vt), name: nameOf(event), attributes: facts(event) });
    this.#judge(span, event);
  }

  #judge(span: OpenSpan, { seq, vt }: TraceEvent): void {
    for (const { rule, reason } of this.#broken.get(seq) ?? []) {
      span.error ??= `${rule}: ${reason}`.toWellFormed();
      const about = attributes({ "kjump.seq": seq, "kjump.rule": rule, "kjump.reason": reason });
      add(span, { timeUnixNano: String(vt), name: "rule.violated", attributes: about });
    }
  }

  #endHandling(actor: string, service: Service): void {
    const { handling } = service;
    if (handling === undefined) return;
    service.handling = undefined;
    if (service.life !== undefined) service.life.end = Math.max(service.life.end, handling.end);
    this.#write(actor, handling);
  }

  #endLife(actor: string, service: Service): void {
    this.#endHandling(actor, service);
    const { life } = service;
    if (life === undefined) return;
    service.life = undefined;
    life.end = this.#last;
    this.#write(actor, life);
  }

  #write(actor: string, span: OpenSpan): void {
    const { events, dropped, error, link, parent } = span;
    this.#push(actor, {
      traceId: this.#traceId,
      spanId: spanIdOf(span.seq),
      parentSpanId: parent,
      name: span.name,
      kind: span.kind,
      startTimeUnixNano: String(span.vt),
      endTimeUnixNano: String(span.end),
      attributes: span.attributes,
      ...(events.length === 0 ? {} : { events }),
      ...(dropped === 0 ? {} : { droppedEventsCount: dropped }),
      ...(link === undefined
        ? {}
        : { links: [{ traceId: this.#traceId, spanId: spanIdOf(link) }] }),
      ...(error === undefined ? {} : { status: { code: STATUS_ERROR, message: error } }),
    });
  }

  #push(service: string, span: Span): void {
    const list = this.#spans.get(service);
    if (list === undefined) this.#spans.set(service, [span]);
    else list.push(span);
    this.#waiting++;
  }
}

function parentOf({ life }: Service): string {
  return life === undefined ? RUN_SPAN_ID : spanIdOf(life.seq);
}

/** The span an event came of: the present handling, or the actor's start. */
function handlingOf({ handling, life }: Service, event: TraceEvent): OpenSpan | undefined {
  if (handling !== undefined && cameOf(event, handling)) return handling;
  return life !== undefined && event.cause === life.seq ? life : undefined;
}

function nameOf(event: TraceEvent): string {
  const { kind } = event;
  const bare = kind === "note" || kind === "deliver";
  return (bare ? subject(event) : `${kind} ${subject(event)}`).toWellFormed();
}

function add(span: OpenSpan, event: SpanEvent): void {
  if (span.events.length < SPAN_EVENTS_MAX) span.events.push(event);
  else span.dropped++;
}

function* lines(source: ExportSource): Generator<string, void, void> {
  const writer = new Writer(source, brokenRules(source));
  for (const event of source.events()) {
    writer.event(event);
    const line = writer.take();
    if (line !== undefined) yield line;
  }
  writer.end(source);
  const line = writer.take(true);
  if (line !== undefined) yield line;
}

/** See the module's header. */
export const OTLP: Exporter = {
  form: "otlp",
  title: "OpenTelemetry traces, one request a line",
  mediaType: "application/x-ndjson",
  extension: "otlp.jsonl",
  export: lines,
};
