/**
 * The actors of a machine at a moment, and what one step changed.
 *
 * @module
 */
import type { MachineState, StateChange } from "../api/shapes/machine.ts";
import { boundedStates } from "./plain_state.ts";
import type { Moment, Session, Turn } from "./session.ts";

/** Characters of JSON that all states together may have, and those of a change. */
const STATE_CHARACTERS = 262_144;

/** Whether there is power: hardware lives. */
export function isPowered({ scheduler }: Session): boolean {
  const people = new Set(scheduler.plan.people.map(({ name }) => name));
  return scheduler.lives().some(({ name }) => !people.has(name));
}

/** All actors that live, in the order in which they were started. */
export function machineState(session: Session, moment: Moment): MachineState {
  const { scheduler } = session;
  const lives = scheduler.lives();
  const states = boundedStates(
    lives.map(({ name }) => scheduler.transport.stateOf(name)),
    STATE_CHARACTERS,
  );
  const actors = lives.map(({ name, behaviour, label }, index) => ({
    name,
    behaviour,
    label,
    state: states[index],
  }));
  return { ...moment, powered: isPowered(session), actors };
}

/** An actor's whole state as the transport gives it; `undefined` where there is none. */
function stateOf({ scheduler }: Session, actor: string): { readonly state: unknown } | undefined {
  const lives = scheduler.lives().some(({ name }) => name === actor);
  return lives ? { state: scheduler.transport.stateOf(actor) } : undefined;
}

/** What the step of event `at` changed in its actor. */
export async function stateChange(
  session: Session,
  at: number,
  stored: number,
  turn: Turn,
): Promise<StateChange> {
  const { moment, actor, looks } = await session.around(
    at,
    stored,
    turn,
    (name) => stateOf(session, name),
  );
  const [before, after] = looks;
  const there = looks.flatMap((look) => look === undefined ? [] : [look.state]);
  const bounded = boundedStates(there, STATE_CHARACTERS);
  return {
    ...moment,
    actor,
    ...(before === undefined ? {} : { before: bounded[0] }),
    ...(after === undefined ? {} : { after: bounded.at(-1) }),
  };
}
