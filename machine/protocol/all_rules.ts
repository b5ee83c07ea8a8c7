/**
 * All rules of protocol.md F.1, by ascending number.
 *
 * @module
 */
import type { Rule } from "../conformance/rule.ts";
import { MAINLINE_RULES } from "./mainline_rules.ts";

/** The rules, by ascending number. */
export const ALL_RULES: readonly Rule[] = [
  ...MAINLINE_RULES,
].sort((left, right) => Number(left.id.slice(1)) - Number(right.id.slice(1)));
