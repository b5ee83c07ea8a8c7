/**
 * Device callbacks of a log put into phases. With the tracer's `suspend_resume` lines the phase is
 * known when a callback ends; without them only the line that closes the phase names it, so the
 * callbacks before it wait.
 *
 * @module
 */
import { phaseFamily } from "../../protocol/pm_messages.ts";
import type { Origin, Summary } from "../event.ts";
import type { Observation } from "./observation.ts";

/** A callback that ended. */
export interface DevicePhase {
  readonly summary: Summary;
  readonly seconds: number | undefined;
  readonly origin: Origin;
}

/** Callbacks that may wait for the end of their phase; more devices no machine has. */
const WAITING_MAX = 100_000;

/** PM event codes (protocol.md B.5.3). */
const MESSAGES: Readonly<Record<string, string>> = {
  1: "FREEZE",
  2: "SUSPEND",
  4: "HIBERNATE",
  8: "QUIESCE",
  16: "RESUME",
  32: "THAW",
  64: "RESTORE",
  128: "RECOVER",
};

interface Phase {
  readonly name: string;
  readonly message: string;
}

function phaseOfAction(action: string, code: string): Phase | undefined {
  const message = MESSAGES[code];
  const base = message === undefined ? undefined : phaseFamily(message);
  if (message === undefined || base === undefined) return undefined;
  const stage = /^dpm_(?:suspend|resume)(?<stage>_late|_early|_noirq)?$/.exec(action);
  if (stage !== null) return { name: `${base}${stage.groups?.["stage"] ?? ""}`, message };
  if (action === "dpm_prepare") return { name: "prepare", message };
  return action === "dpm_complete" ? { name: "complete", message } : undefined;
}

/** `late freeze` and the like, as the line at a phase's end says it. */
function phaseOfVerb(verb: string): Phase | undefined {
  const words = verb.split(" ");
  const message = (words.at(-1) ?? "").toUpperCase();
  const base = phaseFamily(message);
  if (base === undefined) return undefined;
  return { name: words.length === 2 ? `${base}_${words[0]}` : base, message };
}

/**
 * A device's own name: drivers' names stand before it and may have several words, and in some
 * recordings the colon behind it was kept.
 */
export function deviceNameOf(text: string): string {
  return (text.trim().split(/\s+/).at(-1) ?? text).replace(/:$/, "");
}

/** See the module's header. One for each kernel. */
export class DeviceCallbacks {
  readonly #parents: Map<string, string> = new Map();
  /** Devices with the name of their parent, by driver and name. */
  readonly #doubles: Set<string> = new Set();
  /** Callbacks that were called and have not been seen to return. */
  readonly #called: Map<string, Observation> = new Map();
  #waiting: { readonly device: string; readonly result: number; readonly seen: Observation }[] = [];
  #phase: Phase | undefined;

  /** Takes an observation; gives the callbacks whose phase it makes known. */
  take(seen: Observation): DevicePhase[] {
    const { event, detail } = seen;
    switch (event) {
      case "trace_suspend_resume":
        return this.#traced(detail);
      case "device_callback_start":
      case "trace_callback_start":
        this.#started(seen);
        return [];
      case "device_callback_end":
      case "trace_callback_end":
        return this.#ended(this.#nameOf(detail), Number(detail["ret"] ?? 0), seen);
      case "device_refused":
        return this.#refused(detail);
      case "dpm_phase_complete":
        return this.#complete(phaseOfVerb(detail["verb"] ?? ""), detail["msecs"] !== undefined);
      default:
        return [];
    }
  }

  #traced(detail: Observation["detail"]): DevicePhase[] {
    const phase = phaseOfAction(detail["action"] ?? "", detail["val"] ?? "");
    if (phase === undefined) return [];
    if (detail["edge"] === "begin") this.#phase = phase;
    else this.#phase = undefined;
    return [];
  }

  /** Class devices may have their parent's name; the driver tells them apart. */
  #nameOf(detail: Observation["detail"]): string {
    const full = [detail["driver"], detail["device"]].filter((part) => part).join(" ").trim();
    return this.#doubles.has(full) ? full : deviceNameOf(full);
  }

  #started(seen: Observation): void {
    const { event, detail } = seen;
    const parent = detail["parent"] ?? "none";
    const full = [detail["driver"], detail["device"]].filter((part) => part).join(" ").trim();
    if (deviceNameOf(full) === parent) this.#doubles.add(full);
    const device = this.#nameOf(detail);
    this.#parents.set(device, parent);
    if (event === "device_callback_start") this.#called.set(device, seen);
  }

  /**
   * At a phase's end everything it called has returned, and the core would have said which device
   * failed; a line that got lost on the way to the log says no more than that. A phase that was
   * broken off says nothing of those that were under way.
   */
  #complete(phase: Phase | undefined, whole: boolean): DevicePhase[] {
    const lost = [...this.#called];
    this.#called.clear();
    const told = this.#flush(phase);
    if (phase === undefined || !whole) return told;
    return [
      ...told,
      ...lost.map(([device, seen]) => this.#made(phase, { device, result: 0, seen })),
    ];
  }

  #ended(device: string, result: number, seen: Observation): DevicePhase[] {
    this.#called.delete(device);
    if (this.#phase !== undefined) return [this.#made(this.#phase, { device, result, seen })];
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ device, result, seen });
    return [];
  }

  /** The core says in which phase a device refused; its own callback is the last that waits. */
  #refused(detail: Observation["detail"]): DevicePhase[] {
    const [verb = "", stage] = (detail["verb"] ?? "").split(" ");
    const isStage = stage !== undefined && stage !== "async";
    return this.#flush(phaseOfVerb(isStage ? `${stage} ${verb}` : verb));
  }

  #flush(phase: Phase | undefined): DevicePhase[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return phase === undefined ? [] : waiting.map((one) => this.#made(phase, one));
  }

  #made(
    phase: Phase,
    { device, result, seen }: {
      readonly device: string;
      readonly result: number;
      readonly seen: Observation;
    },
  ): DevicePhase {
    const parent = this.#parents.get(device);
    return {
      summary: {
        device,
        ...(parent === undefined || parent === "none" ? {} : { parent }),
        name: phase.name,
        message: phase.message,
        result,
      },
      seconds: seen.hostSeconds ?? seen.kernelSeconds,
      origin: seen.origin,
    };
  }
}
