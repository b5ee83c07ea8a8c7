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

/** Figures that belong to a run; the others belong to a system. */
const OF_RUNS: ReadonlySet<string> = new Set([
  "system",
  "used_percent",
  "resumed",
  "kernel_boots",
  "pages_saved",
  "image_mib",
  "reserved_mib",
  "down_seconds",
  "up_seconds",
]);

function runsText(rows: readonly CompareRow[]): string {
  const columns = COLUMNS.filter(({ name }) => OF_RUNS.has(name));
  const lines = rows.map((row) => [
    ...columns.map((column) => column.value(row)),
    row.resumed ? "" : row.outcome,
  ]);
  return table([...columns.map(({ heading }) => heading), ""], lines);
}

/** What does not depend on the memory in use, taken from the first run that came back. */
function systemsText(rows: readonly CompareRow[]): string {
  const columns = COLUMNS.filter(({ name }) => !OF_RUNS.has(name) && name !== "outcome");
  const lines = [...largestShares(rows)].map(([system, share]) => {
    const own = rows.filter((row) => row.system === system);
    const row = own.find(({ resumed }) => resumed) ?? own[0];
    const cells = row === undefined ? [] : columns.map((column) => column.value(row));
    return [system, share === 0 ? "never" : `${share} %`, ...cells, row?.title ?? ""];
  });
  return table(["system", "most", ...columns.map(({ heading }) => heading), ""], lines);
}

/** Where the time goes: of each system the first run that came back, in the order of a cycle. */
function phasesText(rows: readonly CompareRow[]): string {
  const columns = ACTIVITY_COLUMNS.filter(({ name }) => !/^(person|off)_/.test(name));
  const systems = [...new Set(rows.map(({ system }) => system))];
  const lines = systems.flatMap((system) => {
    const row = rows.find((one) => one.system === system && one.resumed);
    return row === undefined
      ? []
      : [[system, row.used, ...columns.map((column) => column.value(row))]];
  });
  return table(["seconds of", "used %", ...columns.map(({ heading }) => heading)], lines);
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
  const [first] = rows;
  const parts = [runsText(rows), phasesText(rows), systemsText(rows)];
  if (first !== undefined) {
    const mebibytes = first.memoryBytes / 0x10_0000;
    parts.unshift(
      `${mebibytes} MiB of RAM; used: what the workload holds; set aside: for the image or for ` +
        "the kernel that saves it;\ndown: from the command to off, up: from the button to A, in " +
        "seconds of the machine's time, a person's typing left out;\nmost: the largest share " +
        "of RAM in use that came back",
    );
  }
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
