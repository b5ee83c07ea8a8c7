/**
 * The comparison as one SVG picture: over the memory in use, how long a cycle takes and how large
 * the image is. A cross marks a run that did not come back.
 *
 * @module
 */
import { type CompareRow, downSeconds, upSeconds } from "./compare_row.ts";

const WIDTH = 860;
const PANEL_HEIGHT = 300;
const MARGIN = { left: 60, right: 190, top: 34, bottom: 40 };
const COLOURS = [
  "#1b6ca8",
  "#c8553d",
  "#3a7d44",
  "#8b5fbf",
  "#b8860b",
  "#00798c",
  "#a23b72",
  "#555555",
  "#d1495b",
  "#66a182",
  "#2e4057",
  "#edae49",
  "#7a306c",
];
/** Crosses of one share stand above each other. */
const CROSS_HEIGHT = 8;
const MIB = 0x10_0000;
const PAGE_BYTES = 4096;

interface Panel {
  readonly title: string;
  readonly unit: string;
  value(row: CompareRow): number;
}

const PANELS: readonly Panel[] = [
  {
    title: "hibernate and resume, virtual seconds",
    unit: "s",
    value: (row) => downSeconds(row) + upSeconds(row),
  },
  {
    title: "size of the image, MiB",
    unit: "MiB",
    value: ({ measured }) => (measured.bytes || measured.pages * PAGE_BYTES) / MIB,
  },
];

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** A round number at or above a value. */
function ceiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= value) ??
    10;
  return step * power;
}

function axes(panel: Panel, top: number, most: number): string {
  const { left, right } = MARGIN;
  const bottom = top + PANEL_HEIGHT - MARGIN.bottom;
  const lines = [
    `<text x="${left}" y="${top + 18}" class="title">${escaped(panel.title)}</text>`,
    `<path d="M${left} ${top + MARGIN.top}V${bottom}H${WIDTH - right}" class="axis"/>`,
  ];
  for (let used = 0; used <= 100; used += 20) {
    const x = left + (WIDTH - left - right) * used / 100;
    lines.push(`<text x="${x}" y="${bottom + 16}" text-anchor="middle">${used} %</text>`);
  }
  for (let part = 0; part <= 4; part++) {
    const y = bottom - (bottom - top - MARGIN.top) * part / 4;
    const label = Number((most * part / 4).toPrecision(3));
    lines.push(
      `<text x="${left - 6}" y="${y + 4}" text-anchor="end">${label}</text>`,
      `<path d="M${left} ${y}H${WIDTH - right}" class="grid"/>`,
    );
  }
  return lines.join("\n");
}

function curve(
  rows: readonly CompareRow[],
  { panel, top, most, colour, order }: {
    readonly panel: Panel;
    readonly order: number;
    readonly top: number;
    readonly most: number;
    readonly colour: string;
  },
): string {
  const { left, right } = MARGIN;
  const bottom = top + PANEL_HEIGHT - MARGIN.bottom;
  const place = (row: CompareRow): [number, number] => [
    left + (WIDTH - left - right) * row.used / 100,
    bottom - (bottom - top - MARGIN.top) * Math.min(1, panel.value(row) / most),
  ];
  const good = rows.filter(({ resumed }) => resumed).map(place);
  const path = good.map(([x, y], index) =>
    `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`
  );
  const dots = good.map(([x, y]) =>
    `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`
  );
  const crosses = rows.filter(({ resumed }) => !resumed).map((row) => {
    const [x] = place(row);
    return `<text x="${x.toFixed(1)}" y="${bottom - 4 - order * CROSS_HEIGHT}" fill="${colour}" ` +
      `text-anchor="middle">×</text>`;
  });
  return [
    `<path d="${path.join("")}" stroke="${colour}" fill="none" stroke-width="2"/>`,
    ...dots,
    ...crosses,
  ]
    .join("\n");
}

/** The picture. */
export function comparePlot(rows: readonly CompareRow[]): string {
  const systems = [...new Set(rows.map(({ system }) => system))];
  const height = PANEL_HEIGHT * PANELS.length + 10;
  const body = PANELS.map((panel, index) => {
    const top = index * PANEL_HEIGHT;
    const most = ceiling(Math.max(0, ...rows.filter((row) => row.resumed).map(panel.value)));
    const curves = systems.map((system, order) =>
      curve(rows.filter((row) => row.system === system), {
        panel,
        top,
        most,
        order,
        colour: COLOURS[order % COLOURS.length] ?? "#000",
      })
    );
    return [axes(panel, top, most), ...curves].join("\n");
  });
  const legend = systems.map((system, order) =>
    `<text x="${WIDTH - MARGIN.right + 16}" y="${MARGIN.top + 18 + order * 18}" ` +
    `fill="${COLOURS[order % COLOURS.length]}">${escaped(system)}</text>`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img" ` +
    `aria-label="Time of a cycle and size of the image over memory in use">\n` +
    "<style>text{font:12px sans-serif}.title{font-weight:bold}.axis{fill:none;stroke:#333}" +
    ".grid{stroke:#ddd}</style>\n" +
    `<rect width="100%" height="100%" fill="#fff"/>\n` +
    [...body, ...legend].join("\n") + "\n</svg>\n";
}
