/**
 * Small tools that ask the kernel about itself, and those that end its work: dmesg, free, ps, date,
 * uname, hostname, sleep, poweroff, reboot, halt.
 *
 * @module
 */
import { type Kernel, numberOf } from "../kernel/kernel_context.ts";
import { memoryInfo } from "../kernel/memory_info.ts";
import { ask, call, done, next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { Process } from "../kernel/state.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
];
const DAY_SECONDS = 86_400;
/** Longest sleep in ns that a timer takes: a day. */
const SLEEP_NS_MAX = DAY_SECONDS * 1e9;

/** A tool of one step. */
function tool(name: string, run: (kernel: Kernel, words: readonly string[]) => void): Procedure {
  return procedure(`program:${name}`, [
    {
      name,
      run: (kernel, vars) => {
        run(kernel, wordsOf(vars));
        return done(0);
      },
    },
  ]);
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Year, month (from 1) and day of a number of days since 1970 (proleptic Gregorian). */
export function civilDate(days: number): { year: number; month: number; day: number } {
  // Counted in eras of 400 years that begin on 1 March, so that a leap day is a year's last.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

/** What date(1) prints of a time in s since 1970, in UTC. */
export function dateText(seconds: number): string {
  const days = Math.floor(seconds / DAY_SECONDS);
  const rest = seconds - days * DAY_SECONDS;
  const { year, month, day } = civilDate(days);
  const clock = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60].map(two).join(":");
  const weekday = DAYS[(days + 4) % 7] ?? "";
  return `${weekday} ${MONTHS[month - 1]} ${String(day).padStart(2)} ${clock} UTC ${year}`;
}

const DATE = tool("date", (kernel, words) => {
  const seconds = Math.floor(kernel.realMicroseconds() / 1_000_000);
  kernel.say(words[1] === "+%s" ? String(seconds) : dateText(seconds));
});

const DMESG = tool("dmesg", (kernel) => {
  for (const line of kernel.state.log) kernel.say(line);
});

const FREE = tool("free", (kernel) => {
  const { total, free, buffers, cached } = memoryInfo(kernel);
  const row = (...cells: readonly (number | string)[]): string =>
    cells.map((cell) => String(cell).padStart(11)).join("");
  kernel.say(`     ${row("total", "used", "free", "shared", "buffers", "cached")}`);
  kernel.say(`Mem: ${row(total, total - free, free, 0, buffers, cached)}`);
});

/** State letter of ps(1): a task that waits for a device is in D, a frozen one too. */
function stateLetter(process: Process, current: Process): string {
  if (process === current) return "R";
  if (process.wait.kind === "exited") return "Z";
  if (process.frozen) return "D";
  return process.wait.kind === "reply" && !process.sleeping ? "D" : "S";
}

const PS = tool("ps", (kernel) => {
  kernel.say("  PID STAT COMMAND");
  for (const process of kernel.state.processes) {
    const name = process.kind === "kernel" ? `[${process.name}]` : process.name;
    const state = stateLetter(process, kernel.process);
    kernel.say(`${String(process.pid).padStart(5)} ${state.padEnd(4)} ${name}`);
  }
});

const MACHINES = { i386: "i686", x86_64: "x86_64" } as const;

const UNAME = tool("uname", (kernel, words) => {
  const { release, arch } = kernel.profile;
  const option = words[1] ?? "-s";
  const all = { s: "Linux", n: kernel.name, r: release, m: MACHINES[arch] };
  if (option === "-a") kernel.say(Object.values(all).join(" "));
  else {
    const letters = [...option.slice(1)];
    kernel.say(
      Object.entries(all).flatMap(([letter, text]) => letters.includes(letter) ? [text] : [])
        .join(" "),
    );
  }
});

const HOSTNAME = tool("hostname", (kernel) => kernel.say(kernel.name));

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: DAY_SECONDS };

/** Nanoseconds of what sleep(1) takes. */
function sleepNs(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,9})?)([smhd]?)$/.exec(text);
  if (match === null) return undefined;
  const ns = Math.round(Number(match[1]) * (UNITS[match[2] ?? ""] ?? 1) * 1e9);
  return ns <= SLEEP_NS_MAX ? ns : undefined;
}

const SLEEP = procedure("program:sleep", [
  {
    name: "arguments",
    run(kernel, vars) {
      const [, text = ""] = wordsOf(vars);
      const ns = sleepNs(text);
      if (ns === undefined) {
        return failWith(kernel, 1, `sleep: invalid time interval '${text}' (a day at most)`);
      }
      vars["ns"] = ns;
      return ns === 0 ? done(0) : next;
    },
  },
  {
    name: "sleep",
    run: (_kernel, vars) => ask("rtc", "timer.arm", { delay_ns: numberOf(vars["ns"]) }),
    then: () => done(0),
  },
]);

const POWEROFF = procedure("program:poweroff", [
  {
    name: "power off",
    run: () => call("power_off"),
    then: (kernel, _vars, answer) => failWith(kernel, 1, `poweroff: ${reasonOf(answer)}`),
  },
]);

const RESTART = procedure("program:reboot", [
  { name: "sync", run: () => call("fs_sync") },
  { name: "device_shutdown", run: () => call("device_shutdown") },
  { name: "other processors", run: () => ask("cpu", "cpu.set_online", { count: 1 }) },
  { name: "interrupts", run: () => ask("cpu", "cpu.set_interrupts", { enabled: false }) },
  {
    name: "reset",
    run: (kernel) => {
      kernel.print("Restarting system.");
      kernel.state.label = "halted";
      kernel.out.send("firmware", "firmware.reset", { reason: "reboot" });
      return { do: "leave" };
    },
  },
]);

const HALT = procedure("program:halt", [
  { name: "sync", run: () => call("fs_sync") },
  { name: "device_shutdown", run: () => call("device_shutdown") },
  {
    name: "halt",
    run: (kernel) => {
      kernel.print("System halted.");
      kernel.state.label = "halted";
      kernel.out.send("cpu", "cpu.halt", { reason: "halted" });
      return { do: "leave" };
    },
  },
]);

/** Procedures of this file. */
export const SYSTEM_TOOL_PROCEDURES: readonly Procedure[] = [
  DATE,
  DMESG,
  FREE,
  PS,
  UNAME,
  HOSTNAME,
  SLEEP,
  POWEROFF,
  RESTART,
  HALT,
];
