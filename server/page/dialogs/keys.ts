/**
 * The keys of the page.
 *
 * @module
 */
import { html, type TemplateResult } from "lit-html";
import { KEY_LIST } from "../keys.ts";
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

/** The table. */
export function keysDialog(_context: PartContext): TemplateResult {
  const groups = [["Everywhere", KEY_LIST] as const, ...FURTHER];
  return html`<div class="keys" tabindex="0" data-first role="group" aria-label="All keys">${
    groups.map(([where, rows]) =>
      html`
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
      `
    )
  }</div>`;
}
