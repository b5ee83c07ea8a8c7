/**
 * The three forms in which events are given out, and which of them a client wants.
 *
 * @module
 */

/** Form of a stream of events. */
export type EventForm = "sse" | "ndjson" | "json-seq";

/** Media types by form, as they are answered. */
export const EVENT_MEDIA_TYPES: Readonly<Record<EventForm, string>> = {
  "sse": "text/event-stream",
  "ndjson": "application/x-ndjson",
  "json-seq": "application/json-seq",
};

/** Media types that are understood in `Accept`. */
const FORMS: { readonly [mediaType: string]: EventForm } = {
  "text/event-stream": "sse",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
  "application/json-seq": "json-seq",
  "application/*": "ndjson",
  "text/*": "sse",
  "*/*": "ndjson",
};

/** Names with their weights, in the order of the header. */
function weighted(header: string): { name: string; weight: number }[] {
  return header.split(",").map((part) => {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const given = parameters.find((text) => text.startsWith("q="))?.slice(2);
    const weight = given === undefined ? 1 : Number(given);
    return { name, weight: Number.isFinite(weight) ? weight : 0 };
  });
}

/**
 * The form that a client wants by its `Accept` header; NDJSON for one that takes anything or says
 * nothing. `undefined` if it takes none of the three.
 */
export function eventFormOf(accept: string | undefined | null): EventForm | undefined {
  if (accept === undefined || accept === null || accept.trim() === "") return "ndjson";
  let best: { form: EventForm; weight: number } | undefined;
  for (const { name, weight } of weighted(accept)) {
    const form = Object.hasOwn(FORMS, name) ? FORMS[name] : undefined;
    if (form === undefined || weight <= 0) continue;
    if (best === undefined || weight > best.weight) best = { form, weight };
  }
  return best?.form;
}

/** Whether a client takes gzip by its `Accept-Encoding` header. */
export function acceptsGzip(acceptEncoding: string | undefined | null): boolean {
  if (acceptEncoding === undefined || acceptEncoding === null) return false;
  const codings = weighted(acceptEncoding);
  const named = codings.find(({ name }) => name === "gzip" || name === "x-gzip") ??
    codings.find(({ name }) => name === "*");
  return named !== undefined && named.weight > 0;
}
