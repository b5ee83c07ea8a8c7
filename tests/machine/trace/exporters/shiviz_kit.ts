/**
 * ShiViz's rules for a log, from its documentation, written without a look at the exporter: the
 * first line is a regular expression with the groups `event`, `host` and `clock`, the second one
 * the delimiter of executions, the rest events; each host's entry in its clocks begins at 1 and
 * rises by one, an event's clock names only hosts and events that are there, and it is what the
 * events say that happened right before it. There is no package with ShiViz's reader.
 *
 * @module
 */
import assert from "node:assert/strict";

export interface LoggedEvent {
  readonly event: string;
  readonly host: string;
  readonly clock: ReadonlyMap<string, number>;
}

/** Reads a log as ShiViz does; every line must be part of an event. */
export function readShiviz(text: string): LoggedEvent[] {
  const [expression = "", delimiter = "?", ...rest] = text.split("\n");
  assert.equal(delimiter, "");
  const log = rest.join("\n").trim();
  const events: LoggedEvent[] = [];
  let covered = 0;
  for (const match of log.matchAll(new RegExp(expression, "g"))) {
    assert.equal(log.slice(covered, match.index).trim(), "", "a line that belongs to no event");
    covered = match.index + match[0].length;
    const { event = "", host = "", clock = "" } = match.groups ?? {};
    const entries: [string, unknown][] = Object.entries(JSON.parse(clock));
    const counted = entries.map(([name, count]): [string, number] => [name, Number(count)]);
    events.push({ event, host, clock: new Map(counted) });
  }
  assert.equal(log.slice(covered).trim(), "");
  return events;
}

/** Checks the clocks of a log. */
export function checkClocks(events: readonly LoggedEvent[]): void {
  const byHost = new Map<string, LoggedEvent[]>();
  for (const event of events) {
    const list = byHost.get(event.host) ?? [];
    list.push(event);
    byHost.set(event.host, list);
    assert.equal(event.clock.get(event.host), list.length, `own entry of ${event.host}`);
  }
  for (const { host, clock, event } of events) {
    for (const [other, count] of clock) {
      const known = byHost.get(other)?.[count - 1];
      assert.ok(known !== undefined, `${event}: ${other} has no event ${count}`);
      if (other === host && count === clock.get(host)) continue;
      // What the other event knew is known here as well, and it cannot know this one.
      for (const [third, before] of known.clock) {
        assert.ok(before <= (clock.get(third) ?? 0), `${event} knows ${other} but not ${third}`);
      }
      assert.ok((known.clock.get(host) ?? 0) < (clock.get(host) ?? 0));
    }
  }
}
