/**
 * The comparison as text: a table for people, CSV for spreadsheets, JSON for programs.
 *
 * @module
 */
import {
  ACTIVITY_COLUMNS,
  COLUMNS,
  type CompareRow,
  type Comparison,
  type CutRow,
  largestShares,
} from "./compare_row.ts";

function padded(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}

/** Columns as wide as their widest cell; numbers to the right. */
function table(
  headings: readonly string[],
  lines: readonly (readonly (string | number)[])[],
): string {
  const widths = headings.map((heading, index) =>
    Math.max(heading.length, ...lines.map((line) => String(line[index] ?? "").length))
  );
  const numeric = headings.map((_, index) =>
    lines.length > 0 && lines.every((line) => typeof line[index] === "number")
  );
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, index) => padded(String(cell), widths[index] ?? 0, numeric[index] ?? false))
      .join("  ").trimEnd();
  return [row(headings), ...lines.map(row)].join("\n");
}

/** Columns that say the same in every row are told once above the table. */
function split(rows: readonly CompareRow[]) {
  const same = COLUMNS.filter((column) =>
    new Set(rows.map((row) => column.value(row))).size === 1 && rows.length > 1
  );
  return { same, shown: COLUMNS.filter((column) => !same.includes(column)) };
}

function sharesText(rows: readonly CompareRow[]): string {
  const lines = [...largestShares(rows)].map(([system, share]) => [
    system,
    share === 0 ? "never" : `${share} %`,
  ]);
  return table(["system", "largest share of RAM that came back"], lines);
}

function cutsText(cuts: readonly CutRow[]): string {
  const activities = [...new Set(cuts.map(({ activity }) => activity))];
  const systems = [...new Set(cuts.map(({ system }) => system))];
  const lines = systems.map((system) => [
    system,
    ...activities.map((activity) =>
      cuts.find((cut) => cut.system === system && cut.activity === activity)?.outcome ?? "–"
    ),
  ]);
  return table(["power lost during", ...activities], lines);
}

/** The comparison for people. */
export function compareText({ rows, cuts }: Comparison): string {
  const { same, shown } = split(rows);
  const [first] = rows;
  const parts: string[] = [];
  if (first !== undefined && same.length > 0) {
    parts.push(same.map(({ heading, value }) => `${heading}: ${value(first)}`).join(", "));
  }
  parts.push(
    table(shown.map(({ heading }) => heading), rows.map((row) => shown.map((c) => c.value(row)))),
  );
  parts.push(sharesText(rows));
  if (cuts.length > 0) parts.push(cutsText(cuts));
  return parts.join("\n\n") + "\n";
}

function csvCell(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The comparison as comma-separated values (RFC 4180), one line a run. */
export function compareCsv({ rows }: Comparison): string {
  const columns = [...COLUMNS, ...ACTIVITY_COLUMNS];
  const lines = rows.map((row) => columns.map(({ value }) => csvCell(value(row))).join(","));
  return [columns.map(({ name }) => name).join(","), ...lines].join("\r\n") + "\r\n";
}

/** The comparison as JSON. */
export function compareJson(comparison: Comparison): string {
  const columns = [...COLUMNS, ...ACTIVITY_COLUMNS];
  const rows = comparison.rows.map((row) =>
    Object.fromEntries(columns.map(({ name, value }) => [name, value(row)]))
  );
  const largest = Object.fromEntries(largestShares(comparison.rows));
  return JSON.stringify({ rows, largest_share_percent: largest, cuts: comparison.cuts }, null, 2) +
    "\n";
}
