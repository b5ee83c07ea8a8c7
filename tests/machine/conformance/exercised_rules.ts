/**
 * What runs must exercise, so that a rule that has fallen asleep is noticed.
 *
 * @module
 */

/** Rules that no whole hibernation with resume, as the default run is one, may leave vacuous. */
export const HIBERNATION_EXERCISES: readonly string[] = (
  "F01 F04 F14 F15 F16 F17 F21 F22 F23 F24 F25 F26 F28 F29 F30 F31 F32 F33 F34 F35 F36 F37 F38 " +
  "F39 F45 F46 F49 F50 F51 F52 F53 F58 F59 F60 F61 F78 F87 F94 F95 F96 F97 F101 F103"
).split(" ");
