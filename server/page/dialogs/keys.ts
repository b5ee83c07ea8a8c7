/**
 * The keys of the page.
 *
 * @module
 */
import { html, type TemplateResult } from "lit-html";
import { KEY_LIST } from "../key_list.ts";
import type { PartContext } from "../model.ts";

/** Keys that are of use only where the focus is. */
const FURTHER: readonly (readonly [
  where: string,
  keys: readonly (readonly [keys: string, what: string])[],
])[] = [
  ["In the pictures of memory and disk", [
    ["← →", "run before, next run"],
    ["↑ ↓", "row above, row below"],
    ["Home End", "first run, last run"],
  ]],
  ["At a prompt", [
    ["Enter", "give the line to the machine"],
    ["↑ ↓", "lines typed before"],
  ]],
  ["In a dialog", [["Esc", "close it"]]],
];

type Rows = readonly (readonly [keys: string, what: string])[];

function table(where: string, rows: Rows): TemplateResult {
  return html`
    <table>
      <caption>${where}</caption>
      <tbody>${rows.map(([keys, what]) =>
        html`
          <tr>
            <th scope="row">${keys.split(/\s+/).map((key) =>
              html`
                <kbd>${key}</kbd>
              `
            )}</th>
            <td>${what}</td>
          </tr>
        `
      )}</tbody>
    </table>
  `;
}

/** The tables. */
export function keysDialog(_context: PartContext): TemplateResult {
  return html`<div class="keys" tabindex="0" data-first role="group" aria-label="All keys">
    ${table("Everywhere", KEY_LIST)}
    <div>${FURTHER.map(([where, rows]) => table(where, rows))}</div></div>`;
}
