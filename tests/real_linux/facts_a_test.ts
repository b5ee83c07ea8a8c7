/**
 * Facts 1 to 13 of a real Linux 6.1: what `kexec_load`, `reboot` and the tool answer.
 */
import assert from "node:assert/strict";
import { errnoName } from "../../actors/kernel/errno.ts";
import { checkLoad } from "../../actors/kernel/load_checks.ts";
import { KEXEC_LOAD_PROCEDURES } from "../../actors/kernel/kexec_load.ts";
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { diskWith, runKernel } from "../actors/kernel_kit.ts";
import { UNTIL_LOCKED } from "../actors/second_loader.ts";
import { fieldsOf } from "../runs/run_kit.ts";
import { atShell, statuses } from "./at_shell.ts";
import { errnoRows, RAM_PAGES } from "./errno_rows.ts";
import { LOAD_B } from "./scenarios.ts";

/** Rows whose names fit; each must be answered here as it was there. */
function sameAnswers(names: RegExp, count: number): void {
  const rows = errnoRows(names);
  assert.equal(rows.length, count, rows.map(({ name }) => name).join());
  for (const { name, result, request } of rows) {
    assert.equal(errnoName(checkLoad(request)), errnoName(result), name);
  }
}

const MIB = 1024 ** 2;

const HELPER = "kexec --load-jump-back-helper --entry=0x12340c0";
const LOADED = "cat /sys/kernel/kexec_loaded";

Deno.test("fact 1: without CAP_SYS_BOOT, or once disabled, load and unload give EPERM before all else", () => {
  sameAnswers(/^(?:no_CAP_SYS_BOOT_(?:load|unload)|no_cap_and_nr17|uid1000_load)$/, 4);
  sameAnswers(/^kexec_load_disabled_(?:load|unload)$/, 2);
});

Deno.test("fact 1: kexec_load_disabled goes one way, and then neither load nor unload is heard", () => {
  const file = "/proc/sys/kernel/kexec_load_disabled";
  const run = atShell([`put 1 ${file}`, `put 0 ${file}`, `cat ${file}`, HELPER, "kexec -u"]);
  assert.deepEqual(statuses(run, "put"), [0, 1]);
  assert.ok(run.lines.includes("A: 1"));
  assert.ok(run.lines.some((line) => line.includes("Invalid argument")), run.lines.join("\n"));
  const results = ["load", "unload"].flatMap((name) =>
    fieldsOf(run, name, "A").map(({ result }) => result)
  );
  assert.deepEqual(results, [-1, -1]);
});

Deno.test("fact 2: an unknown flag, over 16 segments, another machine's image give EINVAL", () => {
  sameAnswers(/^(?:unknown_flag.*|nr(?:16|17|32)|nr17_bad_arch|wrong_arch_i386)$/, 7);
  sameAnswers(/^valid_one_page_arch_default$/, 1);
});

Deno.test("fact 4: segments off page boundaries or beyond 64 TiB give EADDRNOTAVAIL, before overlap", () => {
  const names = /^(?:mem_unaligned|memsz_unaligned|mem_wraps|mem_beyond_limit.*|mem_64TiB)$/;
  sameAnswers(names, 5);
  sameAnswers(/^(?:mem_end_eq_64TiB|overlap_and_unaligned)$/, 2);
});

Deno.test("fact 5: overlapping segments, and a buffer larger than its segment, give EINVAL", () => {
  sameAnswers(/^(?:overlap_two|identical_two|adjacent_two|bufsz_gt_memsz)$/, 4);
});

Deno.test("fact 6: empty segments, an entry outside, destinations that are no RAM are taken", () => {
  const names =
    /^(?:zero_memsz|bufsz0_memsz_page|entry_not_in_any_segment|mem_(?:beyond_ram|page0|reserved).*)$/;
  sameAnswers(names, 6);
  assert.ok(errnoRows(names).every(({ result }) => result === 0));
});

Deno.test("fact 7: a crash image without a reservation, or outside it, gives EADDRNOTAVAIL", () => {
  sameAnswers(/^crash_(?:no_reservation_or_outside|preserve|unload)$/, 3);
  const crash = { start: 0x800_0000, end: 0x900_0000 };
  const outside = errnoRows(/^crash_(?:no_reservation_or_outside|preserve)$/, "kx_crashkernel");
  assert.equal(outside.length, 2);
  for (const { name, result, request } of outside) {
    assert.equal(errnoName(checkLoad({ ...request, crash })), errnoName(result), name);
  }
});

