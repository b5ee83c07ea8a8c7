/**
 * Numbers and names as the page writes them.
 *
 * @module
 */

const THIN = "\u202f";

/** Digits in groups of three: `200 000` with narrow spaces. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** Virtual time as seconds: `1.004 503 310`. */
export function seconds(vt: number): string {
  const whole = Math.floor(vt / 1_000_000_000);
  const rest = String(vt % 1_000_000_000).padStart(9, "0");
  return `${grouped(whole)}.${rest.slice(0, 3)}${THIN}${rest.slice(3, 6)}${THIN}${rest.slice(6)}`;
}

/** A span of virtual time in the unit that fits: `1.2 ms`, `8 h`. */
export function span(vt: number): string {
  if (vt < 1_000) return `${vt} ns`;
  if (vt < 1_000_000) return `${rounded(vt / 1_000)} µs`;
  if (vt < 1_000_000_000) return `${rounded(vt / 1_000_000)} ms`;
  const whole = vt / 1_000_000_000;
  if (whole < 120) return `${rounded(whole)} s`;
  if (whole < 7_200) return `${rounded(whole / 60)} min`;
  return `${rounded(whole / 3_600)} h`;
}

function rounded(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** A summary in one line: `tag=move 0 write=true`. */
export function summaryLine(
  summary: { readonly [name: string]: string | number | boolean } | undefined,
  most: number,
): string {
  if (summary === undefined) return "";
  let line = "";
  for (const [name, value] of Object.entries(summary)) {
    line += `${line === "" ? "" : "  "}${name}=${value}`;
    if (line.length > most) return shortened(line, most);
  }
  return line;
}

/** A text of at most so many characters, and `…` where it goes on. */
export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
