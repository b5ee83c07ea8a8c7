/**
 * The page's icons: strokes in the colour of the text, hidden from those who read by ear.
 *
 * @module
 */
import { svg, type TemplateResult } from "lit-html";
import { html } from "lit-html";

const PATHS = {
  jump: "M3 13c2-8 8-8 10-1M13 12l1.500-3.600M13 12l-3.700-1.200",
  plus: "M8 3v10M3 8h10",
  bolt: "M9 1.500L3.500 9H8l-1 5.500L12.500 7H8z",
  save: "M8 2.500v7M5 7l3 3 3-3M3 12.500h10",
  link: "M6.500 9.500l3-3M7 4.500l1.500-1.500a2.500 2.500 0 0 1 3.600" +
    " 3.600L10.500 8M9 11.500L7.500 13a2.500 2.500 0 0 1-3.600-3.600L5.500 8",
  keys: "M2 4.500h12v7H2zM4.500 7h.010M7 7h.010M9.500 7h.010M11.800 7h.010M5 9.500h6",
  beside: "M2.500 3h4.500v10H2.500zM9 3h4.500v10H9z",
  play: "M5 3.500l7.500 4.500-7.500 4.500z",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  first: "M4 3.500v9M12 3.500L6.500 8l5.500 4.500",
  back: "M11 3.500L5.500 8l5.500 4.500",
  next: "M5 3.500L10.500 8 5 12.500",
  last: "M12 3.500v9M4 3.500L9.500 8 4 12.500",
  flag: "M4 14V2.500h7.500L9.500 5.500l2 3H4",
  follow: "M8 2.500v8M4.500 7L8 10.500 11.500 7M3 13.500h10",
  search: "M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.300 10.300l3.200 3.200",
} as const;

/** An icon by name. */
export function icon(name: keyof typeof PATHS): TemplateResult {
  const path = svg`<path d=${PATHS[name]} />`;
  return html`
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${path}</svg>
  `;
}
