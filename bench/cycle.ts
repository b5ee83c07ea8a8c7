/**
 * The default cycle: one worker for each actor, and fewer workers, against the inline transport
 * in the same run.
 *
 * @module
 */
import type { Row } from "./engine.ts";
import { cycleSettings, runCycle } from "./machine_runs.ts";

const REPETITIONS = 5;
const MIB = 0x10_0000;

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}

/** Rows of the table. */
export function measureCycle(): Row[] {
  const settings = cycleSettings(64 * MIB, 32);
  const hashes = new Set<string>();
  const inline: number[] = [];
  const single: number[] = [];
  const grouped: number[] = [];
  for (let count = 0; count <= REPETITIONS; count++) {
    const runs = [
      runCycle(settings, { transport: "inline" }),
      runCycle(settings, { transport: "worker" }),
      runCycle(settings, { transport: "worker", workers: 3 }),
    ];
    for (const run of runs) hashes.add(run.hash);
    // The first round warms caches and compilers up.
    if (count === 0) continue;
    inline.push(runs[0]?.seconds ?? NaN);
    single.push(runs[1]?.seconds ?? NaN);
    grouped.push(runs[2]?.seconds ?? NaN);
  }
  if (hashes.size !== 1) throw new Error("Transports gave different traces");
  const row = (name: string, times: readonly number[]): Row => {
    const ratio = median(times) / median(inline);
    return {
      name,
      value: median(times),
      unit: "s",
      baseline: median(inline),
      ratio,
      target: 3,
      atMost: true,
      met: ratio <= 3,
    };
  };
  return [
    row("default cycle, a worker for each actor, against inline", single),
    row("default cycle, actors grouped in 3 workers, against inline", grouped),
  ];
}
