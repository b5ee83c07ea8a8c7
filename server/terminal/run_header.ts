/**
 * The first line of a run's trace. The run's id follows from what is run and nothing else, so that
 * the same run has the same id wherever it is run (DESIGN.md 5).
 *
 * @module
 */
import type { RunSettings } from "../../actors/scenario/mainline_run.ts";
import configuration from "../../deno.json" with { type: "json" };
import { sha256 } from "../../machine/digest.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import type { TraceHeader } from "../../machine/trace/event.ts";

/** Version of the laboratory. */
export const VERSION: string = configuration.version;

const ID_DIGITS = 16;

/** What decides a run, besides the scenario's name. */
function decisive(settings: RunSettings): unknown {
  const { mainline, kernelFile, payload, ...machine } = settings;
  const { profile, ...options } = mainline;
  return {
    ...machine,
    ...options,
    profile: profile.name,
    ...(kernelFile === undefined ? {} : { kernel: sha256(kernelFile) }),
    ...(payload === undefined ? {} : { payload: sha256(payload) }),
  };
}

/**
 * The header of a run.
 *
 * @param about what else decides the run: the digest of the disk it begins with.
 */
export function runHeader(
  scenario: string,
  settings: RunSettings,
  plan: RunPlan,
  about: { readonly disk?: string; readonly continues?: string } = {},
): TraceHeader {
  const { continues, disk } = about;
  const identity = JSON.stringify([scenario, VERSION, decisive(settings), disk ?? null]);
  return {
    v: 1,
    run: sha256(identity).slice(0, ID_DIGITS),
    scenario,
    seed: settings.seed,
    profile: `${settings.mainline.profile.name}/${settings.hardware}`,
    version: VERSION,
    actors: [...plan.people, ...plan.hardware].map(({ name }) => name),
    clock: "virtual",
    order: "total",
    ...(continues === undefined ? {} : { continues }),
  };
}
