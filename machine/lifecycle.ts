/**
 * How actors start and end, alone or with the machine's power (DESIGN.md law 1).
 *
 * @module
 */
import type { GivenInput, PowerCut, Wake } from "./choice_book.ts";
import type { StepResult } from "./effects.ts";
import { DivergenceError, ProtocolError } from "./errors.ts";
import type { LiveActor } from "./life.ts";
import { recordNote } from "./notes.ts";
import type { RunCore } from "./run_core.ts";
import type { ActorSpec } from "./run_plan.ts";
import type { Signal } from "./signals.ts";
import { grantsOf } from "./step.ts";

/** Turns a step's result into events and deliveries. */
export type Merge = (
  core: RunCore,
  life: LiveActor,
  result: StepResult,
  cause: number,
  vt: number,
) => void;

type Survivors = Extract<Signal, { readonly kind: "power_cut" }>["survivors"];

/** Longest list of survivors a seeded power cut draws. */
const SEEDED_WRITES_MAX = 64;

/** Starts an actor and merges what its start did. */
export function startActor(
  core: RunCore,
  merge: Merge,
  spec: ActorSpec,
  person: boolean,
  cause?: number,
): void {
  const { name, behaviour: kind } = spec;
  const behaviour = core.plan.registry.get(kind);
  if (behaviour === undefined) {
    throw new ProtocolError(`No behaviour '${kind}'`, { actor: name, type: "spawn" });
  }
  if (core.lives.has(name)) {
    throw new ProtocolError("Actor started twice", { actor: name, type: "spawn" });
  }
  const vt = core.vt;
  const life = core.lives.add({
    name,
    behaviour: kind,
    role: behaviour.role,
    person,
    label: "",
    deferred: [],
    timers: [],
  });
  const seq = core.recorder.add({
    vt,
    kind: "start",
    actor: name,
    type: `actor.${kind}`,
    ...(cause === undefined ? {} : { cause }),
  });
  const { config } = spec;
  const { slot } = life;
  const result = core.transport.start({ name, slot, behaviour: kind, config, now: vt });
  merge(core, life, result, seq, vt);
}

/** Ends an actor: its timers never fire, what it held is closed. */
export function endActor(core: RunCore, life: LiveActor, cause: number, vt: number): void {
  core.lives.remove(life);
  core.transport.stop(life.name);
  const underWay = new Set<number>();
  for (const { actor, envelope } of core.queue.list()) {
    if (actor !== life.name || envelope === undefined) continue;
    for (const grant of grantsOf({ kind: "message", envelope })) underWay.add(grant.id);
  }
  core.grants.closeOf(life.name, underWay);
  core.recorder.add({ vt, kind: "end", actor: life.name, cause });
}

/** Starts or disposes of all that is not a person. */
export function switchPower(
  core: RunCore,
  merge: Merge,
  op: "on" | "off" | "reset",
  cause: number,
  vt: number,
): void {
  if (op !== "on") disposeMachine(core, cause, vt);
  if (op === "off") return;
  for (const spec of core.plan.hardware) startActor(core, merge, spec, false, cause);
}

function disposeMachine(core: RunCore, cause: number, vt: number): void {
  // What is under way to the machine goes with it, without a trace: its wires have no power.
  const kept = core.queue.list().filter((item) => core.lives.get(item.actor)?.person === true);
  core.queue.clear();
  for (const life of core.lives.list()) if (!life.person) endActor(core, life, cause, vt);
  core.grants.clear();
  // The pages themselves are kept for the next power-on: two machines' worth would be too many.
  core.ram.clear();
  for (const item of kept) core.queue.push(item);
}

/** The power goes away: the disk keeps what the choice lets survive, all else is lost. */
export function cutPower(core: RunCore, merge: Merge, choice: PowerCut): void {
  const disk = core.lives.list().find((life) => life.role === "disk");
  if (disk === undefined) {
    throw new DivergenceError(choice.at, "a power cut", "a machine that is off already");
  }
  const survivors = survivorsOf(core, choice);
  const cause = core.recorder.add({
    vt: core.vt,
    kind: "fault",
    actor: disk.name,
    type: "power.cut",
    summary: { at: choice.at, durable: choice.durable },
  });
  signalCut(core, merge, disk, survivors, choice.torn, cause);
  recordNote(core, "observer", { name: "power", fields: { op: "loss" } }, cause, core.vt);
  disposeMachine(core, cause, core.vt);
  for (const life of core.lives.list()) signalCut(core, merge, life, "none", undefined, cause);
}

function survivorsOf(core: RunCore, choice: PowerCut): Survivors {
  if (choice.durable === "none" || choice.durable === "all") return choice.durable;
  if (choice.durable === "listed") return choice.survivors ?? [];
  const survivors: number[] = [];
  for (let index = 0; index < SEEDED_WRITES_MAX; index++) {
    if (core.random.below("power_cut", 2) === 1) survivors.push(index);
  }
  return survivors;
}

function signalCut(
  core: RunCore,
  merge: Merge,
  life: LiveActor,
  survivors: Survivors,
  torn: PowerCut["torn"],
  cause: number,
): void {
  const seq = core.recorder.add({
    vt: core.vt,
    kind: "signal",
    actor: life.name,
    type: "power.cut",
    cause,
  });
  const signal: Signal = {
    kind: "power_cut",
    survivors,
    ...(torn === undefined ? {} : { torn }),
  };
  runSignal(core, merge, life, signal, seq);
}

/** Runs one step of an actor with a signal; `cause` is the event that stands for it. */
function runSignal(
  core: RunCore,
  merge: Merge,
  life: LiveActor,
  signal: Signal,
  cause: number,
): void {
  const { vt } = core;
  const actor = life.name;
  const [result] = core.transport.step([{
    actor,
    slot: life.slot,
    now: vt,
    input: { kind: "signal", signal },
    nextGrant: core.grants.next,
    lent: [],
  }]);
  if (result !== undefined) merge(core, life, result, cause, vt);
}

/** Longest text of an input in its event. */
const INPUT_TEXT_MAX = 96;

/** Tells a person what to do, at the current virtual time. */
export function giveInput(core: RunCore, merge: Merge, choice: GivenInput): void {
  const { actor, at } = choice;
  const life = core.lives.get(actor);
  if (life?.person !== true) {
    throw new DivergenceError(at, `an input to ${actor}`, "no such person");
  }
  const text = choice.text.length > INPUT_TEXT_MAX
    ? `${choice.text.slice(0, INPUT_TEXT_MAX)}…`
    : choice.text;
  const summary = { text };
  const seq = core.recorder.add({ vt: core.vt, kind: "signal", actor, type: "input", summary });
  runSignal(core, merge, life, { kind: "input", text: choice.text }, seq);
}

/** Which actor a wake-up event happens at. */
const WAKE_SOURCES = { rtc: "rtc", power_button: "firmware" } as const;

/** A wake-up event happens; to a machine that is off nothing comes of it. */
export function raiseWake(core: RunCore, merge: Merge, choice: Wake): void {
  const { at, by = "rtc" } = choice;
  const { vt } = core;
  const actor = WAKE_SOURCES[by];
  const life = core.lives.get(actor);
  const summary = { at, by, present: life !== undefined };
  const cause = core.recorder.add({ vt, kind: "fault", actor, type: "wake", summary });
  if (life === undefined) return;
  const seq = core.recorder.add({ vt, kind: "signal", actor, type: "wake", cause });
  runSignal(core, merge, life, { kind: "wake" }, seq);
}
