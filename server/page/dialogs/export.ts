/**
 * The forms in which a run can be had, and the address of the moment.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { ExportForm } from "../../api/shapes/catalogue.ts";
import type { PartContext } from "../model.ts";

/** Each form with what it is and what opens it. */
export const FORMS: readonly (readonly [ExportForm, name: string, opens: string])[] = [
  [
    "html",
    "One HTML file",
    "This page with the trace in it: any browser opens it, without a server.",
  ],
  [
    "ndjson",
    "The trace itself",
    "NDJSON, one event a line: kjump check, jq, and this page read it.",
  ],
  ["perfetto", "Perfetto", "Chrome trace JSON: ui.perfetto.dev and chrome://tracing open it."],
  [
    "otlp",
    "OpenTelemetry",
    "OTLP/JSON lines: a collector's file receiver takes them to any tracer.",
  ],
  ["shiviz", "ShiViz", "A log with vector clocks: ShiViz draws it as a space-time diagram."],
  ["mermaid", "Mermaid", "A sequence diagram as text: GitHub and mermaid.live draw it."],
  ["plantuml", "PlantUML", "A sequence diagram as text: plantuml draws it."],
  ["pcapng", "Wireshark", "A capture of all messages: Wireshark and tshark open it."],
];

let said = "";

function copy(context: PartContext, address: string): void {
  navigator.clipboard.writeText(address).then(
    () => "The address is in the clipboard.",
    () => "The browser does not let the page copy: mark the address and copy it yourself.",
  ).then((text) => {
    said = text;
    context.refresh();
  });
}

/** The forms and the address. */
export function exportDialog(context: PartContext): TemplateResult {
  const { state, source } = context;
  const { run } = state;
  if (run === undefined) return html`<p>Open a run first.</p>`;
  const address = location.href;
  return html`
    <section aria-labelledby="share-title">
      <h3 id="share-title">Share this moment</h3>
      <p class="share"><label><span class="sr">Address of this moment</span>
        <input readonly data-first .value=${address}
          @focus=${(event: Event) =>
            event.target instanceof HTMLInputElement && event.target.select()} /></label>
        <button type="button" class="primary" @click=${() =>
          copy(context, address)}>Copy</button></p>
      <p class="note" role="status">${said}</p>
    </section>
    ${source.live
      ? html`
        <section aria-labelledby="forms-title">
          <h3 id="forms-title">Save the run as</h3>
          <ul class="forms">${FORMS.map(([form, name, opens]) =>
            html`<li><a href=${
              source.exportAddress(run, form)
            } download data-form=${form}>${name}</a>
            <p>${opens}</p></li>`
          )}</ul>
        </section>
      `
      : nothing}
  `;
}
