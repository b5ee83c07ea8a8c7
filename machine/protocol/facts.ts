/**
 * The vocabulary of facts: what kernels, firmware, disk, memory controller and the observer say
 * happened that is no message of its own (protocol.md F.0). A fact is a trace event of kind
 * `note` and type `fact.<name>`, its fields the event's summary. Rules are folds over these, so
 * a foreign trace that carries them can be judged as well as ours.
 *
 * No field states a verdict: facts give what was found on both sides and rules compare.
 * Conventions: `k` is the kernel that acts; addresses are hexadecimal text with `0x`; page sets
 * and pairs are the run-length text of `formats/page_runs.ts`, in the summary while short, else
 * in the event's blob (then the field is absent); `result` is 0 or a negative errno.
 *
 * @module
 */
import type { Infer } from "../messages/shape.ts";
import { DEVICE_FACTS } from "./facts/devices.ts";
import { JUMPING_FACTS } from "./facts/jumping.ts";
import { LOADING_FACTS } from "./facts/loading.ts";
import { MEMORY_FACTS } from "./facts/memory.ts";
import { SOFTWARE_FACTS } from "./facts/software.ts";
import { STORAGE_FACTS } from "./facts/storage.ts";

export { DOWN_PHASES, UP_PHASES } from "./facts/devices.ts";

/** Every fact with its fields. */
export const FACTS = {
  ...LOADING_FACTS,
  ...JUMPING_FACTS,
  ...DEVICE_FACTS,
  ...MEMORY_FACTS,
  ...STORAGE_FACTS,
  ...SOFTWARE_FACTS,
} as const;

/** Name of a fact. */
export type FactName = keyof typeof FACTS;

/** Fields of a fact. */
export type Fact<N extends FactName> = Infer<typeof FACTS[N]>;

/** The trace type of a fact: `fact.<name>`. */
export type FactType = `fact.${FactName}`;
