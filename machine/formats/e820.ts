/**
 * The memory map: one door to the table, the command line's changes and the /proc/iomem text.
 *
 * @module
 */
export * from "./e820_table.ts";
export * from "./e820_memmap.ts";
export * from "./e820_iomem.ts";
