/**
 * How a house is broken on purpose: steps of procedures taken out, changed or moved, and
 * behaviours whose messages are altered on their way out. The actors themselves know nothing of
 * it; what comes out is a registry like any other.
 *
 * @module
 */
import type { AnyBehaviour, Input, Out, Registry } from "../../machine/actor.ts";
import type { Body, MessageType } from "../../machine/messages/vocabulary.ts";
import type { Fact, FactName } from "../../machine/protocol/facts.ts";
import type { CpuState } from "../cpu/state.ts";
import { kernelBehaviour } from "../kernel/kernel.ts";
import { next, type Procedure, type Step } from "../kernel/procedure.ts";
import { PROCEDURES, procedureTable, REGISTRY } from "../registry.ts";

/** Procedures made into others. */
export type Alteration = (given: readonly Procedure[]) => readonly Procedure[];

/** A behaviour made into another. */
export type Wrapper = (given: AnyBehaviour) => AnyBehaviour;

/** How an entry's run differs from the default one. */
export interface SabotagedRun {
  readonly cpus?: number;
  readonly brokenNetwork?: boolean;
  /** Pages of each of A's processes: more than fit the window. */
  readonly processPages?: number;
  /** The resume half runs in a process that knows nothing of the first. */
  readonly apart?: boolean;
  /** The disk is resumed once more afterwards. */
  readonly again?: boolean;
}

/** One way to break the house. */
export interface Sabotage {
  readonly name: string;
  /** What is broken, in one sentence. */
  readonly says: string;
  /** Ids of the rules that must be broken by it. */
  readonly rules: readonly string[];
  readonly run?: SabotagedRun;
  /** Made anew for each process, so that what it keeps in variables is that process's. */
  readonly make: () => {
    readonly procedures?: Alteration;
    readonly behaviours?: Readonly<Record<string, Wrapper>>;
  };
}

type Then = NonNullable<Step["then"]>;

/** The step, after whose answer something more happens at once. */
export function afterwards(step: Step, then: (...given: Parameters<Then>) => void): Step {
  return {
    ...step,
    then(kernel, vars, answer, access) {
      const wanted = step.then?.(kernel, vars, answer, access) ?? next;
      then(kernel, vars, answer, access);
      return wanted;
    },
  };
}

/** The processor's own state: its wrapper is given no other. */
export function cpuJob(state: unknown): CpuState["job"] {
  return typeof state === "object" && state !== null && "job" in state
    ? (state as CpuState).job
    : null;
}

/**
 * Other steps for one procedure.
 *
 * @throws {RangeError} if there is no procedure of that name: what is to be broken has moved.
 */
export function alterSteps(
  name: string,
  alter: (steps: readonly Step[]) => readonly Step[],
): Alteration {
  return (given) => {
    if (!given.some((one) => one.name === name)) throw new RangeError(`No procedure '${name}'`);
    return given.map((one) => one.name === name ? { name, steps: alter(one.steps) } : one);
  };
}

/** Another step in place of one, by name. */
export function alterStep(
  procedure: string,
  name: string,
  alter: (step: Step) => Step,
): Alteration {
  return alterSteps(procedure, (steps) => {
    if (!steps.some((step) => step.name === name)) {
      throw new RangeError(`No step '${name}' in procedure '${procedure}'`);
    }
    return steps.map((step) => step.name === name ? alter(step) : step);
  });
}

/** The step does nothing, and nothing undoes it. */
export function skipStep(procedure: string, name: string): Alteration {
  return alterStep(procedure, name, () => ({ name, run: () => next }));
}

/** The step is done, and never undone. */
export function neverUndo(procedure: string, name: string): Alteration {
  return alterStep(procedure, name, ({ run, then }) => ({
    name,
    run,
    ...(then === undefined ? {} : { then }),
  }));
}

/** Several alterations, one after the other. */
export function both(...alterations: readonly Alteration[]): Alteration {
  return (given) => alterations.reduce((all, alter) => alter(all), given);
}

/** What may be altered of what an actor does; `undefined` leaves it out. */
export interface OutAlterations {
  body?<T extends MessageType>(type: T, body: Body<T>, state: unknown): Body<T>;
  fact?<N extends FactName>(name: N, fields: Fact<N>, state: unknown): Fact<N> | undefined;
}

function alteredOut(out: Out, state: unknown, alter: OutAlterations): Out {
  return {
    now: out.now,
    self: out.self,
    send: (target, type, body, after) =>
      out.send(target, type, alter.body?.(type, body, state) ?? body, after),
    fact(name, fields, blob) {
      const said = alter.fact === undefined ? fields : alter.fact(name, fields, state);
      if (said !== undefined) out.fact(name, said, blob);
    },
    timer: (name, after) => out.timer(name, after),
    grant: (start, length, write) => out.grant(start, length, write),
    spawn: (name, behaviour, config) => out.spawn(name, behaviour, config),
    dispose: (name) => out.dispose(name),
    power: (op) => out.power(op),
    finish: (outcome) => out.finish(outcome),
  };
}

/** A behaviour that sends other bodies or says other facts than it would. */
export function alterOut(alter: OutAlterations): Wrapper {
  return (given) => ({
    ...given,
    run: (state, input, out, access) =>
      given.run(state, input, alteredOut(out, state, alter), access),
  });
}

/** A behaviour that gets another input than was sent. */
export function alterInput(alter: (input: Input) => Input): Wrapper {
  return (given) => ({
    ...given,
    run: (state, input, out, access) => given.run(state, alter(input), out, access),
  });
}

/** The house's registry with other procedures and other behaviours. */
export function alteredRegistry(
  procedures: Alteration,
  behaviours: Readonly<Record<string, Wrapper>>,
): Registry {
  const registry = new Map(REGISTRY);
  registry.set("kernel", kernelBehaviour(procedureTable(procedures(PROCEDURES))));
  for (const [kind, wrap] of Object.entries(behaviours)) {
    const given = registry.get(kind);
    if (given === undefined) throw new RangeError(`No behaviour '${kind}'`);
    registry.set(kind, wrap(given));
  }
  return registry;
}
