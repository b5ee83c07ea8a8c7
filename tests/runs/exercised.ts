/**
 * Which rules whole runs must exercise: a list that a rule leaves only by a decision.
 */

/** The default run: hibernation, power-off and cold resume on profile 2.6.27. */
export const CYCLE_EXERCISES: readonly string[] = (
  "F01 F04 F14 F15 F16 F21 F22 F23 F24 F25 F26 F28 F29 F30 F31 F32 F33 F34 F35 F36 F37 F38 F39 " +
  "F45 F46 F47 F49 F50 F51 F52 F53 F58 F59 F60 F61 F78 F87 F94 F95 F96 F97 F101 F103"
).split(" ");

/** The warm round trip: there, back, there and back again. */
export const JUMP_EXERCISES: readonly string[] = (
  "F01 F04 F14 F15 F16 F21 F22 F23 F24 F25 F26 F28 F29 F30 F31 F32 F33 F34 F35 F36 F37 F38 F39 " +
  "F45 F78 F93 F94 F95 F96 F97 F101 F103"
).split(" ");

/** What only a kernel with the half-of-RAM rule has to keep. */
export const HALF_RAM_EXERCISES: readonly string[] = ["F17"];

/** Refusals and mistakes, which the two runs above do not make. */
export const REFUSALS_EXERCISE: readonly string[] = "F20 F27 F40 F102".split(" ");
