/**
 * All that is not determined by scenario and seed: an entry in one list. A run is scenario + seed
 * + choices; replaying the list gives the run again (DESIGN.md law 5).
 *
 * @module
 */
import {
  type Infer,
  integer,
  list,
  natural,
  oneOf,
  optional,
  type Plain,
  record,
  text,
} from "./messages/shape.ts";

const powerCut = record({
  kind: oneOf("power_cut"),
  /** It strikes before the first delivery whose event would have this number or a later one. */
  at: natural,
  /** Deliveries made before it, where a person chose the moment while the run went on. */
  after: optional(natural),
  /** Fate of the writes in the disk's cache. */
  durable: oneOf("none", "all", "seeded", "listed"),
  /** With `listed`: indices of the writes that survive. */
  survivors: optional(list(natural)),
  torn: optional(record({ index: natural, sectors: natural })),
});

const refusal = record({
  kind: oneOf("refuse"),
  device: text,
  phase: text,
  /** Which time the phase is asked of it since power-on, from 1. */
  time: natural,
  result: integer,
});

const wake = record({
  kind: oneOf("wake"),
  /** It comes before the first delivery whose event would have this number or a later one. */
  at: natural,
  /** The alarm of the clock chip unless given. */
  by: optional(oneOf("rtc", "power_button")),
  /** Deliveries made before it, where a person chose the moment while the run went on. */
  after: optional(natural),
});

const input = record({
  kind: oneOf("input"),
  /** It is given before the first delivery whose event would have this number or a later one. */
  at: natural,
  /** Deliveries made before it. */
  after: optional(natural),
  /** The person who does something. */
  actor: text,
  /** What he does, in words of his behaviour. */
  text,
});

const loss = record({ kind: oneOf("lose"), msg: natural });
const delay = record({ kind: oneOf("delay"), msg: natural, ns: natural });
const order = record({
  kind: oneOf("order"),
  /** Deliveries made before the one that is picked. */
  at: natural,
  /** Which of the deliveries due at the same time comes first, in order of their sending. */
  pick: natural,
});

/** One choice. */
export type Choice =
  | Infer<typeof powerCut>
  | Infer<typeof refusal>
  | Infer<typeof wake>
  | Infer<typeof input>
  | Infer<typeof loss>
  | Infer<typeof delay>
  | Infer<typeof order>;

const SHAPES = {
  power_cut: powerCut,
  refuse: refusal,
  wake,
  input,
  lose: loss,
  delay,
  order,
} as const;

/** What is wrong with a choice that was read, or `undefined`. */
export function checkChoice(value: Plain, path: string): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `${path} is not a choice`;
  }
  const kind: unknown = Reflect.get(value, "kind");
  if (typeof kind !== "string" || !Object.hasOwn(SHAPES, kind)) {
    return `${path}.kind is not one of ${Object.keys(SHAPES).join(", ")}`;
  }
  return SHAPES[kind as keyof typeof SHAPES].check(value, path);
}
