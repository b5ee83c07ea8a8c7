/**
 * Every behaviour and every procedure of this house, in one registry: what a transport is given,
 * inline or in a worker.
 *
 * @module
 */
import { type Registry, registryOf } from "../machine/actor.ts";
import { cpu } from "./cpu/cpu.ts";
import { HARDWARE_BEHAVIOURS } from "./hardware.ts";
import { BLOCK_DEVICE_PROCEDURES } from "./kernel/block_devices.ts";
import { ACPI_SLEEP_PROCEDURES } from "./kernel/acpi_sleep_enter.ts";
import { BOOT_PROCEDURES } from "./kernel/boot.ts";
import { BUFFER_CACHE_PROCEDURES } from "./kernel/buffer_cache.ts";
import { DEVICE_PROCEDURES } from "./kernel/device_model.ts";
import { FILE_CONTENT_PROCEDURES } from "./kernel/file_content.ts";
import { FILE_COPY_PROCEDURES } from "./kernel/file_copy.ts";
import { FILE_TRANSFER_PROCEDURES } from "./kernel/file_transfer.ts";
import { FILESYSTEM_PROCEDURES } from "./kernel/filesystem.ts";
import { FILESYSTEM_OPERATION_PROCEDURES } from "./kernel/filesystem_operations.ts";
import { FREEZER_PROCEDURES } from "./kernel/freezer.ts";
import type { ProcedureTable } from "./kernel/interpreter.ts";
import { kernelBehaviour } from "./kernel/kernel.ts";
import { JUMP_BUFFER_PROCEDURES } from "./kernel/jump_buffer_reboot.ts";
import { KERNEL_KEXEC_PROCEDURES } from "./kernel/kernel_kexec.ts";
import { KEXEC_LOAD_PROCEDURES } from "./kernel/kexec_load.ts";
import { KIMGCORE_PROCEDURES } from "./kernel/kimgcore.ts";
import { MACHINE_KEXEC_PROCEDURES } from "./kernel/machine_kexec.ts";
import { OLD_MEMORY_PROCEDURES } from "./kernel/old_memory.ts";
import { POWER_PROCEDURES } from "./kernel/power.ts";
import type { Procedure } from "./kernel/procedure.ts";
import { MEMORY_FILE_PROCEDURES } from "./kernel/memory_files.ts";
import { PSEUDO_FILE_PROCEDURES } from "./kernel/pseudo_files.ts";
import { SHELL_PROCEDURES } from "./kernel/shell.ts";
import { SHELL_CALL_PROCEDURES } from "./kernel/shell_calls.ts";
import { SHELL_FILE_PROCEDURES } from "./kernel/shell_files.ts";
import { SMALL_FILE_PROCEDURES } from "./kernel/small_files.ts";
import { HIBERNATION_PROCEDURES } from "./kernel/swsusp_procedures.ts";
import { SWSUSP_IO_PROCEDURES } from "./kernel/swsusp_io.ts";
import { TMPFS_PROCEDURES } from "./kernel/tmpfs.ts";
import { TUXONICE_PROCEDURES } from "./kernel/tuxonice.ts";
import { TUXONICE_COPY_PROCEDURES } from "./kernel/tuxonice_copy.ts";
import { TUXONICE_RESUME_PROCEDURES } from "./kernel/tuxonice_resume.ts";
import { TUXONICE_SET_PROCEDURES } from "./kernel/tuxonice_sets.ts";
import { TUXONICE_STORAGE_PROCEDURES } from "./kernel/tuxonice_storage.ts";
import { V7_PROCEDURES } from "./kernel/v7_kernel_kexec.ts";
import { VMCORE_PROCEDURES } from "./kernel/vmcore.ts";
import { WORKLOAD_PROCEDURES } from "./kernel/workload.ts";
import { liveOperator } from "./live_operator.ts";
import { operator } from "./operator.ts";
import { KEXEC_PROCEDURES } from "./programs/kexec.ts";
import { JUMP_BACK_PROCEDURES } from "./programs/kexec_jump_back.ts";
import { PROGRAM_PROCEDURES } from "./programs/programs.ts";
import { physicalMode } from "./programs/physical_mode.ts";
import { purgatory } from "./programs/purgatory.ts";

/** All procedures of kernels and programs. */
export const PROCEDURES: readonly Procedure[] = [
  ...BLOCK_DEVICE_PROCEDURES,
  ...ACPI_SLEEP_PROCEDURES,
  ...BOOT_PROCEDURES,
  ...BUFFER_CACHE_PROCEDURES,
  ...DEVICE_PROCEDURES,
  ...FILE_CONTENT_PROCEDURES,
  ...FILE_COPY_PROCEDURES,
  ...FILE_TRANSFER_PROCEDURES,
  ...FILESYSTEM_PROCEDURES,
  ...FILESYSTEM_OPERATION_PROCEDURES,
  ...FREEZER_PROCEDURES,
  ...JUMP_BUFFER_PROCEDURES,
  ...KERNEL_KEXEC_PROCEDURES,
  ...KEXEC_LOAD_PROCEDURES,
  ...KIMGCORE_PROCEDURES,
  ...MACHINE_KEXEC_PROCEDURES,
  ...OLD_MEMORY_PROCEDURES,
  ...POWER_PROCEDURES,
  ...PSEUDO_FILE_PROCEDURES,
  ...MEMORY_FILE_PROCEDURES,
  ...SHELL_PROCEDURES,
  ...SHELL_CALL_PROCEDURES,
  ...SHELL_FILE_PROCEDURES,
  ...SMALL_FILE_PROCEDURES,
  ...HIBERNATION_PROCEDURES,
  ...SWSUSP_IO_PROCEDURES,
  ...TMPFS_PROCEDURES,
  ...TUXONICE_COPY_PROCEDURES,
  ...TUXONICE_PROCEDURES,
  ...TUXONICE_RESUME_PROCEDURES,
  ...TUXONICE_SET_PROCEDURES,
  ...TUXONICE_STORAGE_PROCEDURES,
  ...V7_PROCEDURES,
  ...VMCORE_PROCEDURES,
  ...WORKLOAD_PROCEDURES,
  ...KEXEC_PROCEDURES,
  ...JUMP_BACK_PROCEDURES,
  ...PROGRAM_PROCEDURES,
];

/** A table of procedures; a name that comes twice is a mistake of the house. */
export function procedureTable(procedures: readonly Procedure[]): ProcedureTable {
  const table = new Map<string, Procedure>();
  for (const procedure of procedures) {
    if (table.has(procedure.name)) throw new Error(`Procedure '${procedure.name}' twice`);
    table.set(procedure.name, procedure);
  }
  return table;
}

/** Behaviours by kind. */
export const REGISTRY: Registry = registryOf([
  ...HARDWARE_BEHAVIOURS,
  cpu,
  operator,
  liveOperator,
  physicalMode,
  purgatory,
  kernelBehaviour(procedureTable(PROCEDURES)),
]);
