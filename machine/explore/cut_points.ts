/**
 * Where to cut the power in a run that was recorded: before and after everything that changes
 * what a cut may leave behind, or whom it strikes. Each place is a sequence number for a
 * `power_cut` choice, with the row of the fault table it falls into.
 *
 * @module
 */
import type { Choice } from "../choices.ts";
import type { TraceEvent } from "../trace/event.ts";
import { POWER_LOSS_TABLE, type PowerLoss } from "./fault_table.ts";

/** A place to cut at. */
export interface CutPoint {
  /** The cut strikes before the event of this number. */
  readonly at: number;
  /** The event beside it, for people: `before fact.flush done`. */
  readonly beside: string;
  readonly row: PowerLoss;
}

/** Facts beside which a cut is worth a run. */
const INTERESTING: ReadonlySet<string> = new Set([
  "boot",
  "load",
  "freeze",
  "point_of_no_return",
  "leave",
  "snapshot",
  "pageset",
  "final_copy",
  "swap",
  "jump",
  "resumed",
  "purgatory",
  "mount",
  "unmount",
  "disk_write",
  "flush",
  "image",
  "acpi",
  "exec",
  "exec_done",
  "thaw",
]);

/** Of the callbacks of devices only those of one device: the others are the same to the disk. */
const PHASES_OF = "disk";

function factOf(event: TraceEvent): string | undefined {
  if (event.kind !== "note" || event.type === undefined) return undefined;
  const name = event.type.replace(/^fact\./, "");
  if (name === "phase") return event.summary?.["device"] === PHASES_OF ? name : undefined;
  return INTERESTING.has(name) ? name : undefined;
}

function nameOf(name: string, { summary }: TraceEvent): string {
  const detail = summary?.["op"] ?? summary?.["name"];
  return detail === undefined ? name : `${name} ${detail}`;
}

/** The row of the fault table that each event of a whole cycle stands in, by its number. */
export function rowsOf(events: readonly TraceEvent[]): readonly PowerLoss[] {
  const rows: PowerLoss[] = [];
  let row = POWER_LOSS_TABLE[0];
  for (const event of events) {
    const so = row?.id ?? "";
    row = POWER_LOSS_TABLE.find(({ after, begins }) => after.includes(so) && begins(event)) ?? row;
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/**
 * Places to cut a recorded run at, at most `most`, evenly spread within each row of the table, so
 * that none is left out. While the machine is off there is nothing to cut.
 */
export function cutPoints(events: readonly TraceEvent[], most: number): readonly CutPoint[] {
  const rows = rowsOf(events);
  const byRow = new Map<PowerLoss, CutPoint[]>();
  let on = false;
  for (const event of events) {
    const power = event.type === "fact.power" ? event.summary?.["op"] : undefined;
    if (power !== undefined) on = power === "on" || power === "wake";
    const name = factOf(event);
    if (name === undefined || !on) continue;
    for (const at of [event.seq, event.seq + 1]) {
      const row = rows[at - 1];
      if (row === undefined || at >= events.length) continue;
      const points = byRow.get(row) ?? [];
      if (points.at(-1)?.at === at) continue;
      const beside = `${at === event.seq ? "before" : "after"} ${nameOf(name, event)}`;
      points.push({ at, beside, row });
      byRow.set(row, points);
    }
  }
  return spread([...byRow.values()], most).sort((left, right) => left.at - right.at);
}

/** At most `most` of all lists, as many of each as of the others while it has them. */
function spread(lists: readonly (readonly CutPoint[])[], most: number): CutPoint[] {
  let left = most;
  let groups = lists.length;
  return lists.toSorted((one, other) => one.length - other.length).flatMap((points) => {
    const share = Math.min(points.length, Math.floor(left / groups));
    left -= share;
    groups--;
    const step = points.length / Math.max(1, share);
    return Array.from({ length: share }, (_, index) => points[Math.floor(index * step)])
      .filter((point): point is CutPoint => point !== undefined);
  });
}

/** How much of what waits in the disk's cache survives a cut. */
export type Survival = "none" | "all" | "seeded" | "torn last" | "half";

/** All of them. */
export const SURVIVALS: readonly Survival[] = ["none", "all", "seeded", "torn last", "half"];

/**
 * The choice of a cut, or `undefined` where it would be one of the others.
 *
 * @param pending Sectors of each write that waits in the disk's cache, oldest first.
 */
export function cutChoice(
  at: number,
  survival: Survival,
  pending: readonly number[],
): Choice | undefined {
  if (pending.length === 0 && survival !== "none") return undefined;
  if (survival === "none" || survival === "all" || survival === "seeded") {
    return { kind: "power_cut", at, durable: survival };
  }
  const last = pending.length - 1;
  const kept = survival === "half" ? Math.floor(pending.length / 2) : last;
  const survivors = Array.from({ length: kept }, (_, index) => index);
  const choice = { kind: "power_cut", at, durable: "listed", survivors } as const;
  const sectors = Math.floor((pending[last] ?? 0) / 2);
  return survival === "half" ? choice : { ...choice, torn: { index: last, sectors } };
}
