/**
 * What importing costs: console logs of a real Linux through the importer, against reading the
 * same bytes and cutting them into lines. Both are measured in turns in one run, and the median
 * of the ratios is given.
 *
 * @module
 */
import { zstdDecompressSync } from "node:zlib";
import { parseCpio } from "../machine/formats/cpio.ts";
import { LogImporter } from "../machine/trace/importers/import_log.ts";
import { logLines } from "../server/terminal/log_input.ts";
import type { Row } from "./engine.ts";

const ARCHIVE = new URL("../fixtures/recordings/linux-6.1.cpio.zst", import.meta.url);
const REPETITIONS = 5;
const MB = 1e6;
const BYTES = 40 * MB;
/** Wanted: MB of console log a second. */
const TARGET = 50;

/** Writes all recorded consoles, one behind the other, until there are so many bytes. */
function writeLog(path: string): number {
  const consoles = parseCpio(new Uint8Array(zstdDecompressSync(Deno.readFileSync(ARCHIVE))))
    .filter(({ path }) => path.endsWith(".console.ts.log"));
  using file = Deno.openSync(path, { write: true, create: true });
  let written = 0;
  while (written < BYTES) {
    for (const { data } of consoles) written += file.writeSync(data);
  }
  return written;
}

/** Seconds that an operation takes. */
function seconds(operation: () => void): number {
  const begin = performance.now();
  operation();
  return (performance.now() - begin) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}

/** Rows of the table. */
export function measureImport(): Row[] {
  const folder = Deno.makeTempDirSync({ prefix: "kjump-bench-" });
  try {
    const path = `${folder}/console.log`;
    const bytes = writeLog(path);
    const rates: { value: number; baseline: number }[] = [];
    for (let round = 0; round <= REPETITIONS; round++) {
      let lines = 0;
      const plain = seconds(() => {
        for (const line of logLines(path)) lines += line.length > 0 ? 1 : 0;
      });
      const importer = new LogImporter();
      let events = 0;
      const importing = seconds(() => {
        importer.begin("console", "console.log");
        for (const line of logLines(path)) events += importer.line(line).length;
        events += importer.end().length;
      });
      if (lines === 0 || events === 0) throw new Error("The log says nothing");
      // The first round warms the compiler up.
      if (round > 0) rates.push({ value: bytes / importing / MB, baseline: bytes / plain / MB });
    }
    const value = median(rates.map((rate) => rate.value));
    return [{
      name: "import of console logs, against reading and cutting them into lines",
      value,
      unit: "MB/s",
      baseline: median(rates.map((rate) => rate.baseline)),
      ratio: median(rates.map((rate) => rate.value / rate.baseline)),
      target: TARGET,
      met: value >= TARGET,
    }];
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
