/**
 * What is said about runs over HTTP: how one is asked for, and what is told of it. The schemas are
 * the runtime guards, the OpenAPI components and, by inference, the types of server and client.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";

/** Identity of a run. */
export const RunId = z.string().regex(/^[0-9a-f]{16,64}$/).openapi("RunId", {
  description: "A scripted run's follows from what is run; forks and live runs have a random one.",
  example: "df701ee5dfec7ae1",
});

/** A natural number up to 2^53. */
export const Natural = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What becomes of the writes that wait in the disk's cache when the power goes. */
export const Durable = z.enum(["none", "all", "seeded"]).openapi("Durable");

/** A machine for the default cycle or for a person. */
export const MachineOptions = z.strictObject({
  memoryMiB: z.number().int().min(16).max(1024).optional(),
  cpus: z.number().int().min(1).max(8).optional(),
  hardware: z.string().max(40).optional().openapi({ example: "small-vm" }),
  kernelProfile: z.string().max(40).optional().openapi({ example: "2.6.27" }),
  seed: Natural.optional(),
}).openapi("MachineOptions");

/** Mainline's cycle with options: what `hibernate` runs. */
export const CycleRequest = z.strictObject({
  kind: z.literal("cycle"),
  part: z.enum(["cycle", "hibernate", "jump"]).optional(),
  machine: MachineOptions.optional(),
  /** Seconds of virtual time for which the machine is off. */
  awaySeconds: z.number().int().min(0).max(31_536_000).optional(),
  verify: z.boolean().optional(),
  cutPower: z.strictObject({ seq: Natural, durable: Durable }).optional(),
}).openapi("CycleRequest");

/** One of the house's scenarios. */
export const ScenarioRequest = z.strictObject({
  kind: z.literal("scenario"),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,79}$/).openapi({ example: "v7-hibernate" }),
}).openapi("ScenarioRequest");

/** A transcript that is given with the request. */
export const TranscriptRequest = z.strictObject({
  kind: z.literal("transcript"),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/).optional(),
  text: z.string().min(1).max(262_144),
}).openapi("TranscriptRequest");

/** A machine with a person at it. With a scenario: its machine, and its steps played first. */
export const LiveRequest = z.strictObject({
  kind: z.literal("live"),
  machine: MachineOptions.optional(),
  scenario: ScenarioRequest.shape.name.optional(),
  /** Whether the scenario's steps are played before the person's turn. */
  play: z.boolean().optional(),
}).openapi("LiveRequest");

/** What happens at the moment where a fork leaves its parent. */
export const ForkAction = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("cut_power"), durable: Durable }),
  z.strictObject({ do: z.literal("wake"), by: z.enum(["rtc", "power_button"]) }),
  z.strictObject({ do: z.literal("nothing") }),
]).openapi("ForkAction");

/** A run that shares another's past up to an event. */
export const ForkRequest = z.strictObject({
  kind: z.literal("fork"),
  parent: z.strictObject({ run: RunId, seq: Natural }),
  action: ForkAction,
}).openapi("ForkRequest");

/** Body of `POST /api/runs`. */
export const RunRequest = z.discriminatedUnion("kind", [
  CycleRequest,
  ScenarioRequest,
  TranscriptRequest,
  LiveRequest,
  ForkRequest,
]).openapi("RunRequest");

/**
 * Where a run stands. `waiting`: a live run whose machine waits for its person. `interrupted`: the
 * server went away while it ran; what was recorded is there.
 */
export const RunStatus = z.enum([
  "queued",
  "running",
  "waiting",
  "finished",
  "failed",
  "cancelled",
  "interrupted",
]).openapi("RunStatus");

/** Verdict of the rules over a whole run, or over what there is of it. */
export const VerdictSummary = z.object({
  ok: z.boolean(),
  held: Natural,
  vacuous: Natural,
  /** Rules that were broken, with the first place. */
  violated: z.array(z.object({ rule: z.string(), seq: Natural, reason: z.string() })),
}).openapi("VerdictSummary");

/** What the person at a live machine sees. */
export const Standing = z.object({
  off: z.boolean(),
  /** Entries of the boot menu that waits. */
  menu: z.array(z.string()),
  /** Whose prompt waits for a line; empty for nobody's. */
  prompt: z.string(),
}).openapi("Standing");

/** One run. */
export const RunSummary = z.object({
  run: RunId,
  kind: z.enum(["cycle", "scenario", "transcript", "live", "fork", "import"]),
  status: RunStatus,
  /** Name in the trace's header, as `v7-v7-hibernate`. */
  scenario: z.string(),
  /** For people. */
  title: z.string(),
  /** Kernel and hardware profile. */
  profile: z.string(),
  seed: z.number().int(),
  parent: z.object({ run: RunId, seq: Natural }).optional(),
  /** Host's time at which it was asked for, ISO 8601. */
  created: z.string(),
  /** Events recorded so far. */
  events: Natural,
  /** Virtual time in ns of the last of them. */
  vt: Natural,
  /** How it ended. */
  outcome: z.string().optional(),
  /** SHA-256 of the event lines; of a finished run. */
  sha256: z.string().optional(),
  verdict: VerdictSummary.optional(),
  /** Where a transcript and its run part. */
  parting: z.object({
    line: Natural,
    message: z.string(),
    details: z.array(z.string()),
    seq: Natural,
  }).optional(),
  /** Of a live run or a fork that goes on. */
  standing: Standing.optional(),
  /** What went wrong with the run itself, in one sentence, without paths. */
  trouble: z.string().optional(),
  /** Whether states, memory and disk can be asked for: not of an imported recording. */
  replayable: z.boolean(),
  links: z.record(z.string(), z.string()),
}).openapi("RunSummary");

/** Answer of `GET /api/runs`. */
export const RunList = z.object({ runs: z.array(RunSummary) }).openapi("RunList");

/**
 * Body of `POST /api/runs/{run}/input`: a line for the prompt that waits, or, with a `#` before
 * it, what the person does (`# power on`, `# boot B`, `# pull the plug`), as in a transcript.
 */
export const InputRequest = z.strictObject({ text: z.string().min(1).max(4_096) })
  .openapi("InputRequest");

/** Body of `POST /api/runs/{run}/step`: from where, and which way. */
export const StepRequest = z.strictObject({
  at: z.number().int().min(-1).max(Number.MAX_SAFE_INTEGER),
  to: z.enum(["next", "back", "next_fault", "next_violation", "next_state", "next_send"]),
  count: z.number().int().min(1).max(100_000).optional(),
  actor: z.string().max(80).optional(),
}).openapi("StepRequest");

/** See {@linkcode RunRequest}. */
export type RunRequest = z.infer<typeof RunRequest>;
/** See {@linkcode RunSummary}. */
export type RunSummary = z.infer<typeof RunSummary>;
/** See {@linkcode RunStatus}. */
export type RunStatus = z.infer<typeof RunStatus>;
/** See {@linkcode VerdictSummary}. */
export type VerdictSummary = z.infer<typeof VerdictSummary>;
/** See {@linkcode Standing}. */
export type Standing = z.infer<typeof Standing>;
/** See {@linkcode StepRequest}. */
export type StepRequest = z.infer<typeof StepRequest>;
/** See {@linkcode ForkAction}. */
export type ForkAction = z.infer<typeof ForkAction>;
/** See {@linkcode MachineOptions}. */
export type MachineOptions = z.infer<typeof MachineOptions>;
