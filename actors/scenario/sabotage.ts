/**
 * The sabotage table (DESIGN.md 7): what can be broken in this house, each with the rules that
 * must notice it. An entry alters steps of procedures or wraps behaviours; nothing in an actor
 * knows of it. A rule that does not turn red for its entry has fallen asleep.
 *
 * @module
 */
import type { Registry } from "../../machine/actor.ts";
import { IMAGE_SABOTAGE } from "./sabotage_image.ts";
import { KERNEL_SABOTAGE } from "./sabotage_kernel.ts";
import { MEMORY_SABOTAGE, PROCESSOR_SABOTAGE } from "./sabotage_machine.ts";
import { alteredRegistry, type Sabotage } from "./sabotage_tools.ts";

export type { Sabotage, SabotagedRun } from "./sabotage_tools.ts";

/** All entries. */
export const SABOTAGE: readonly Sabotage[] = [
  ...MEMORY_SABOTAGE,
  ...PROCESSOR_SABOTAGE,
  ...KERNEL_SABOTAGE,
  ...IMAGE_SABOTAGE,
];

/** The registry of a broken house, as one process has it. */
export function sabotagedRegistry(sabotage: Sabotage): Registry {
  const { procedures = (given) => given, behaviours = {} } = sabotage.make();
  return alteredRegistry(procedures, behaviours);
}
