import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { COMMAND_LINE_BYTES } from "../../machine/formats/boot_params.ts";
import { addBackup, backupStart, crashMemmap } from "../../actors/programs/kexec_crash.ts";
import { backupAddress } from "../../actors/kernel/jump_buffer_reboot.ts";

const MIB = 1024 ** 2;
const REGION = { start: 32 * MIB, end: 48 * MIB };

Deno.test("addBackup appends the address in KiB behind all else (B.1.1 step 2)", () => {
  const line = "root=/dev/hdb memmap=exactmap elfcorehdr=48496K";
  deepStrictEqual(addBackup(line, backupStart(REGION)), {
    kind: "added",
    line: `${line} kexec_backup=48512K`,
  });
});

Deno.test("addBackup of an address that is no KiB gives nothing: the parameter is missing", () => {
  for (const address of [1, 512, 48512 * 1024 + 1]) {
    deepStrictEqual(addBackup("quiet", address), { kind: "unaligned" });
  }
});

Deno.test("addBackup overflows at the last byte of the command line", () => {
  const added = " kexec_backup=48512K".length;
  const fits = "x".repeat(COMMAND_LINE_BYTES - 1 - added);
  strictEqual(addBackup(fits, backupStart(REGION)).kind, "added");
  strictEqual(addBackup(`${fits}x`, backupStart(REGION)).kind, "overflow");
});

Deno.test("crashMemmap gives the region without what is to stay in it", () => {
  const low = { start: 0, end: 640 * 1024 };
  const kept = [{ start: 47 * MIB, end: 48 * MIB }, { start: 40 * MIB, end: 41 * MIB }];
  deepStrictEqual(crashMemmap(REGION, kept, low), [
    "memmap=exactmap",
    "memmap=640K@0K",
    "memmap=8192K@32768K",
    "memmap=6144K@41984K",
  ]);
  deepStrictEqual(crashMemmap(REGION, [], low).at(-1), "memmap=16384K@32768K");
});

Deno.test("backupAddress reads what addBackup wrote, and nothing else", () => {
  strictEqual(backupAddress("quiet kexec_backup=48512K single"), 48512 * 1024);
  for (const line of ["quiet", "kexec_backup=", "kexec_backup=here", "kexec_backup=1K"]) {
    strictEqual(backupAddress(line), undefined, line);
  }
});
