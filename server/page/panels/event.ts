/**
 * The chosen event: all its fields, what it is linked to, what could have influenced it and what it
 * could have influenced.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { Scalar, TraceEvent } from "../../../machine/trace/event.ts";
import type { EventContext } from "../../api/shapes/event.ts";
import { inputWords, isInput } from "../input_words.ts";
import type { PartContext } from "../model.ts";
import { span } from "../values.ts";
import { cachesOf } from "./caches.ts";
import { eventLink, hint, momentNote } from "./parts.ts";
import { countText, eventWords, hexText, momentText, sizeText } from "./words.ts";

const PAGE_BYTES = 4096;
/** Fields that are physical addresses. */
const ADDRESSES: ReadonlySet<string> = new Set([
  "address",
  "control_page",
  "entry",
  "head",
  "mem_map",
  "sp",
  "start",
  "swap_page",
  "temporary",
]);
/** Listed of each cone before somebody asks for more. */
const LISTED = 8;

/** What is unfolded: until another event is chosen. */
const unfolded = { seq: -1, past: false, future: false };

function field(name: string, value: unknown): TemplateResult | typeof nothing {
  return value === undefined ? nothing : html`
    <dt>${name}</dt>
    <dd>${value}</dd>
  `;
}

/** A value of a summary for people. */
function scalar(name: string, value: Scalar): TemplateResult {
  if (typeof value === "boolean") return html`${value ? "yes" : "no"}`;
  if (typeof value === "number") {
    const size = /bytes$/.test(name) && value >= 1024
      ? html`
        <span class="quiet">${sizeText(value)}</span>
      `
      : nothing;
    return html`${countText(value)}${size}`;
  }
  const address = ADDRESSES.has(name) && /^0x[0-9a-f]{1,13}$/.test(value) ? Number(value) : -1;
  if (address < PAGE_BYTES) return html`<span class="text">${value}</span>`;
  const pfn = Math.floor(address / PAGE_BYTES);
  return html`<code>${value}</code> <span class="quiet">pfn ${hexText(pfn)},
    ${sizeText(address)} up</span>`;
}

function summaryOf(event: TraceEvent): TemplateResult | typeof nothing {
  const { summary = {} } = event;
  if (isInput(event)) {
    return html`
      <h3>What the person does</h3>
      <p class="text">${inputWords(event)}</p>
    `;
  }
  const entries = Object.entries(summary);
  if (entries.length === 0) return nothing;
  return html`
    <h3>What it says</h3>
    <dl class="fields">${entries.map(([name, value]) => field(name, scalar(name, value)))}</dl>
  `;
}

function blobOf(context: PartContext, blob: string | undefined) {
  const { state, source } = context;
  const digest = blob?.replace(/^sha256:/, "");
  if (digest === undefined) return nothing;
  const short = html`<code title=${digest}>${digest.slice(0, 16)}…</code>`;
  if (!source.live || state.run === undefined) return field("blob", short);
  const address = `api/runs/${state.run}/blobs/${digest}`;
  return field("blob", html`${short} <a href=${address} download=${digest}>Save the bytes</a>`);
}

function originOf({ origin }: TraceEvent): TemplateResult | typeof nothing {
  if (origin === undefined) return nothing;
  return html`
    <h3>Where it was read</h3>
    <p class="origin">${origin.file}, line
        ${countText(origin.line)}</p>
    <pre class="origin-text" tabindex="0">${origin.text}</pre>
  `;
}

/** What became of a message, or of what it is a part. */
function linksOf(context: PartContext, event: TraceEvent): TemplateResult | typeof nothing {
  const { trace } = context;
  const links: TemplateResult[] = [];
  const link = (name: string, seq: number) =>
    links.push(html`<li><span class="link-name">${name}</span>${eventLink(context, seq)}</li>`);
  if (event.cause !== undefined) link("brought about by", event.cause);
  if (event.msg !== undefined && event.msg !== event.seq) link("sent at", event.msg);
  const fate = event.kind === "send" ? trace.fate(event.seq) : -1;
  if (fate >= 0) {
    const took = trace.vt(fate) - event.vt;
    link(
      trace.kind(fate) === "deliver" ? `taken after ${span(Math.max(0, took))}` : "ended at",
      fate,
    );
  } else if (event.kind === "send") {
    links.push(html`<li><span class="link-name">not taken within this trace</span></li>`);
  }
  return links.length === 0 ? nothing : html`
    <h3>Linked to</h3>
    <ul class="links">${links}</ul>
  `;
}

