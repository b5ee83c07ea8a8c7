/**
 * One run of the comparison, and how its figures are called: the data that table, CSV, JSON and
 * plot are made of.
 *
 * @module
 */
import { ACTIVITIES, type Measured, type Times } from "../../machine/trace/measure.ts";

/** A system on a machine with so much of its memory in use. */
export interface CompareRow {
  readonly system: string;
  readonly title: string;
  /** Share of RAM that the workload holds, in percent. */
  readonly used: number;
  readonly memoryBytes: number;
  /** Whether A went on with all it had. */
  readonly resumed: boolean;
  /** How the run ended, or why the system could not do it. */
  readonly outcome: string;
  /** Rules that the run broke: quirks of the system as it was. */
  readonly broken: readonly string[];
  readonly measured: Measured;
  /** Where the image went, and by how many processors it was compressed. */
  readonly target: string;
  readonly compression: string;
}

/** What became of a machine whose power was cut while it did something. */
export interface CutRow {
  readonly system: string;
  readonly activity: string;
  readonly seq: number;
  readonly outcome: string;
}

/** All of it. */
export interface Comparison {
  readonly rows: readonly CompareRow[];
  readonly cuts: readonly CutRow[];
}

const SECOND = 1e9;
const MIB = 0x10_0000;
const PAGE_BYTES = 4096;

function total(times: Times): number {
  let sum = 0;
  for (const activity of ACTIVITIES) {
    if (activity !== "person" && activity !== "off") sum += times[activity];
  }
  return sum / SECOND;
}

/** Virtual seconds from the command to the machine being off; a person's typing left out. */
export function downSeconds({ measured }: CompareRow): number {
  return total(measured.down);
}

/** Virtual seconds from the power button to the kernel that goes on, likewise. */
export function upSeconds({ measured }: CompareRow): number {
  return total(measured.up);
}

/** A figure of the comparison: a name for machines, a heading for people, and its text. */
export interface Column {
  readonly name: string;
  readonly heading: string;
  value(row: CompareRow): string | number;
}

const seconds = (value: number): number => Math.round(value * 1000) / 1000;

/** Figures in their order. */
export const COLUMNS: readonly Column[] = [
  { name: "system", heading: "system", value: (row) => row.system },
  { name: "used_percent", heading: "used %", value: (row) => row.used },
  { name: "resumed", heading: "resumed", value: (row) => row.resumed ? "yes" : "no" },
  { name: "kernel_boots", heading: "boots", value: ({ measured }) => measured.boots.length },
  { name: "pages_saved", heading: "pages", value: ({ measured }) => measured.pages },
  {
    name: "image_mib",
    heading: "image MiB",
    value: ({ measured }) =>
      Math.round((measured.bytes || measured.pages * PAGE_BYTES) / MIB * 10) / 10,
  },
  {
    name: "reserved_mib",
    heading: "set aside MiB",
    value: ({ measured }) => Math.round(measured.reserved * PAGE_BYTES / MIB * 10) / 10,
  },
  { name: "down_seconds", heading: "down s", value: (row) => seconds(downSeconds(row)) },
  { name: "up_seconds", heading: "up s", value: (row) => seconds(upSeconds(row)) },
  {
    name: "freezer",
    heading: "freezer",
    value: ({ measured: { froze } }) =>
      froze.kthreads ? "user+kernel" : froze.user ? "user" : "none",
  },
  { name: "state", heading: "state", value: ({ measured }) => measured.state },
  { name: "rules_broken", heading: "breaks", value: ({ broken }) => broken.join(" ") || "–" },
  { name: "target", heading: "target", value: (row) => row.target },
  { name: "compression", heading: "compression", value: (row) => row.compression },
  { name: "outcome", heading: "outcome", value: (row) => row.outcome },
];

/** Figures that only machines read: each activity's virtual seconds. */
export const ACTIVITY_COLUMNS: readonly Column[] = ACTIVITIES.map((activity) => ({
  name: `${activity.replaceAll(" ", "_")}_seconds`,
  heading: activity,
  value: ({ measured }) => seconds((measured.down[activity] + measured.up[activity]) / SECOND),
}));

/** The largest share of RAM with which each system resumed, in percent; 0 for none. */
export function largestShares(rows: readonly CompareRow[]): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  for (const { system, used, resumed } of rows) {
    const before = shares.get(system) ?? 0;
    shares.set(system, resumed ? Math.max(before, used) : before);
  }
  return shares;
}
