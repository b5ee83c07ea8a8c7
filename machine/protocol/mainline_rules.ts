/**
 * All rules of protocol.md F.1 that apply to mainline kexec jump: those of system M and of all
 * systems, and F47, F51 and F52, which the laboratory applies to M as well.
 *
 * @module
 */
import type { Rule } from "../conformance/rule.ts";
import { CONSOLE_RULES } from "./rules/console_rules.ts";
import { CPU_RULES } from "./rules/cpu_rules.ts";
import { DEVICE_RULES } from "./rules/device_rules.ts";
import { EXEC_RULES } from "./rules/exec_rules.ts";
import { IMAGE_RULES } from "./rules/image_rules.ts";
import { JUMP_RULES } from "./rules/jump_rules.ts";
import { LOAD_RULES } from "./rules/load_rules.ts";
import { MEMORY_RULES } from "./rules/memory_rules.ts";
import { PAIR_RULES } from "./rules/pair_rules.ts";
import { POWER_RULES } from "./rules/power_rules.ts";
import { QUIESCE_RULES } from "./rules/quiesce_rules.ts";
import { SAVED_SET_RULES } from "./rules/saved_set_rules.ts";
import { STORAGE_RULES } from "./rules/storage_rules.ts";
import { TOOL_RULES } from "./rules/tool_rules.ts";

/** The rules, by ascending number. */
export const MAINLINE_RULES: readonly Rule[] = [
  ...EXEC_RULES,
  ...LOAD_RULES,
  ...JUMP_RULES,
  ...CPU_RULES,
  ...DEVICE_RULES,
  ...QUIESCE_RULES,
  ...CONSOLE_RULES,
  ...MEMORY_RULES,
  ...SAVED_SET_RULES,
  ...IMAGE_RULES,
  ...STORAGE_RULES,
  ...PAIR_RULES,
  ...POWER_RULES,
  ...TOOL_RULES,
].sort((left, right) => Number(left.id.slice(1)) - Number(right.id.slice(1)));
