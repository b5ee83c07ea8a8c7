/**
 * Turns what a step left into events and further deliveries, in the order in which it happened.
 *
 * @module
 */
import type { Envelope } from "./actor.ts";
import { fromHex } from "./hex.ts";
import type { Effect, StepResult } from "./effects.ts";
import { ActorFailure, ProtocolError } from "./errors.ts";
import type { LiveActor } from "./life.ts";
import { endActor, startActor, switchPower } from "./lifecycle.ts";
import { faultOf, messageFacts } from "./message_table.ts";
import { recordNote } from "./notes.ts";
import type { RunCore } from "./run_core.ts";
import { grantsOf } from "./step.ts";
import { summarise } from "./summary.ts";

type EffectOf<K extends Effect["kind"]> = Extract<Effect, { readonly kind: K }>;

/**
 * Merges a step's result; `cause` is the event that brought the step about, `vt` its time.
 *
 * @throws {ProtocolError} if the step broke the protocol.
 * @throws {ActorFailure} if it threw.
 */
export function merge(
  core: RunCore,
  life: LiveActor,
  result: StepResult,
  cause: number,
  vt: number,
): void {
  if (result.failure !== undefined) {
    const { name, message } = result.failure;
    if (name === "ProtocolError") {
      throw new ProtocolError(message, { actor: life.name, type: "step", seq: cause });
    }
    throw new ActorFailure(life.name, "step", cause, `${name}: ${message}`);
  }
  if (life.label !== result.label) {
    life.label = result.label;
    core.recorder.add({ vt, kind: "state", actor: life.name, cause, state: result.label });
    if (life.deferred.length > 0) requeue(core, life, vt);
  }
  const { effects } = result;
  for (let index = 0; index < effects.length; index++) {
    const effect = effects[index];
    if (effect?.kind === "send") send(core, life, effect, cause, vt);
    else if (effect !== undefined) apply(core, life, effect, cause, vt);
  }
}

/** Enters again what the new state no longer defers. */
function requeue(core: RunCore, life: LiveActor, vt: number): void {
  const deferred = life.deferred;
  life.deferred = [];
  for (const envelope of deferred) {
    if (life.verdict(envelope.type) === "defer") life.deferred.push(envelope);
    // Its sender's clock was taken over when it was deferred.
    else core.enterMessage(vt, envelope, 0, life);
  }
}

function apply(
  core: RunCore,
  life: LiveActor,
  effect: Exclude<Effect, EffectOf<"send">>,
  cause: number,
  vt: number,
): void {
  switch (effect.kind) {
    case "timer": {
      const at = vt + Math.max(effect.after, core.plan.linkLatency);
      life.timers.set(effect.name, core.enterTimer(at, life.name, effect.name));
      return;
    }
    case "fact":
      return say(core, life.name, effect, cause, vt);
    case "spawn":
      checkSolo(life, effect, cause);
      return startActor(core, merge, effect, false, cause);
    case "dispose": {
      checkSolo(life, effect, cause);
      const other = core.lives.get(effect.name);
      if (other !== undefined) endActor(core, other, cause, vt);
      return;
    }
    case "power":
      checkSolo(life, effect, cause);
      return switchPower(core, merge, effect.op, cause, vt);
    case "finish":
      checkSolo(life, effect, cause);
      core.outcome = effect.outcome;
  }
}

/** Who starts or ends others shares no batch; from anybody else the trace could differ. */
function checkSolo(life: LiveActor, effect: Effect, cause: number): void {
  if (life.solo) return;
  throw new ProtocolError(`Effect that is not for a ${life.role}`, {
    actor: life.name,
    type: effect.kind,
    seq: cause,
  });
}

function say(
  core: RunCore,
  actor: string,
  effect: EffectOf<"fact">,
  cause: number,
  vt: number,
): void {
  const { name, fields } = effect;
  const blob = effect.blob === undefined ? {} : { blob: fromHex(effect.blob) };
  recordNote(core, actor, { name, fields, ...blob }, cause, vt);
  for (const seen of core.plan.observer(name, fields, core.ram)) {
    recordNote(core, "observer", seen, cause, vt);
  }
}

function send(
  core: RunCore,
  life: LiveActor,
  effect: EffectOf<"send">,
  cause: number,
  vt: number,
): void {
  const { target, type, body } = effect;
  const facts = messageFacts(type);
  if (facts === undefined || !life.alive) {
    const why = facts === undefined ? "Undeclared message" : "Message sent after its sender's end";
    throw new ProtocolError(why, { actor: life.name, type, seq: cause });
  }
  const other = core.lives.get(target);
  if (other !== undefined) {
    const fault = faultOf(facts, life, other, body);
    if (fault !== undefined) throw new ProtocolError(fault, { actor: life.name, type, seq: cause });
  }
  const id = recordSend(core, life.name, effect, cause, vt);
  // The check above holds the body to its declaration; nothing else is ever sent.
  const envelope = { id, source: life.name, target, type, body } as Envelope;
  if (facts.grants) {
    const grants = grantsOf({ kind: "message", envelope });
    if (grants.length > 0) core.grants.carry(grants, life.name, target, life.isMemory, type);
  }
  const { lastLamport } = core.recorder;
  let at = vt + Math.max(0, effect.after) + core.plan.linkLatency;
  if (id >= core.choices.nextFate) {
    const fate = core.choices.fateOf(id);
    if (fate === "lost") {
      giveBack(core, envelope);
      core.recordFate(vt, "drop", envelope, lastLamport, { reason: "lost by choice" });
      return;
    }
    at += fate;
  }
  core.enterMessage(at, envelope, lastLamport, other);
}

function recordSend(
  core: RunCore,
  actor: string,
  effect: EffectOf<"send">,
  cause: number,
  vt: number,
): number {
  const { recorder } = core;
  if (recorder.silent) return recorder.skip();
  return recorder.add({
    vt,
    kind: "send",
    actor,
    source: actor,
    target: effect.target,
    type: effect.type,
    msg: recorder.next,
    cause,
    summary: summarise(effect.type, effect.body),
  });
}

/** A message that nobody will read gives its grants back. */
export function giveBack(core: RunCore, envelope: Envelope): void {
  core.grants.close(grantsOf({ kind: "message", envelope }));
}
