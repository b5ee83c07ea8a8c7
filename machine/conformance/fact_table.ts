/**
 * Checks of facts by their trace type, made once from the declarations of `protocol/facts.ts`:
 * every fact of a stream goes through here, so no text is built unless one is wrong.
 *
 * @module
 */
import type { Shape } from "../messages/shape.ts";
import { FACTS } from "../protocol/facts.ts";
import type { Summary } from "../trace/event.ts";

interface Field {
  readonly shape: Shape<unknown>;
  readonly optional: boolean;
}

/** The check of one fact's summary: what is wrong, or `undefined`. */
export type FactCheck = (summary: Summary | undefined) => string | undefined;

function compile(fields: { readonly [name: string]: Shape<unknown> }): FactCheck {
  const table = new Map<string, Field>();
  let required = 0;
  for (const [name, shape] of Object.entries(fields)) {
    const optional = "optional" in shape;
    table.set(name, { shape, optional });
    if (!optional) required++;
  }
  return (summary = {}) => {
    let seen = 0;
    for (const name in summary) {
      const field = table.get(name);
      if (field === undefined) return `field '${name}' is not declared`;
      const value = summary[name];
      if (value === undefined && field.optional) continue;
      const fault = field.shape.check(value, name);
      if (fault !== undefined) return fault;
      if (!field.optional) seen++;
    }
    if (seen === required) return undefined;
    const missing = [...table].filter(([name, { optional }]) => !optional && !(name in summary));
    return `field '${missing[0]?.[0]}' is missing`;
  };
}

/** Checks by trace type (`fact.load`, …). */
export const FACT_CHECKS: ReadonlyMap<string, FactCheck> = new Map(
  Object.entries(FACTS).map(([name, shape]) => [`fact.${name}`, compile(shape.fields)]),
);
