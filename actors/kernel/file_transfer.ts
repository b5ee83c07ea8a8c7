/**
 * Content of files between the disk and physical memory, past the buffer cache: several extents
 * in flight, moved by kernel threads that share the job of the process that waits for them.
 *
 * @module
 */
import {
  formatRuns,
  intersect,
  mergeRuns,
  PAGE_BYTES,
  type PageRun,
  subtract,
  union,
} from "../../machine/formats/page_runs.ts";
import type { Access } from "../../machine/access.ts";
import type { Grant } from "../../machine/messages/declare.ts";
import { list, natural, type Plain, record } from "../../machine/messages/shape.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { ask, done, goto, next, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import {
  countUnits,
  planUnit,
  rangesOf,
  sumBlocks,
  TRANSFER_JOB,
  type TransferJob,
  type TransferPart,
  type TransferUnit,
} from "./transfer_plan.ts";
import { fieldOf, grantsOf, listOf, readAs, resultOf } from "./values.ts";

/** Kernel threads of one transfer. */
const THREADS_MAX = 3;

/** Variables of the `fs_transfer` that the thread belongs to: kernel threads share memory. */
function sharedOf(kernel: Kernel): Vars {
  const vars = kernel.task(kernel.process.parent)?.frames.at(-1)?.vars;
  if (vars === undefined) throw new TypeError("A transfer thread without its transfer");
  return vars;
}

function jobOf(kernel: Kernel): TransferJob {
  return readAs(TRANSFER_JOB, sharedOf(kernel)["job"]);
}

function unitOf(kernel: Kernel, vars: Vars): TransferUnit {
  return planUnit(jobOf(kernel), numberOf(vars["unit"]));
}

function partOf(kernel: Kernel, vars: Vars): TransferPart | undefined {
  return unitOf(kernel, vars).parts[numberOf(vars["part"])];
}

function heldGrants(vars: Vars): readonly Grant[] {
  return grantsOf({ grants: vars["grants"] ?? [] });
}

function releaseHeld(kernel: Kernel, vars: Vars, count: number): void {
  const held = heldGrants(vars);
  const grants = held.slice(0, count);
  vars["grants"] = held.slice(count);
  if (grants.length > 0) kernel.out.send("memory", "memory.release", { grants });
}

/** Takes the sums of a unit, or compares them with the ones that are expected. */
function takeSums(kernel: Kernel, vars: Vars, access: Access): void {
  const shared = sharedOf(kernel);
  const job = jobOf(kernel);
  vars["summed"] = true;
  for (const { index, sum } of sumBlocks(job, unitOf(kernel, vars), access)) {
    if (job.write) shared[`sum${index}`] = sum;
    else if (listOf(shared["verify"])[index] !== sum) shared[`sum${index}`] = sum;
  }
}

/** A run of frames whose content the image has under another address (protocol.md D.3). */
const MOVED = list(record({ pfn: natural, physical: natural, count: natural }));

/** The frames under the addresses the image gives them. */
function asNamed(runs: readonly PageRun[], moved: Plain | undefined): PageRun[] {
  let named = mergeRuns(runs);
  for (const { pfn, physical, count } of readAs(MOVED, moved ?? [])) {
    const there = intersect(named, [{ pfn, count }]);
    const back = there.map((run) => ({ pfn: run.pfn - pfn + physical, count: run.count }));
    named = union(subtract(named, there), mergeRuns(back));
  }
  return named;
}

/** Says which pages of a memory image are on their way, where the transfer is one's. */
function sayImagePages(kernel: Kernel, unit: TransferUnit): void {
  const image = sharedOf(kernel)["image"];
  if (image === undefined) return;
  const from = numberOf(fieldOf(image, "from"));
  let at = unit.start;
  const runs = rangesOf(unit).flatMap(({ start, length }) => {
    const skip = Math.min(length, Math.max(0, from - at));
    at += length;
    return { pfn: (start + skip) / PAGE_BYTES, count: (length - skip) / PAGE_BYTES };
  });
  const merged = asNamed(runs, fieldOf(image, "moved"));
  if (merged.length === 0) return;
  const of = fieldOf(image, "of");
  const fields = { op: "page", id: textOf(fieldOf(image, "id")) } as const;
  const named = typeof of === "string" ? { ...fields, of } : fields;
  kernel.longFact("image", named, "runs", formatRuns(merged));
}

