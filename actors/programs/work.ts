/**
 * work and check: gives a kernel work to do, and has it say whether all it has is as it must be.
 *
 * @module
 */
import { errnoText } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import {
  ask,
  call,
  done,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { fieldOf, isError, listOf, NUMBERS, readAs, resultOf } from "../kernel/values.ts";
import { badAddresses, isWorking, workerPids } from "../kernel/workload.ts";
import { failWith, wordsOf } from "./command_line.ts";

const PAGES_DEFAULT = 256;
const PROCESSES_DEFAULT = 2;
const PROCESSES_MAX = 64;
const SEED_DEFAULT = 1;
/** Time after which it is looked again whether all have their pages. */
const LOOK_NS = 1_000_000;

/** A number among the words, or what it is without. */
function wordNumber(words: readonly string[], index: number, otherwise: number): number {
  const word = words[index];
  return word === undefined ? otherwise : /^[0-9]{1,9}$/.test(word) ? Number(word) : Number.NaN;
}

/** Starts the processes, or says why not. */
function start(kernel: Kernel, vars: Vars): Next {
  const words = wordsOf(vars);
  const pages = wordNumber(words, 1, PAGES_DEFAULT);
  const processes = wordNumber(words, 2, PROCESSES_DEFAULT);
  const seed = wordNumber(words, 3, SEED_DEFAULT);
  const sparse = wordNumber(words, 4, 0);
  if (
    !(pages > 0) || !(processes > 0) || processes > PROCESSES_MAX || Number.isNaN(seed + sparse)
  ) {
    const usage = `work [PAGES [PROCESSES (1-${PROCESSES_MAX}) [SEED [SPARSE]]]]`;
    return failWith(kernel, 1, `work: usage: ${usage}`);
  }
  const pids: number[] = [];
  for (let index = 0; index < processes; index++) {
    pids.push(kernel.spawn("worker", "user", "worker", {
      pages,
      seed: seed * 1000 + index,
      ...(sparse > 0 ? { sparse } : {}),
    }));
  }
  vars["pids"] = pids;
  return next;
}

/**
 * `program:work {argv}`: `work [PAGES [PROCESSES [SEED [SPARSE]]]]`, returns when all have their
 * pages; with SPARSE n every n-th page stays zero.
 */
const WORK = procedure("program:work", [
  { name: "start", run: start },
  {
    name: "wait",
    run(kernel, vars) {
      const working = readAs(NUMBERS, vars["pids"]).map((pid) => isWorking(kernel, pid));
      if (working.includes(undefined)) return next;
      if (working.includes(false)) return ask("rtc", "timer.arm", { delay_ns: LOOK_NS });
      return done(0);
    },
    then: () => goto("wait"),
  },
  {
    name: "failed",
    run(kernel, vars) {
      const pids = readAs(NUMBERS, vars["pids"]).filter((pid) =>
        isWorking(kernel, pid) === undefined
      );
      return { do: "wait", pids };
    },
    then(kernel, _vars, answer) {
      const status = numberOf(listOf(answer)[0] ?? 0);
      return failWith(kernel, 1, `work: ${errnoText(status)}`);
    },
  },
]);

function count(vars: Vars, name: string): number {
  return numberOf(vars[name] ?? 0);
}

function addFault(kernel: Kernel, vars: Vars, line: string): void {
  kernel.say(`check: ${line}`);
  if (vars["faults"] === undefined) vars["first"] = line;
  vars["faults"] = count(vars, "faults") + 1;
}

const hex = (address: number): string => `0x${address.toString(16)}`;

/** `program:check {argv}`: the kernel looks at its processes, its files and its devices. */
const CHECK = procedure("program:check", [
  {
    name: "process",
    run(kernel, vars) {
      vars["pids"] ??= workerPids(kernel);
      const pid = readAs(NUMBERS, vars["pids"])[count(vars, "processes")];
      return pid === undefined ? goto("file") : call("worker_check", { pid });
    },
    then(kernel, vars, answer) {
      const pid = readAs(NUMBERS, vars["pids"])[count(vars, "processes")] ?? 0;
      vars["processes"] = count(vars, "processes") + 1;
      if (isError(answer)) addFault(kernel, vars, `process ${pid}: ${errnoText(answer)}`);
      const [first, ...more] = isError(answer) ? [] : badAddresses(answer);
      if (first !== undefined) {
        const others = more.length === 0 ? "" : `, and ${more.length} pages more`;
        addFault(kernel, vars, `process ${pid}: wrong content at address ${hex(first)}${others}`);
      }
      return goto("process");
    },
  },
  {
    name: "file",
    run(kernel, vars) {
      const file = kernel.state.files[count(vars, "files")];
      if (file === undefined) return goto("device");
      if (file.digest !== "") return call("tmpfs_digest", { path: file.path });
      vars["files"] = count(vars, "files") + 1;
      return goto("file");
    },
    then(kernel, vars, answer) {
      const file = kernel.state.files[count(vars, "files")];
      vars["files"] = count(vars, "files") + 1;
      if (file === undefined) return goto("file");
      const actual = textOf(answer);
      const { path: name, digest: expected } = file;
      kernel.fact("selftest", { what: "file", name, expected, actual });
      if (actual === expected) return goto("file");
      const from = hex((file.runs[0]?.pfn ?? 0) * 4096);
      addFault(
        kernel,
        vars,
        `file ${name} from address ${from}: SHA-256 ${actual}, expected ${expected}`,
      );
      return goto("file");
    },
  },
  {
    name: "device",
    run(kernel, vars) {
      const driver = kernel.state.drivers[count(vars, "devices")];
      if (driver === undefined) return goto("result");
      return ask(driver.device, "device.use", { by: kernel.name });
    },
    then(kernel, vars, answer) {
      const driver = kernel.state.drivers[count(vars, "devices")];
      vars["devices"] = count(vars, "devices") + 1;
      const name = driver?.device ?? "";
      const result = resultOf(answer);
      kernel.fact("selftest", { what: "device", name, expected: "0", actual: String(result) });
      if (result === 0) return goto("device");
      const value = fieldOf(answer, "value");
      const more = typeof value === "string" ? ` (${value})` : "";
      addFault(kernel, vars, `device ${name}: ${errnoText(result)}${more}`);
      return goto("device");
    },
  },
  {
    name: "result",
    run(kernel, vars) {
      const processes = `${count(vars, "processes")} processes`;
      const rest = `${count(vars, "files")} files, ${count(vars, "devices")} devices`;
      const faults = count(vars, "faults");
      const line = `check: ${processes}, ${rest}: ${faults === 0 ? "all well" : `${faults} wrong`}`;
      kernel.say(line);
      if (faults === 0) return done(0);
      kernel.process.message = textOf(vars["first"]);
      return done(1);
    },
  },
]);

/** Procedures of this file. */
export const WORK_PROCEDURES: readonly Procedure[] = [WORK, CHECK];
