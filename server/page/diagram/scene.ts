/**
 * What of a trace is in a window of the diagram, as plain numbers: rows, arrows, bars of states.
 * Knows no DOM; drawn by `diagram.ts`.
 *
 * @module
 */
import type { EventKind } from "../../../machine/trace/event.ts";
import { type Family, familyOf } from "../family.ts";
import { inputWords, isInput } from "../input_words.ts";
import type { Rows } from "../rows.ts";
import { shortened, summaryLine } from "../values.ts";
import type { TraceStore } from "../trace_store.ts";

/** Height of a row in px. */
export const ROW_PIXELS = 22;
/** Sends so many rows above the window are looked at for arrows that pass through it. */
const PASSING_ROWS = 256;
const LABEL_CHARACTERS = 44;

/** A life line. */
export interface Lane {
  readonly name: string;
  /** Number of the actor in the trace. */
  readonly actor: number;
  /** Centre in px. */
  readonly x: number;
}

/** What one row shows. */
export interface SceneRow {
  readonly row: number;
  /** First and last event in it. */
  readonly seq: number;
  readonly last: number;
  readonly size: number;
  readonly y: number;
  readonly vt: number;
  readonly kind: EventKind;
  readonly lane: Lane | undefined;
  readonly family: Family;
  /** Whether a person does it at a live machine. */
  readonly input: boolean;
  readonly label: string;
  /** Where the label stands: to the right or left of its mark. */
  readonly labelX: number;
  readonly labelEnd: boolean;
}

/** A message that is seen, from its send to what became of it. */
export interface SceneArrow {
  readonly msg: number;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly family: Family;
  readonly lost: boolean;
  /** Whether its end is not known or lies below the window. */
  readonly open: boolean;
}

/** Time for which an actor is in one state. */
export interface SceneBar {
  readonly x: number;
  readonly y1: number;
  readonly y2: number;
  readonly state: string;
}

/** See the module's header. */
export interface Scene {
  readonly rows: readonly SceneRow[];
  readonly arrows: readonly SceneArrow[];
  readonly bars: readonly SceneBar[];
}

/** The window: where it begins in rows (with a part), and its size in px. */
export interface SceneWindow {
  readonly top: number;
  readonly height: number;
  readonly width: number;
}

/** Works out a scene. */
export function sceneOf(
  trace: TraceStore,
  rows: Rows,
  lanes: readonly Lane[],
  window: SceneWindow,
): Scene {
  const builder = new SceneBuilder(trace, rows, lanes, window);
  return { rows: builder.rows(), arrows: builder.arrows(), bars: builder.bars() };
}

class SceneBuilder {
  readonly #trace: TraceStore;
  readonly #rows: Rows;
  readonly #lanes: readonly Lane[];
  readonly #window: SceneWindow;
  readonly #byActor: (Lane | undefined)[] = [];
  readonly #from: number;
  readonly #to: number;

  constructor(trace: TraceStore, rows: Rows, lanes: readonly Lane[], window: SceneWindow) {
    this.#trace = trace;
    this.#rows = rows;
    this.#lanes = lanes;
    this.#window = window;
    for (const lane of lanes) this.#byActor[lane.actor] = lane;
    this.#from = Math.max(0, Math.floor(window.top));
    this.#to = Math.min(rows.count, Math.ceil(window.top + window.height / ROW_PIXELS));
  }

  rows(): SceneRow[] {
    const list: SceneRow[] = [];
    for (let row = this.#from; row < this.#to; row++) list.push(this.#row(row));
    return list;
  }

  #y(row: number): number {
    return (row - this.#window.top) * ROW_PIXELS + ROW_PIXELS / 2;
  }

  #row(row: number): SceneRow {
    const trace = this.#trace;
    const seq = this.#rows.seqOf(row);
    const size = this.#rows.sizeOf(row);
    const lane = this.#byActor[trace.actor(seq)];
    const kind = trace.kind(seq);
    const type = trace.types[trace.type(seq)] ?? "";
    const label = this.#label(row, seq, size, kind, type);
    const x = lane?.x ?? 0;
    const other = this.#byActor[trace.target(seq)];
    const isLeft = kind === "send" && other !== undefined && other.x < x;
    const room = label.length * 6.2 + 16;
    const labelEnd = isLeft ? x - room > 0 || x + room > this.#window.width : x + room >
      this.#window.width;
    return {
      row,
      seq,
      last: this.#rows.lastOf(row),
      size,
      y: this.#y(row),
      vt: trace.vt(seq),
      kind,
      lane,
      family: familyOf(type),
      input: isInput({ kind, type }),
      label,
      labelX: labelEnd ? x - 11 : x + 11,
      labelEnd,
    };
  }

