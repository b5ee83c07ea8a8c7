/**
 * Rules of entering S4 and of waking from it: methods, registers, non-volatile storage
 * (protocol.md B.5.11, E.6.5).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import type { Fact } from "../facts.ts";
import { hasOption, parameter, wordsOf } from "./command_line.ts";
import { isDeviceDown, isDeviceUp } from "./device_table.ts";
import { wideNumber } from "./hex.ts";
import { PerKernel } from "./per_kernel.ts";

/** Sleeping state S4 as a method's argument. */
const S4 = 4;
const SLEEP_ENABLE = 1n << 13n;
const SLEEP_TYPE = 7n << 10n;
const WAKE_STATUS = 1n << 15n;

function methodOf({ method }: Fact<"acpi">): string {
  return method?.replace(/^\\/, "") ?? "";
}

function isRegister({ register }: Fact<"acpi">, name: RegExp): boolean {
  return register !== undefined && name.test(register);
}

const CONTROL = /^PM1[ab]?_CNT/i;
const STATUS = /^PM1[ab]?_STS/i;
const WAKE_EVENTS = /^GPE\d*_EN/i;

/** Whether the power fact is that of falling asleep. */
function asleep({ op }: Fact<"power">): boolean {
  return op === "sleep";
}

const PREPARED: Rule = {
  id: "F81",
  severity: "error",
  statement: "_PTS(4) runs with interrupts on, after the devices were told, and before the " +
    "machine is put to sleep",
  source: "protocol.md F.1 F81, E.6.5 steps 2, 3 and 7, B.5.11 (acpi_sleep=old_ordering: before)",
  systems: "SV",
  kind: "always-before",
  needs: ["acpi.method", "phase", "power"],
  open(context) {
    let prepared: "well" | "badly" | undefined;
    const kernels = new PerKernel(() => ({ enabled: true, told: false, early: false }));
    return {
      facts: {
        boot({ k, cmdline }) {
          kernels.forget(k);
          kernels.of(k).early = parameter(cmdline, "acpi_sleep")?.includes("old_ordering") ?? false;
        },
        interrupts: ({ k, enabled }) => void (kernels.of(k).enabled = enabled),
        phase({ k, name }) {
          if (isDeviceDown(name) && name !== "prepare") kernels.of(k).told = true;
          else if (isDeviceUp(name)) kernels.of(k).told = false;
        },
        acpi(acpi) {
          // What was prepared for the copy is over with _WAK.
          if (methodOf(acpi) === "_WAK") prepared = undefined;
          if (methodOf(acpi) !== "_PTS" || acpi.argument !== S4) return;
          const { enabled, told, early } = kernels.of(acpi.k);
          prepared = "badly";
          if (!enabled) context.violated(`kernel ${acpi.k} runs _PTS(4) with interrupts off`);
          else if (!told && !early) {
            context.violated(`kernel ${acpi.k} runs _PTS(4) before its devices are told`);
          } else prepared = "well";
        },
        power(power) {
          if (asleep(power)) {
            if (prepared === undefined) context.violated("the machine sleeps without _PTS(4)");
            else if (prepared === "well") context.held();
          }
          prepared = undefined;
        },
      },
    };
  },
};

const WOKEN: Rule = {
  id: "F82",
  severity: "error",
  statement: "After a wake from S4 the kernel in the image runs _WAK(4) once, before its devices " +
    "come up; the kernel that was booted runs neither _PTS(4) nor _WAK",
  source: "protocol.md F.1 F82, B.5.11, E.6.5 step 15, J 13",
  systems: "SV",
  kind: "matches",
  open(context) {
    let woken = false;
    let stray: { readonly reason: string; readonly seq: number } | undefined;
    // The kernel that was resumed after the wake, and how often it has run _WAK.
    let image: { readonly k: string; runs: number; up: boolean } | undefined;
    const settle = (k: string) => {
      if (image?.k !== k) return;
      if (image.runs === 1 && !image.up) context.held();
      else if (image.up && image.runs > 0) {
        context.violated(`kernel ${k} runs _WAK(4) after its devices are up`);
      } else context.violated(`kernel ${k} ran _WAK(4) ${image.runs} times after the wake`);
      image = undefined;
      woken = false;
    };
    return {
      facts: {
        power({ op, state }) {
          woken = op === "wake" && (state === undefined || state === "S4");
          stray = undefined;
          image = undefined;
        },
        resumed({ k }) {
          if (!woken || image !== undefined) return;
          if (stray !== undefined) context.violated(stray.reason, stray.seq);
          image = { k, runs: 0, up: false };
        },
        acpi(acpi, { seq }) {
          const method = methodOf(acpi);
          if (!woken || (method !== "_WAK" && (method !== "_PTS" || acpi.argument !== S4))) return;
          if (image === undefined) {
            stray ??= { reason: `kernel ${acpi.k} was booted, and runs ${method}`, seq };
          } else if (acpi.k === image.k && method === "_WAK") image.runs++;
        },
        phase({ k, name }) {
          if (image?.k === k && isDeviceUp(name) && image.runs === 0) image.up = true;
        },
        thaw({ k, what }) {
          if (what !== "kthreads") settle(k);
        },
        exec_done: ({ k }) => settle(k),
      },
    };
  },
};

