/**
 * A passage for every rule: what the reference says about it, what goes wrong in a machine that
 * breaks it, and which system does. The files go by subject, as those of the rules do.
 *
 * @module
 */
import { ACPI_PASSAGES } from "./acpi_passages.ts";
import { COMMAND_PASSAGES } from "./command_passages.ts";
import { COPY_PASSAGES } from "./copy_passages.ts";
import { CPU_PASSAGES } from "./cpu_passages.ts";
import { DEVICE_PASSAGES } from "./device_passages.ts";
import { EXEC_PASSAGES } from "./exec_passages.ts";
import { FREEZER_PASSAGES } from "./freezer_passages.ts";
import { HEADER_PASSAGES } from "./header_passages.ts";
import { IMAGE_PASSAGES } from "./image_passages.ts";
import { JUMP_PASSAGES } from "./jump_passages.ts";
import { KIMGCORE_PASSAGES } from "./kimgcore_passages.ts";
import { LOAD_PASSAGES } from "./load_passages.ts";
import { LOADER_PASSAGES } from "./loader_passages.ts";
import { MEMORY_PASSAGES } from "./memory_passages.ts";
import { PLACE_PASSAGES } from "./place_passages.ts";
import { RESTORER_PASSAGES } from "./restorer_passages.ts";
import { RFC_PASSAGES } from "./rfc_passages.ts";
import { SAVED_SET_PASSAGES } from "./saved_set_passages.ts";
import { TURNS_PASSAGES } from "./turns_passages.ts";
import type { Passages } from "./passage.ts";

/** The files' tables, each rule in one of them. */
export const PASSAGE_TABLES: readonly Passages[] = [
  EXEC_PASSAGES,
  LOAD_PASSAGES,
  JUMP_PASSAGES,
  CPU_PASSAGES,
  DEVICE_PASSAGES,
  MEMORY_PASSAGES,
  SAVED_SET_PASSAGES,
  IMAGE_PASSAGES,
  PLACE_PASSAGES,
  TURNS_PASSAGES,
  RFC_PASSAGES,
  KIMGCORE_PASSAGES,
  FREEZER_PASSAGES,
  HEADER_PASSAGES,
  LOADER_PASSAGES,
  RESTORER_PASSAGES,
  ACPI_PASSAGES,
  COMMAND_PASSAGES,
  COPY_PASSAGES,
];

const BY_RULE: ReadonlyMap<string, string> = new Map(
  PASSAGE_TABLES.flatMap((table) => Object.entries(table)),
);

/**
 * The passage of a rule.
 *
 * @throws {RangeError} if there is no such rule.
 */
export function passageOf(rule: string): string {
  const passage = BY_RULE.get(rule);
  if (passage === undefined) throw new RangeError(`Unknown rule '${rule}'`);
  return passage;
}
