/**
 * Small pieces that several panels show alike.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { PartContext } from "../model.ts";
import type { Fetched, Shown } from "./fetched.ts";
import { countText, eventWordsAt, momentText } from "./words.ts";

/** A button that goes to an event, with what happened there. */
export function eventLink(context: PartContext, seq: number): TemplateResult {
  return html`
    <button type="button" class="event-link" data-seq=${seq}
      @click=${() => context.go(seq)}><span class="number">${countText(seq)}</span>
        <span>${eventWordsAt(context.trace, seq)}</span></button>
  `;
}

/** A hint in the place of a panel that has nothing to show. */
export function hint(text: string): TemplateResult {
  return html`<p class="hint">${text}</p>`;
}

/** Why the machine's inside cannot be shown; "" where it can. */
export function obstacleTo(context: PartContext, what: string): string {
  const { state, source } = context;
  if (state.run === undefined) return "No run is open.";
  if (state.cursor < 0) return `Choose an event to see ${what} at that moment.`;
  if (!source.live) return `A saved page has the trace only: ${what} is not in it.`;
  if (state.summary?.replayable === false) {
    return `This trace was recorded on another machine: ${what} is not in it.`;
  }
  return "";
}

/** Of which moment the picture is, whether a new one comes, and what went wrong. */
export function momentNote<Value>(
  shown: Shown<Value>,
  cursor: number,
  fetched: Fetched<Value>,
): TemplateResult {
  if (shown.problem !== "") {
    return html`<p class="note problem" role="alert">${shown.problem}
      <button type="button" class="small" @click=${() => fetched.again()}>Try again</button></p>`;
  }
  if (shown.value === undefined) {
    return html`<p class="note" data-waiting="yes">The machine is replayed up to event
      ${countText(cursor)} …</p>`;
  }
  if (!shown.waiting) return html``;
  return html`<p class="note" data-waiting="yes">Still as it was at event
    ${countText(shown.at)}; event ${countText(cursor)} is on its way …</p>`;
}

/** At which moment a map was taken. */
export function momentLine(
  map: { readonly at: number; readonly next: number; readonly vt: number },
): TemplateResult {
  const where = map.next > map.at + 1
    ? html`, at the barrier before event ${countText(map.next)}`
    : nothing;
  return html`<p class="moment">Event ${countText(map.at)}${where}, ${momentText(map.vt)}</p>`;
}

/** The table that says what a picture shows. */
export function tableTwin(
  name: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  most: number,
): TemplateResult {
  const more = rows.length - most;
  return html`<details class="twin"><summary>${name} as a table</summary>
    <div class="table-box" tabindex="0" role="region" aria-label=${name}><table>
      <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${
    rows.slice(0, most).map((row) =>
      html`<tr>${
        row.map((cell, index) =>
          index === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`
        )
      }</tr>`
    )
  }</tbody></table></div>
    ${more > 0 ? html`<p class="note">and ${countText(more)} more rows</p>` : nothing}</details>`;
}

/** The value of the control that an event came from. */
export function valueOf(event: Event): string {
  const { target } = event;
  const has = target instanceof HTMLInputElement || target instanceof HTMLSelectElement ||
    target instanceof HTMLTextAreaElement;
  return has ? target.value : "";
}
