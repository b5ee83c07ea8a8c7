/**
 * A part of a trace: events between two numbers, of some actors. It is exported like a whole one;
 * a message whose send lies before the part is drawn as one that arrives.
 *
 * @module
 */
import type { TraceEvent } from "../event.ts";
import type { ExportSource } from "./exporter.ts";

/** Which events are wanted; what is absent does not restrict. */
export interface Part {
  /** Number of the first event. */
  readonly from?: number;
  /** Number of the last event, included. */
  readonly to?: number;
  /** Events that happen at one of these actors, or are a message from or to one of them. */
  readonly actors?: readonly string[];
}

/** The source of which only a part is given out; the source itself where nothing restricts. */
export function partOf(source: ExportSource, part: Part): ExportSource {
  const { from = 0, to = Number.POSITIVE_INFINITY, actors = [] } = part;
  if (from <= 0 && to === Number.POSITIVE_INFINITY && actors.length === 0) return source;
  const wanted = actors.length === 0 ? undefined : new Set(actors);
  return {
    ...source,
    part: true,
    events: function* (): Generator<TraceEvent, void, void> {
      for (const event of source.events()) {
        if (event.seq > to) return;
        if (event.seq < from) continue;
        if (wanted === undefined || concerns(event, wanted)) yield event;
      }
    },
  };
}

function concerns({ actor, source, target }: TraceEvent, wanted: ReadonlySet<string>): boolean {
  return wanted.has(actor) || (source !== undefined && wanted.has(source)) ||
    (target !== undefined && wanted.has(target));
}
