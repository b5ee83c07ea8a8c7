/**
 * How long the whole set of scenarios takes, as the tests run it: each as it stands in its
 * transcript, inline, judged; and how large a part of it the machines' own running is.
 *
 * @module
 */
import { main } from "../server/terminal/main.ts";
import { listScenarios, SCENARIOS } from "../server/transcript/scenarios.ts";
import type { Row } from "./engine.ts";

/** Wanted: seconds on two cores. */
const TARGET = 120;

const SILENT = { watched: false, columns: 80, out: (): void => {}, err: (): void => {} };

/** Seconds that an operation takes. */
async function seconds(operation: () => Promise<number>): Promise<number> {
  const begin = performance.now();
  await operation();
  return (performance.now() - begin) / 1000;
}

/** Rows of the table: the sum over all scenarios, against the longest of them. */
export async function measureScenarios(): Promise<Row[]> {
  const out = Deno.makeTempDirSync({ prefix: "kjump-bench-" });
  try {
    const times: number[] = [];
    for (const { file } of listScenarios(SCENARIOS)) {
      times.push(
        await seconds(() =>
          main(["hibernate", file, "--transport", "inline", "--quiet", "--out", out], SILENT)
        ),
      );
    }
    const value = times.reduce((sum, time) => sum + time, 0);
    const baseline = Math.max(...times);
    return [{
      name: `all ${times.length} scenarios one behind the other, against the longest of them`,
      value,
      unit: "s",
      baseline,
      ratio: value / baseline,
      target: TARGET,
      atMost: true,
      met: value <= TARGET,
    }];
  } finally {
    Deno.removeSync(out, { recursive: true });
  }
}