/** A part that is read or written, or a hole passed over. */
function movePart(kernel: Kernel, vars: Vars) {
  const part = partOf(kernel, vars);
  if (part === undefined) return goto("settle");
  const { sector, sectors: count, ranges } = part;
  if (sector === undefined) {
    releaseHeld(kernel, vars, ranges.length);
    vars["part"] = numberOf(vars["part"]) + 1;
    return goto("move");
  }
  const held = heldGrants(vars);
  const grants = held.slice(0, ranges.length);
  vars["grants"] = held.slice(ranges.length);
  const type = jobOf(kernel).write ? "disk.write" : "disk.read";
  return ask("disk", type, { by: kernel.name, sector, count, grants });
}

function takeUnit(kernel: Kernel, vars: Vars) {
  const shared = sharedOf(kernel);
  const unit = numberOf(shared["next"]);
  if (numberOf(shared["error"]) !== 0 || unit >= countUnits(jobOf(kernel))) return done(0);
  shared["next"] = unit + 1;
  vars["unit"] = unit;
  vars["part"] = 0;
  vars["summed"] = false;
  return next;
}

/** `fs_transfer_share {}`: one of the threads. */
const SHARE = procedure("fs_transfer_share", [
  { name: "take", run: takeUnit },
  {
    name: "acquire",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: rangesOf(unitOf(kernel, vars)),
        write: !jobOf(kernel).write,
      }),
    then(kernel, vars, answer, access) {
      kernel.keepGrants();
      vars["grants"] = grantsOf(answer);
      const { write, sums } = jobOf(kernel);
      if (write && sums) takeSums(kernel, vars, access);
      for (const part of unitOf(kernel, vars).parts) {
        if (part.sector !== undefined) continue;
        if (write) sharedOf(kernel)["error"] = -ERRNO.EIO;
        else for (const { start, length } of part.ranges) access.writable(start, length).fill(0);
      }
      return numberOf(sharedOf(kernel)["error"]) === 0 ? next : goto("settle");
    },
  },
  {
    name: "move",
    run: movePart,
    then(kernel, vars, answer, access) {
      const result = resultOf(answer);
      if (result < 0) {
        sharedOf(kernel)["error"] = result;
        return goto("settle");
      }
      const { write, sums } = jobOf(kernel);
      // With one part, the grants that come back reach the whole unit.
      const whole = unitOf(kernel, vars).parts.length === 1;
      if (!write && sums && whole) takeSums(kernel, vars, access);
      vars["part"] = numberOf(vars["part"]) + 1;
      return goto("move");
    },
  },
  {
    name: "settle",
    run(kernel, vars) {
      releaseHeld(kernel, vars, heldGrants(vars).length);
      if (numberOf(sharedOf(kernel)["error"]) !== 0) return done(0);
      const { write, sums } = jobOf(kernel);
      if (write) sayImagePages(kernel, unitOf(kernel, vars));
      return write || !sums || vars["summed"] === true ? goto("take") : next;
    },
  },
  {
    name: "sum",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: rangesOf(unitOf(kernel, vars)),
        write: false,
      }),
    then(kernel, vars, _answer, access) {
      takeSums(kernel, vars, access);
      return goto("take");
    },
  },
]);

function sumsOf(vars: Vars): { index: number; sum: string }[] {
  return Object.entries(vars).flatMap(([name, value]) => {
    const index = /^sum(\d+)$/.exec(name)?.[1];
    return index === undefined ? [] : [{ index: Number(index), sum: textOf(value) }];
  }).sort((left, right) => left.index - right.index);
}

/**
 * `fs_transfer {job, image?, verify?}` with a {@linkcode TransferJob}: moves it. Gives a negative
 * errno, or `[[index, sum], …]`: written, the sums of all its 64 KiB blocks if the job wants
 * them; read, the sums of those that differ from `verify`.
 */
const TRANSFER = procedure("fs_transfer", [
  {
    name: "threads",
    run(kernel, vars) {
      vars["next"] = 0;
      vars["error"] = 0;
      const count = Math.min(THREADS_MAX, countUnits(readAs(TRANSFER_JOB, vars["job"])));
      const pids: number[] = [];
      for (let index = 0; index < count; index++) {
        pids.push(kernel.spawn(`kworker/${index}`, "kernel", "fs_transfer_share", {}));
      }
      return { do: "wait", pids };
    },
    then(_kernel, vars) {
      const error = numberOf(vars["error"]);
      if (error < 0) return done(error);
      const sums: Plain = sumsOf(vars).map(({ index, sum }) => [index, sum]);
      return done(sums);
    },
  },
]);

/** Procedures of this file. */
export const FILE_TRANSFER_PROCEDURES: readonly Procedure[] = [SHARE, TRANSFER];