  #label(row: number, seq: number, size: number, kind: EventKind, type: string): string {
    if (size > 1) {
      const last = this.#trace.event(this.#rows.lastOf(row));
      const now = last.state ?? (last.type ?? "").replace("fact.", "");
      return `${size} steps … ${now}`;
    }
    switch (kind) {
      case "deliver":
        return this.#rows.rowAt(this.#trace.msg(seq)) < this.#from ? type : "";
      case "note":
      case "state":
      case "fault":
      case "signal":
      case "drop": {
        const event = this.#trace.event(seq);
        if (kind === "state") return event.state ?? "";
        if (isInput(event)) return shortened(inputWords(event), LABEL_CHARACTERS);
        const text = summaryLine(event.summary, LABEL_CHARACTERS);
        return `${type.replace("fact.", "")} ${text}`.trim();
      }
      case "send":
        return type;
      default:
        return `${kind} ${type}`.trim();
    }
  }

  arrows(): SceneArrow[] {
    const list: SceneArrow[] = [];
    const trace = this.#trace;
    const first = Math.max(0, this.#from - PASSING_ROWS);
    const seen = new Set<number>();
    for (let row = first; row < this.#to; row++) {
      const seq = this.#rows.seqOf(row);
      if (!trace.isSend(seq)) continue;
      seen.add(seq);
      const arrow = this.#arrow(seq, row);
      if (arrow !== undefined && (row >= this.#from || arrow.y2 > 0)) list.push(arrow);
    }
    for (let row = this.#from; row < this.#to; row++) {
      const seq = this.#rows.seqOf(row);
      const msg = trace.msg(seq);
      if (msg < 0 || msg === seq || seen.has(msg) || trace.fate(msg) !== seq) continue;
      const arrow = this.#arrow(msg, this.#rows.rowOf(msg));
      if (arrow !== undefined) list.push(arrow);
    }
    return list;
  }

  /** The arrow of a send that stands in a row, which may be above the window. */
  #arrow(msg: number, row: number): SceneArrow | undefined {
    const trace = this.#trace;
    const from = this.#byActor[trace.actor(msg)];
    const to = this.#byActor[trace.target(msg)];
    if (from === undefined || to === undefined) return undefined;
    const fate = trace.fate(msg);
    const fateRow = fate < 0 ? -1 : this.#rows.rowAt(fate);
    const y1 = this.#y(row);
    const y2 = fateRow >= 0 ? this.#y(fateRow) : y1 + (fate < 0 ? ROW_PIXELS * 0.8 : 0);
    return {
      msg,
      x1: from.x,
      y1: Math.max(y1, -ROW_PIXELS * 400),
      x2: to.x,
      y2,
      family: familyOf(trace.types[trace.type(msg)] ?? ""),
      lost: fate >= 0 && trace.kind(fate) === "drop",
      open: fate < 0,
    };
  }

  bars(): SceneBar[] {
    const list: SceneBar[] = [];
    if (this.#to <= this.#from) return list;
    for (const lane of this.#lanes) {
      let row = this.#from;
      while (row < this.#to) {
        const { state } = this.#trace.stateAt(lane.actor, this.#rows.lastOf(row));
        let end = row + 1;
        while (
          end < this.#to &&
          this.#trace.stateAt(lane.actor, this.#rows.lastOf(end)).state === state
        ) end++;
        if (state !== "") {
          const isFirst = row === this.#from;
          const isLast = end === this.#to;
          list.push({
            x: lane.x,
            y1: this.#y(row) - (isFirst ? ROW_PIXELS : 0),
            y2: this.#y(end) + (isLast ? ROW_PIXELS : 0),
            state,
          });
        }
        row = end;
      }
    }
    return list;
  }
}
