/**
 * Import cycles, of any length, types included: what needs each other belongs in one file or above.
 *
 * @module
 */
import type { Finding, Source } from "./scan.ts";

/** One finding for each import that closes a circle. */
export function cycles(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const found: Finding[] = [];

  function walk(source: Source, above: readonly string[]): void {
    const here = [...above, source.path];
    for (const { target, line } of source.imports) {
      const start = here.indexOf(target);
      if (start >= 0) {
        const says = [...here.slice(start), target].join(" → ");
        found.push({ path: source.path, line, rule: "import-cycle", says });
      }
      const next = byPath.get(target);
      if (next !== undefined && start < 0 && !done.has(target)) walk(next, here);
    }
    done.add(source.path);
  }
  for (const source of sources) if (!done.has(source.path)) walk(source, []);
  return found;
}