Deno.test("fact 8: a segment, or all of them, of over half of RAM give EINVAL; half is taken", () => {
  sameAnswers(/^(?:one_seg_half_plus_1page|one_seg_exactly_half|two_segs_sum_over_half)$/, 3);
  const [half] = errnoRows(/^one_seg_exactly_half$/);
  const pages = (half?.request.segments[0]?.memsz ?? 0) / 4096;
  assert.equal(pages * 2, RAM_PAGES);
});

Deno.test("fact 9: of two loaders at a time one gets EBUSY; an unload with nothing loaded succeeds", () => {
  const [both] = errnoRows(/^two_threads/);
  assert.ok(Number(both?.detail["ok"]) > 0 && Number(both?.detail["ebusy"]) > 0);
  assert.equal(Number(both?.detail["other"]), 0);
  const segment = { mem: 0x200_0000, memsz: 0x10_0000, bufsz: 0, buffer: [] };
  const none = { segments: [], entry: 0, flags: 0 };
  const run = runKernel({
    medium: diskWith([{ mib: 4, files: [] }]),
    ramBytes: 64 * MIB,
    calls: [["sys_kexec_load", none], ["sys_kexec_load", { ...none, segments: [segment] }]],
    beside: [["test_until_locked"]],
    procedures: [...KEXEC_LOAD_PROCEDURES, UNTIL_LOCKED],
    free: [{ pfn: 256, count: 63 * 256 }],
    state: { profile: "6.1", map: [{ start: MIB, length: 63 * MIB, type: E820_TYPE.ram }] },
  });
  assert.deepEqual([run.results, run.beside], [[0, 0], [-16]]);
});

Deno.test("fact 10: a load that fails leaves what is loaded; kexec_loaded shows it", () => {
  const [failed] = errnoRows(/^failed_load_keeps_old_image$/);
  assert.equal(failed?.detail["kexec_loaded"], "1");
  const bad = "kexec --load-preserve-context /boot/none --mem-min=0x4000000 --mem-max=0x7ffffff";
  const run = atShell([LOADED, LOAD_B, LOADED, bad, LOADED, "kexec -u", LOADED]);
  assert.deepEqual(run.lines.filter((line) => /^A: [01]$/.test(line)), [
    "A: 0",
    "A: 1",
    "A: 1",
    "A: 0",
  ]);
  assert.equal(statuses(run, "kexec")[1] === 0, false);
});

Deno.test("fact 11: with nothing loaded reboot gives EINVAL, and the tool looks first and exits 1", () => {
  const rows = errnoRows(/^reboot_(?:kexec_nothing_loaded|kjump_to_2007_cmd)$/);
  assert.deepEqual(rows.map(({ result }) => errnoName(result)), ["EINVAL", "EINVAL"]);
  const run = atShell(["kexec -e", "reboot-call KEXEC", "reboot-call 0x3928A5FD"]);
  assert.ok(run.lines.includes("A: Nothing has been loaded!"));
  assert.deepEqual(statuses(run, "kexec"), [1]);
  assert.deepEqual(statuses(run, "reboot-call"), [1, 1]);
  const answers = run.lines.filter((line) => line === "A: reboot-call: Invalid argument");
  assert.equal(answers.length, 2);
  assert.equal(fieldsOf(run, "freeze").length, 0);
});

Deno.test("fact 12: the tool refuses a preserving load without --mem-max, too small a window, no entry", () => {
  const run = atShell([
    "kexec --load-preserve-context /boot/bzImage",
    "kexec --load-preserve-context /boot/bzImage --mem-min=0x100000 --mem-max=0x2fffff",
    "kexec --load-jump-back-helper",
  ]);
  assert.deepEqual(statuses(run, "kexec"), [1, 1, 255]);
  assert.ok(run.lines.some((line) => line.startsWith("A: Could not find a free area of memory")));
  assert.equal(fieldsOf(run, "load").length, 0);
});

Deno.test("fact 13: a preserving load is 8 segments that fill the window; the helper counts as loaded", () => {
  const run = atShell([LOAD_B, "kexec -u", HELPER, LOADED]);
  const [load, helper] = fieldsOf(run, "load");
  assert.equal(load?.["flags"], "0x2");
  const segments = String(load?.["list"]).split(",").map((text) => {
    const [mem = 0, memsz = 0] = (text.split("/")[0] ?? "").split("+").map((part) =>
      Number.parseInt(part, 16)
    );
    return { start: mem, end: mem + memsz };
  }).sort((left, right) => left.start - right.start);
  assert.equal(segments.length, 8);
  assert.equal(segments[0]?.start, 0x400_0000);
  assert.equal(segments.at(-1)?.end, 0x800_0000);
  segments.slice(1).forEach(({ start }, index) => assert.equal(start, segments[index]?.end));
  assert.equal(helper?.["result"], 0);
  assert.equal(run.lines.at(-1), "A: 1");
});