const OLD_METHODS: Rule = {
  id: "F83",
  severity: "error",
  statement: "_GTS is the last method before a sleep and _BFS the first after it, where they are " +
    "run at all",
  source: "protocol.md F.1 F83, E.6.5 steps 5 and 14 (the table's revision shows in no fact)",
  systems: "V",
  kind: "always-before",
  open(context) {
    // Method that ran after _GTS; and whether one ran in the resumed kernel before _BFS.
    let gone = false;
    let after: string | undefined;
    let before: string | undefined;
    return {
      facts: {
        power(power) {
          if (asleep(power) && gone) {
            if (after === undefined) context.held();
            else context.violated(`${after} runs between _GTS and the sleep`);
          }
          gone = false;
          after = before = undefined;
        },
        resumed: () => void (before = undefined),
        acpi(acpi) {
          const method = methodOf(acpi);
          if (method === "_GTS") {
            gone = true;
            after = undefined;
          } else if (method === "_BFS") {
            if (before === undefined) context.held();
            else context.violated(`kernel ${acpi.k} runs ${before} before _BFS`);
          } else if (method !== "") {
            if (gone) after ??= method;
            before ??= method;
          }
        },
      },
    };
  },
};

const TWO_WRITES: Rule = {
  id: "F84",
  severity: "error",
  statement: "The sleep type is written before it is written again with SLP_EN, after WAK_STS is " +
    "cleared and the events that may wake are enabled",
  source: "protocol.md F.1 F84, E.6.5 steps 6 and 7",
  systems: "SV",
  kind: "always-before",
  open(context) {
    let type: bigint | undefined;
    let cleared = false;
    let enabled = false;
    let preparing: number | undefined;
    let fault: string | undefined;
    let armed = false;
    const restart = () => {
      type = preparing = fault = undefined;
      cleared = enabled = armed = false;
    };
    const sleeps = (value: bigint): string | undefined => {
      if (type !== (value & SLEEP_TYPE)) return "its type was not written before";
      if (preparing !== S4) return undefined;
      if (!cleared) return "WAK_STS was not cleared";
      return enabled ? undefined : "nothing was enabled to wake it";
    };
    return {
      facts: {
        acpi(acpi) {
          if (methodOf(acpi) === "_PTS") preparing = acpi.argument;
          const value = acpi.value === undefined ? 0n : wideNumber(acpi.value);
          if (isRegister(acpi, STATUS) && (value & WAKE_STATUS) !== 0n) cleared = true;
          else if (isRegister(acpi, WAKE_EVENTS)) enabled = value !== 0n;
          if (!isRegister(acpi, CONTROL)) return;
          if ((value & SLEEP_ENABLE) === 0n) type = value & SLEEP_TYPE;
          else {
            armed = true;
            fault = sleeps(value);
            if (fault !== undefined) context.violated(`kernel ${acpi.k} sleeps, but ${fault}`);
          }
        },
        power(power) {
          if ((asleep(power) || power.op === "off") && armed && fault === undefined) context.held();
          restart();
        },
      },
    };
  },
};

const STORAGE_KEPT: Rule = {
  id: "F85",
  severity: "error",
  statement: "The firmware's non-volatile storage is saved before the copy and restored after " +
    "the return, before _WAK",
  source: "protocol.md F.1 F85, B.5.11 (pre_snapshot, leave); not with acpi_sleep=nonvs",
  systems: "S",
  kind: "always-before",
  needs: ["save.nvs", "restore.nvs", "snapshot", "acpi.method"],
  open(context) {
    const kernels = new PerKernel(() => ({
      without: false,
      platform: false,
      saved: false,
      restored: false,
      missed: false,
      /** Memory was copied since: a transition given up before has nothing to restore. */
      copied: false,
    }));
    // Whether the firmware has such storage at all.
    let kept: boolean | undefined;
    const unsaved = (k: string) => {
      kernels.of(k).missed = false;
      context.violated(`kernel ${k} copies its memory before it saved NVS`);
    };
    return {
      facts: {
        boot({ k, cmdline }) {
          kernels.forget(k);
          kernels.of(k).without = hasNoStorage(cmdline);
        },
        firmware_map({ k, ranges }) {
          kept = /:4(?:,|$)/.test(ranges);
          if (kept && kernels.known(k)?.missed) unsaved(k);
        },
        save: ({ k, what }) => {
          if (what === "nvs") {
            Object.assign(kernels.of(k), { saved: true, restored: false, copied: false });
          }
        },
        snapshot({ k }) {
          const { platform, saved, without } = kernels.of(k);
          kernels.of(k).copied = true;
          if (!platform || saved || without || kept === false) return;
          // Whether there is any may be known only later.
          if (kept) unsaved(k);
          else kernels.of(k).missed = true;
        },
        resumed: ({ k }) => void (kernels.of(k).restored = false),
        restore: ({ k, what }) => {
          if (what === "nvs") kernels.of(k).restored = true;
        },
        acpi(acpi) {
          const state = kernels.of(acpi.k);
          const method = methodOf(acpi);
          if (method === "_PTS") state.platform = acpi.argument === S4;
          if (method !== "_WAK" || !state.saved || !state.copied) return;
          if (state.restored) context.held();
          else context.violated(`kernel ${acpi.k} runs _WAK before it restored NVS`);
        },
      },
    };
  },
};

function hasNoStorage(cmdline: string): boolean {
  return hasOption(wordsOf(cmdline), "acpi_sleep") &&
    (parameter(cmdline, "acpi_sleep") ?? "").split(",").includes("nonvs");
}

/** Rules F81 to F85. */
export const ACPI_RULES: readonly Rule[] = [
  PREPARED,
  WOKEN,
  OLD_METHODS,
  TWO_WRITES,
  STORAGE_KEPT,
];
