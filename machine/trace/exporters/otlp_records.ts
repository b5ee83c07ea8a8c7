/**
 * OTLP/JSON as it goes over the wire: keys in lowerCamelCase, ids in hexadecimal digits, 64-bit
 * numbers as text (the JSON encoding of opentelemetry-proto's `trace/v1/trace.proto`).
 *
 * @module
 */
import type { Scalar } from "../event.ts";

/** What a value may be. */
export type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number };

/** One attribute. */
export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** Kinds of spans in use here. */
export const SPAN_KIND = { internal: 1, producer: 4, consumer: 5 } as const;

/** Status of a span in which something went wrong. */
export const STATUS_ERROR = 2;

/** Something that happened within a span. */
export interface SpanEvent {
  readonly timeUnixNano: string;
  readonly name: string;
  readonly attributes: readonly KeyValue[];
}

/** A span. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly events?: readonly SpanEvent[];
  readonly droppedEventsCount?: number;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code: number; readonly message: string };
}

function valueOf(value: Scalar): AnyValue {
  switch (typeof value) {
    case "string":
      return { stringValue: value.toWellFormed() };
    case "boolean":
      return { boolValue: value };
    case "number":
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
}

/** Attributes of a record; what is absent is left out. */
export function attributes(values: Readonly<Record<string, Scalar | undefined>>): KeyValue[] {
  const list: KeyValue[] = [];
  for (const key in values) {
    const value = values[key];
    if (value !== undefined) list.push({ key: key.toWellFormed(), value: valueOf(value) });
  }
  return list;
}

/** One `ExportTraceServiceRequest`: spans by the service they are of. */
export function requestLine(
  spans: ReadonlyMap<string, readonly Span[]>,
  scope: { readonly name: string; readonly version: string },
  common: readonly KeyValue[],
): string {
  const resourceSpans = [...spans].map(([service, list]) => ({
    resource: { attributes: [...attributes({ "service.name": service }), ...common] },
    scopeSpans: [{ scope, spans: list }],
  }));
  return `${JSON.stringify({ resourceSpans })}\n`;
}
