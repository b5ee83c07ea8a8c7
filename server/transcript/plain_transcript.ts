/**
 * A machine for a person who names no scenario, as the shortest transcript there can be: its block
 * and nothing but the power button.
 *
 * @module
 */

/** Keys of the machine block (`machine_block.ts`) with their values, in this order. */
export type PlainMachine = Readonly<Record<string, string | undefined>>;

/** The transcript's text; keys without a value are left out. */
export function plainTranscript(machine: PlainMachine): string {
  const block = Object.entries(machine).flatMap(([key, value]) =>
    value === undefined || value === "" ? [] : [`${key}: ${value}`]
  );
  return ["```machine", ...block, "```", "```console", "# power on", "```"].join("\n");
}
