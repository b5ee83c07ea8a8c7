/**
 * Rules over kernels that take turns: who runs, what its clock shows, how often it may go on
 * (protocol.md B.4.4, B.4.5, B.7).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import type { TraceEvent } from "../../trace/event.ts";
import { PerKernel } from "./per_kernel.ts";

const REPEATABLE: Rule = {
  id: "F93",
  severity: "error",
  statement: "Two kernels can change places any number of times, and neither boots again by it",
  source: "protocol.md F.1 F93, B.4.4, B.4.5",
  systems: "M",
  kind: "sometimes",
  open(context) {
    // A kernel is kept from its jump until power or a plain jump ends it.
    const kernels = new PerKernel(() => ({ kept: false, entered: 0 }));
    return {
      facts: {
        power: () => kernels.clear(),
        boot({ k }) {
          const state = kernels.of(k);
          if (state.kept) context.violated(`kernel ${k} boots again when it is entered again`);
          state.kept = false;
        },
        jump({ from, to, preserve }) {
          kernels.of(from).kept = preserve;
          kernels.of(to).entered++;
        },
        resumed({ k }) {
          const state = kernels.of(k);
          // The first entry is no repetition yet.
          if (state.kept && state.entered > 1) context.held();
          state.kept = false;
        },
      },
    };
  },
};

const ONE_RUNS: Rule = {
  id: "F94",
  severity: "error",
  statement:
    "A kernel that has jumped away handles nothing until it is entered again, and no two " +
    "kernels run at one time",
  source: "protocol.md F.1 F94, B.7 (a swapped-out kernel's mailbox is closed)",
  systems: "*",
  kind: "never",
  open(context) {
    const away = new Set<string>();
    const broken = new Set<string>();
    const kernels = new Set<string>();
    const running = new Set<string>();
    const idle = (event: TraceEvent) => {
      if (away.size === 0 || !away.has(event.actor)) return;
      broken.add(event.actor);
      context.violated(
        `kernel ${event.actor} handles ${event.kind} '${event.type ?? ""}' while it is away`,
      );
    };
    const back = (k: string) => {
      if (away.delete(k) && !broken.delete(k)) context.held();
    };
    const alone = (k: string) => {
      kernels.add(k);
      for (const other of running) {
        if (other !== k && kernels.has(other)) {
          context.violated(`kernel ${k} runs while kernel ${other} has not ended`);
        }
      }
    };
    return {
      kinds: {
        deliver: idle,
        timer: idle,
        start: ({ actor }) => void running.add(actor),
        end: ({ actor }) => void running.delete(actor),
      },
      facts: {
        power({ op, state }) {
          // S4 takes memory's power like a power-off; in another sleep everything stays.
          if (op === "wake" || (op === "sleep" && state !== "S4")) return;
          // Actors that power ended need not have said so.
          running.clear();
          if (op !== "on") [...away].forEach(back);
        },
        boot({ k }) {
          away.delete(k);
          alone(k);
        },
        resumed: ({ k }) => alone(k),
        jump({ from, to, preserve }) {
          back(to);
          // One that is entered by its own jump is there again at once.
          if (preserve && from !== to) away.add(from);
        },
      },
    };
  },
};

/** How far the monotonic clock may move over a jump, in ns: the way to and from the clock. */
const MONOTONIC_SLACK = 100_000_000;
/** How far the wall clock may stay behind, in us: it is read from an RTC of whole seconds. */
const WALL_SLACK = 2_000_000;

/** A clock as its kernel left it. */
interface Left {
  readonly monotonic: number;
  readonly real: number;
  readonly vt: number;
  readonly trace: number;
  cut: boolean;
  back: boolean;
}

// Nanoseconds since 1970 do not fit a number, so `real` is in microseconds, `monotonic` in ns.
const CLOCKS: Rule = {
  id: "F95",
  severity: "error",
  statement: "A kernel's monotonic clock stands still while it is away, the wall clock goes on, " +
    "and on its return the clock is read again",
  source: "protocol.md F.1 F95, real recordings fact 20",
  systems: "*",
  kind: "matches",
  open(context) {
    const left = new Map<string, Left>();
    // What the clock showed at a copy: it comes back a second time, after a restore.
    const copies = new Map<string, Left>();
    const copying = new Set<string>();
    return {
      facts: {
        boot: ({ k }) => void left.delete(k),
        power() {
          for (const leave of [...left.values(), ...copies.values()]) leave.cut = true;
        },
        snapshot({ k, result }) {
          copying.delete(k);
          const leave = left.get(k);
          if (result !== 0) return;
          // The clock is read before the copy or after it.
          if (leave === undefined) copying.add(k);
          else copies.set(k, { ...leave });
        },
        jump({ to }) {
          const leave = left.get(to);
          if (leave !== undefined) leave.back = true;
        },
        exec_done({ k }) {
          const leave = left.get(k);
          left.delete(k);
          if (leave?.back) context.violated(`kernel ${k} does not read its clock again`);
        },
        clock({ k, op, monotonic, real }, event) {
          if (op === "leave") {
            const { trace } = context;
            const leave = { monotonic, real, vt: event.vt, trace, cut: false, back: false };
            left.set(k, leave);
            if (copying.delete(k)) copies.set(k, { ...leave });
            return;
          }
          let leave = left.get(k);
          left.delete(k);
          if (leave === undefined) {
            leave = copies.get(k);
            copies.delete(k);
          }
          if (leave === undefined) return;
          const moved = monotonic - leave.monotonic;
          const passed = real - leave.real;
          const samePower = !leave.cut && leave.trace === context.trace;
          const least = samePower ? (event.vt - leave.vt) / 1000 - WALL_SLACK : 1;
          if (moved < 0 || moved > MONOTONIC_SLACK) {
            context.violated(`kernel ${k}: the monotonic clock moved by ${moved} ns meanwhile`);
          } else if (passed < 0 || passed < least) {
            context.violated(
              `kernel ${k}: the wall clock moved by ${passed} us, at least ${
                Math.max(least, 0)
              } passed`,
            );
          } else context.held();
        },
      },
    };
  },
};

/** Rules F93 to F95. */
export const PAIR_RULES: readonly Rule[] = [REPEATABLE, ONE_RUNS, CLOCKS];
