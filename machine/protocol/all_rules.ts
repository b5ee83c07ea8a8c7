/**
 * All rules of protocol.md F.1, F01 to F104, by ascending number.
 *
 * @module
 */
import type { Rule } from "../conformance/rule.ts";
import { MAINLINE_RULES } from "./mainline_rules.ts";
import { ACPI_RULES } from "./rules/acpi_rules.ts";
import { COMMAND_RULES } from "./rules/command_rules.ts";
import { COPY_RULES } from "./rules/copy_rules.ts";
import { FREEZER_RULES } from "./rules/freezer_rules.ts";
import { HEADER_RULES } from "./rules/header_rules.ts";
import { IMAGE_DEVICE_RULES } from "./rules/image_device_rules.ts";
import { IMAGE_END_RULES } from "./rules/image_end_rules.ts";
import { KIMGCORE_RULES } from "./rules/kimgcore_rules.ts";
import { KIMGCORE_USE_RULES } from "./rules/kimgcore_use_rules.ts";
import { LOADER_RULES } from "./rules/loader_rules.ts";
import { RESTORER_RULES } from "./rules/restorer_rules.ts";
import { RFC_RULES } from "./rules/rfc_rules.ts";

/** The rules, by ascending number. */
export const ALL_RULES: readonly Rule[] = [
  ...MAINLINE_RULES,
  ...RFC_RULES,
  ...KIMGCORE_RULES,
  ...KIMGCORE_USE_RULES,
  ...FREEZER_RULES,
  ...IMAGE_END_RULES,
  ...IMAGE_DEVICE_RULES,
  ...HEADER_RULES,
  ...LOADER_RULES,
  ...RESTORER_RULES,
  ...ACPI_RULES,
  ...COMMAND_RULES,
  ...COPY_RULES,
].sort((left, right) => Number(left.id.slice(1)) - Number(right.id.slice(1)));