function cone(
  context: PartContext,
  name: "past" | "future",
  title: string,
  { count, seqs }: EventContext["past"],
): TemplateResult {
  const all = unfolded[name];
  const listed = all ? seqs : seqs.slice(0, LISTED);
  const rest = count - seqs.length;
  const toggle = () => {
    unfolded[name] = !all;
    context.refresh();
  };
  return html`<section class=${`cone ${name}`} data-part=${`cone-${name}`}>
    <h3>${title} <span class="quiet">${countText(count)} ${
    count === 1 ? "event" : "events"
  }</span></h3>
    <ol class="event-list">${listed.map((seq) => html`<li>${eventLink(context, seq)}</li>`)}</ol>
    ${
    seqs.length > LISTED
      ? html`
        <button type="button" class="small" aria-expanded=${all} @click=${toggle}
        >${all ? "Fewer" : `${countText(seqs.length - LISTED)} more`}</button>
      `
      : nothing
  }
    ${all && rest > 0 ? html`<p class="note">${countText(rest)} further away.</p>` : nothing}
  </section>`;
}

function conesOf(context: PartContext): TemplateResult | typeof nothing {
  const { state, source, trace } = context;
  if (state.run === undefined) return nothing;
  if (state.following && trace.count < (state.summary?.events ?? 0)) {
    return html`<p class="note" data-waiting="yes">The run is still coming in …</p>`;
  }
  const { context: fetched } = cachesOf(source);
  const shown = fetched.want(state.run, state.cursor, context.refresh);
  const isCurrent = shown.at === state.cursor ? shown.value : undefined;
  if (isCurrent === undefined) {
    return shown.problem === ""
      ? html`<p class="note" data-waiting="yes">Its causes and effects are looked for …</p>`
      : momentNote(shown, state.cursor, fetched);
  }
  return html`${cone(context, "past", "Could have influenced it", isCurrent.past)}
    ${cone(context, "future", "It could have influenced", isCurrent.future)}`;
}

/** The pane. */
export function eventPane(context: PartContext): TemplateResult {
  const { state, trace } = context;
  const { cursor } = state;
  if (cursor < 0 || cursor >= trace.count) {
    return hint("Choose an event in the diagram or in the table to see all that is known of it.");
  }
  if (unfolded.seq !== cursor) Object.assign(unfolded, { seq: cursor, past: false, future: false });
  const event = trace.event(cursor);
  return html`<div class="event-pane">
    <h2>${eventWords(event)}</h2>
    <dl class="fields">
      ${field("event", countText(event.seq))}
      ${field("time", html`<span class="number">${momentText(event.vt)}</span>`)}
      ${field("kind", event.kind)}
      ${field("actor", event.actor)}
      ${field("from", event.source)}
      ${field("to", event.target)}
      ${field("type", event.type === undefined ? undefined : html`<code>${event.type}</code>`)}
      ${field("state", event.state)}
      ${field("rule", event.rule)}
      ${field("Lamport", countText(event.lamport))}
      ${blobOf(context, event.blob)}
    </dl>
    ${summaryOf(event)}${originOf(event)}${linksOf(context, event)}${conesOf(context)}
  </div>`;
}

const HIGHLIGHTS: WeakMap<EventContext, ReadonlyMap<number, "past" | "future">> = new WeakMap();
const NOTHING: ReadonlyMap<number, "past" | "future"> = new Map();

/**
 * Events to be highlighted in the diagram: of the chosen event, where its causes and effects are
 * known already. The same map comes for the same event, so that it can be compared.
 */
export function highlighted(context: PartContext): ReadonlyMap<number, "past" | "future"> {
  const { state, source } = context;
  if (state.run === undefined || state.cursor < 0) return NOTHING;
  const cones = cachesOf(source).context.peek(state.run, state.cursor);
  if (cones === undefined) return NOTHING;
  const known = HIGHLIGHTS.get(cones);
  if (known !== undefined) return known;
  const marks = new Map<number, "past" | "future">();
  for (const seq of cones.past.seqs) marks.set(seq, "past");
  for (const seq of cones.future.seqs) marks.set(seq, "future");
  marks.delete(state.cursor);
  HIGHLIGHTS.set(cones, marks);
  return marks;
}
