/**
 * What is chosen in the dialog that starts runs, and the request it makes. Knows no DOM.
 *
 * @module
 */
import type { Scenario } from "../../api/shapes/catalogue.ts";
import type { MachineOptions, RunRequest } from "../../api/shapes/run.ts";
import { naturalOf } from "../panels/words.ts";

/** Ways to start a run. */
export const WAYS = ["scenario", "cycle", "live", "transcript", "upload"] as const;
/** See {@linkcode WAYS}. */
export type StartWay = typeof WAYS[number];

/** What stands in the form; texts as they were typed. */
export interface StartForm {
  way: StartWay;
  /** Text that scenarios are looked for by. */
  query: string;
  scenario: string;
  /** Whether the person sits at the scenario's machine when it has been played. */
  stay: boolean;
  part: "cycle" | "hibernate" | "jump";
  memoryMiB: string;
  cpus: string;
  hardware: string;
  kernelProfile: string;
  seed: string;
  awayHours: string;
  verify: boolean;
  text: string;
}

/** The form before anybody typed. */
export function freshForm(): StartForm {
  return {
    way: "scenario",
    query: "",
    scenario: "",
    stay: false,
    part: "cycle",
    memoryMiB: "",
    cpus: "",
    hardware: "",
    kernelProfile: "",
    seed: "",
    awayHours: "",
    verify: true,
    text: "",
  };
}

/** A number of the form, or what is wrong with it. */
function numberOf(name: string, text: string): number | undefined {
  if (text.trim() === "") return undefined;
  const value = naturalOf(text);
  if (value === undefined) throw new RangeError(`${name} has to be a whole number.`);
  return value;
}

function machineOf(form: StartForm): MachineOptions | undefined {
  const memoryMiB = numberOf("Memory", form.memoryMiB);
  const cpus = numberOf("Processors", form.cpus);
  const seed = numberOf("Seed", form.seed);
  const machine: MachineOptions = {
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(form.hardware === "" ? {} : { hardware: form.hardware }),
    ...(form.kernelProfile === "" ? {} : { kernelProfile: form.kernelProfile }),
    ...(seed === undefined ? {} : { seed }),
  };
  return Object.keys(machine).length === 0 ? undefined : machine;
}

function awayOf(text: string): number | undefined {
  if (text.trim() === "") return undefined;
  const hours = Number(text);
  if (!Number.isFinite(hours) || hours < 0) throw new RangeError("Hours away has to be a number.");
  return Math.round(hours * 3_600);
}

/**
 * The request that the form stands for.
 *
 * @throws RangeError that says what is missing or wrong; what only the server knows it says itself.
 */
export function requestOf(form: StartForm): RunRequest {
  const machine = machineOf(form);
  const withMachine = machine === undefined ? {} : { machine };
  switch (form.way) {
    case "scenario":
      if (form.scenario === "") throw new RangeError("Choose a scenario first.");
      return form.stay
        ? { kind: "live", scenario: form.scenario, play: true }
        : { kind: "scenario", name: form.scenario };
    case "cycle": {
      const awaySeconds = awayOf(form.awayHours);
      return {
        kind: "cycle",
        part: form.part,
        ...withMachine,
        ...(awaySeconds === undefined ? {} : { awaySeconds }),
        verify: form.verify,
      };
    }
    case "live":
      return { kind: "live", ...withMachine };
    case "transcript":
      if (form.text.trim() === "") throw new RangeError("Paste a transcript first.");
      return { kind: "transcript", text: form.text };
    case "upload":
      throw new RangeError("Choose a file first.");
  }
}

/** The scenarios in which all words of a query stand, by system, in the catalogue's order. */
export function scenariosBySystem(
  scenarios: readonly Scenario[],
  query: string,
): ReadonlyMap<string, readonly Scenario[]> {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const systems = new Map<string, Scenario[]>();
  for (const scenario of scenarios) {
    const text = `${scenario.name} ${scenario.system} ${scenario.title} ${scenario.summary}`
      .toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const list = systems.get(scenario.system) ?? [];
    list.push(scenario);
    systems.set(scenario.system, list);
  }
  return systems;
}
