/**
 * A machine of 1 GiB with 420 MiB in use: saving its image and restoring it, against copying the
 * same bytes in memory, writing them to a plain file and reading them back; and the process's
 * peak memory.
 *
 * @module
 */
import process from "node:process";
import type { TraceEvent } from "../machine/trace/event.ts";
import type { Row } from "./engine.ts";
import { cycleSettings, runCycle } from "./machine_runs.ts";

const MIB = 0x10_0000;
const MEMORY_BYTES = 1024 * MIB;
const IN_USE_BYTES = 420 * MIB;
const WINDOW_BYTES = 16 * MIB;
const CHUNK_BYTES = MIB;
const PROCESSES = 4;

/** Seconds to copy, write and read as many bytes by plain means, with one sync. */
function plainSeconds(path: string): number {
  const source = new Uint8Array(IN_USE_BYTES).fill(7);
  const target = new Uint8Array(IN_USE_BYTES).fill(1);
  const begin = performance.now();
  target.set(source);
  using file = Deno.openSync(path, { create: true, truncate: true, read: true, write: true });
  for (let at = 0; at < target.length;) {
    at += file.writeSync(target.subarray(at, at + CHUNK_BYTES));
  }
  file.syncDataSync();
  file.seekSync(0, Deno.SeekMode.Start);
  for (let at = 0; at < target.length;) {
    at += file.readSync(source.subarray(at, at + CHUNK_BYTES)) ?? target.length;
  }
  return (performance.now() - begin) / 1000;
}

/** Notes when saving and restoring began and ended, in the host's time. */
class Stopwatch {
  saving = 0;
  restoring = 0;
  #since = 0;

  see(event: TraceEvent): void {
    const { type, summary } = event;
    if (event.kind === "send" && type === "console.type") {
      const line = summary?.["line"];
      if (line === "save-image" || line === "restore-image") this.#since = performance.now();
    }
    if (type === "fact.power" && summary?.["op"] === "off") this.saving = this.#elapsed();
    if (type === "fact.resumed") this.restoring = this.#elapsed();
  }

  #elapsed(): number {
    return (performance.now() - this.#since) / 1000;
  }
}

/** Peak resident memory of this process, in bytes. */
function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** Rows of the table; runs in a process of its own, so that the peak is this run's. */
export function measureImage(): Row[] {
  const folder = Deno.makeTempDirSync();
  try {
    const watch = new Stopwatch();
    runCycle(
      cycleSettings(MEMORY_BYTES, IN_USE_BYTES / 4096 / PROCESSES),
      { transport: "worker", file: `${folder}/disk.img` },
      (event) => watch.see(event),
    );
    const peak = peakBytes();
    Deno.removeSync(`${folder}/disk.img`);
    const plain = plainSeconds(`${folder}/plain`);
    const both = watch.saving + watch.restoring;
    const allowed = MEMORY_BYTES + WINDOW_BYTES + 200 * MIB;
    return [
      {
        name: "420 MiB saved and restored, against memcpy, file write, sync and read",
        value: both,
        unit: "s",
        baseline: plain,
        ratio: both / plain,
        target: 2,
        atMost: true,
        met: both / plain <= 2,
      },
      {
        name: "peak memory of that run, against RAM + window + 200 MiB",
        value: peak / MIB,
        unit: "MiB",
        baseline: allowed / MIB,
        ratio: peak / allowed,
        target: 1,
        atMost: true,
        met: peak <= allowed,
      },
    ];
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
