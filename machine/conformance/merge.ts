/**
 * Joins the handlers of several folds into one, for a rule that is made of others.
 *
 * @module
 */
import type { FactName } from "../protocol/facts.ts";
import type { TraceEvent } from "../trace/event.ts";
import type { FactHandlers } from "./rule.ts";

type Any = (fact: unknown, event: TraceEvent) => void;

/** Handlers that call those of every part, in the order of the parts. */
export function mergeFacts(...parts: readonly (FactHandlers | undefined)[]): FactHandlers {
  const merged = new Map<string, Any[]>();
  for (const part of parts) {
    for (const [name, handler] of Object.entries(part ?? {})) {
      const list = merged.get(name);
      // Each handler is called only for the fact of its own name.
      if (list === undefined) merged.set(name, [handler as Any]);
      else list.push(handler as Any);
    }
  }
  const facts: { [N in FactName]?: Any } = {};
  for (const [name, handlers] of merged) {
    const [only, second] = handlers;
    if (only === undefined) continue;
    facts[name as FactName] = second === undefined ? only : (fact, event) => {
      for (const handler of handlers) handler(fact, event);
    };
  }
  return facts;
}
