/**
 * The bad traces: for each rule a good story with one thing wrong. `also` names the rules that
 * the same wrong necessarily breaks too; all others must hold or stay vacuous.
 *
 * @module
 */
import {
  type EventTest,
  isFact,
  type NewEvent,
  nth,
} from "../../../machine/conformance/mutation.ts";
import type { FactName } from "../../../machine/protocol/facts.ts";
import {
  after,
  all,
  bad,
  type BadTrace,
  before,
  blob,
  drop,
  fact,
  type Fields,
  move,
  resumeTwice,
  set,
} from "./bad_kit.ts";
import { BAD_SYSTEMS } from "./bad_systems.ts";
import { ENTRY_A, RAM, sums } from "./story.ts";

const first = (name: FactName, fields: Fields = {}): EventTest => nth(isFact(name, fields), 0);
const RETURN = () => first("frames", { when: "return" });
const OVERLAP = "0x100000+0x2000/0x0,0x101000+0x1000/0x0";
const OVER_HALF = "0x0+0x101000/0x0,0x102000+0x1000/0x0";
const CMDLINE = `elfcorehdr=900K kexec_jump_back_entry=${ENTRY_A}`;
const mountBy = (k: string, fs: string): NewEvent =>
  fact("mount", { k, fs, read_only: true, clean: false, mounts: 4 });

function loading(): BadTrace[] {
  return [
    bad(
      "F01",
      "image_unloaded",
      "jump",
      after(
        first("exec_done", { k: "A", result: 0 }),
        fact("unload", { k: "A", slot: "default", result: 0 }),
      ),
    ),
    bad("F03", "nothing_executed", "jump", set(first("exec_done", { result: -22 }), { result: 0 })),
    bad(
      "F04",
      "two_holders",
      "jump",
      after(
        first("lock", { holder: "load", op: "take" }),
        fact("lock", { k: "A", holder: "crash", op: "take", result: 0 }),
      ),
    ),
    bad("F05", "refused_but_done", "jump", set(first("exec_done", { result: -16 }), { result: 0 })),
    bad("F14", "wrong_errno", "jump", set(first("load", { flags: "0x8" }), { result: -1 })),
    bad(
      "F15",
      "seventeen_segments",
      "jump",
      set(
        first("load", { segments: 17, result: -22 }),
        { result: 0 },
      ),
      "F14",
    ),
    bad(
      "F16",
      "overlap_accepted",
      "jump",
      set(first("load", { list: OVERLAP }), { result: 0 }),
      "F14",
    ),
    bad(
      "F17",
      "over_half_accepted",
      "jump",
      set(
        first("load", { list: OVER_HALF }),
        { result: 0 },
      ),
      "F14",
    ),
  ];
}

function keeping(): BadTrace[] {
  const exec = () => first("exec", { loaded: true });
  return [
    bad(
      "F19",
      "image_lost_by_failed_load",
      "jump",
      all(
        before(exec(), fact("exec", { k: "A", loaded: false, preserve: false, start: "0x0" })),
        before(exec(), fact("exec_done", { k: "A", result: -22 })),
      ),
      "F01",
    ),
    bad("F20", "empty_unload_fails", "jump", set(first("unload"), { result: -22 })),
    bad(
      "F21",
      "control_page_in_window",
      "jump",
      set(
        first("kimage", { k: "A" }),
        { control: "105+1" },
      ),
    ),
  ];
}

function jumping(): BadTrace[] {
  return [
    bad("F22", "swapped_once", "jump", drop(nth(isFact("swap", { k: "A" }), 1))),
    bad("F25", "wrong_entry", "jump", set(first("jump", { to: "A" }), { entry: "0x1300ff" })),
    bad(
      "F26",
      "start_not_the_word",
      "jump",
      set(
        first("image_start", { k: "A" }),
        { start: "0x105000" },
      ),
    ),
    bad(
      "F27",
      "executed_without_entry",
      "physical",
      after(
        first("tool", { arguments: "-e" }),
        fact("exec", { k: "A", loaded: true, preserve: true, start: "0x6c6f6c" }),
      ),
    ),
    bad(
      "F28",
      "word_of_plain_jump",
      "hibernate",
      all(
        set(first("jump", { from: "C" }), { word: "0x130000" }),
        set(first("resumed", { k: "A" }), { peer: "0x130000" }),
        set(first("image_start", { k: "A" }), { start: "0x130000" }),
      ),
    ),
    bad(
      "F29",
      "no_entry_on_command_line",
      "hibernate",
      set(
        first("boot", { k: "B" }),
        { cmdline: "memmap=exactmap elfcorehdr=900K" },
      ),
    ),
    bad(
      "F93",
      "booted_again",
      "jump",
      after(
        nth(isFact("jump", { to: "B" }), 1),
        fact("boot", { k: "B", release: "2.6.27", ranges: RAM, cmdline: CMDLINE }),
      ),
      "F01",
    ),
    bad(
      "F94",
      "delivered_while_away",
      "jump",
      before(
        first("jump", { to: "A" }),
        { kind: "deliver", actor: "A", type: "disk.write_done" },
      ),
    ),
    bad("F95", "wall_clock_back", "hibernate", set(first("clock", { op: "enter" }), { real: 1 })),
  ];
}

function cpu(): BadTrace[] {
  return [
    bad("F30", "other_cpu_state", "jump", set(first("restore", { k: "A" }), { digest: "cpu-B" })),
    bad("F31", "cpu_state_not_saved", "jump", drop(first("save", { k: "A" }))),
    bad("F32", "interrupts_on", "jump", drop(first("interrupts", { k: "A", enabled: false }))),
    bad("F33", "two_cpus", "jump", drop(first("cpus", { k: "A", online: "0" }))),
    bad("F96", "symmetric_interrupts", "jump", drop(first("ioapic", { k: "A", mode: "legacy" }))),
    bad(
      "F97",
      "allocation_too_late",
      "jump",
      after(
        first("point_of_no_return", { k: "A" }),
        fact("allocate", { k: "A", pages: 1 }),
      ),
    ),
  ];
}

function devices(): BadTrace[] {
  return [
    bad(
      "F34",
      "system_devices_first",
      "hibernate",
      move(
        first("syscore", { k: "A", op: "suspend" }),
        "before",
        first("phase", { k: "A", name: "freeze_noirq" }),
      ),
    ),
    bad(
      "F35",
      "devices_before_system",
      "hibernate",
      move(
        first("syscore", { k: "A", op: "resume" }),
        "after",
        first("phase", { k: "A", name: "restore_noirq" }),
      ),
    ),
    bad(
      "F36",
      "parent_frozen_first",
      "hibernate",
      move(
        first("phase", { device: "pci", name: "freeze" }),
        "before",
        first("phase", { device: "ide", name: "freeze" }),
      ),
    ),
    bad(
      "F37",
      "transfer_while_quiet",
      "hibernate",
      before(
        first("jump", { from: "A" }),
        fact("dma", { k: "A", device: "ide" }),
      ),
    ),
    bad(
      "F38",
      "low_power",
      "hibernate",
      set(
        first("phase", { name: "freeze_late" }),
        { powered: false },
      ),
    ),
  ];
}

function unwinding(): BadTrace[] {
  return [
    bad(
      "F39",
      "thaw_for_restore",
      "hibernate",
      set(
        first("phase", { name: "restore_early" }),
        { message: "THAW" },
      ),
    ),
    bad("F40", "left_frozen", "jump", drop(first("phase", { name: "restore" }))),
    bad(
      "F41",
      "freeze_failure_errno",
      "jump",
      set(
        nth(isFact("exec_done", { result: -16 }), 1),
        { result: -11 },
      ),
    ),
    bad(
      "F45",
      "console_late",
      "hibernate",
      move(
        first("console", { op: "prepare" }),
        "after",
        first("freeze"),
      ),
    ),
    bad("F87", "off_by_s4", "hibernate", set(first("power", { op: "off" }), { state: "S4" })),
  ];
}

function memory(): BadTrace[] {
  const page = () => first("image", { op: "page" });
  return [
    bad("F23", "page_changed", "hibernate", blob(sums(7, [0x1f3]), RETURN())),
    bad(
      "F24",
      "write_outside_window",
      "jump",
      set(
        first("memory_write"),
        { runs: "0+a0,100+12,115+1" },
      ),
    ),
    bad("F46", "page_not_saved", "hibernate", set(page(), { runs: "113+ed" })),
    bad("F47", "user_page_filtered", "filtered", set(page(), { runs: "113+cd,1f0+10" }), "F46"),
    bad("F49", "window_shown", "hibernate", set(first("vmcore"), { ranges: "0x100000-0x200000" })),
    bad("F50", "source_page_not_saved", "hibernate", set(page(), { runs: "112+e,121+df" })),
    bad("F78", "low_memory_changed", "hibernate", blob(sums(7, [0x50]), RETURN()), "F23"),
  ];
}

function images(): BadTrace[] {
  const flushes = isFact("flush", { k: "B" });
  let flush = 0;
  return [
    bad(
      "F51",
      "page_after_commit",
      "hibernate",
      after(
        first("image", { op: "commit" }),
        fact("image", { k: "B", op: "page", id: "dump-1", of: "A", runs: "112+1" }),
      ),
    ),
    bad(
      "F52",
      "commit_before_flush",
      "hibernate",
      drop((event, index) => flushes(event, index) && flush++ < 2),
    ),
    bad("F53", "off_without_commit", "hibernate", drop(first("image", { op: "commit" }))),
    bad(
      "F58",
      "mounted_by_another",
      "hibernate",
      before(
        first("image", { op: "load" }),
        mountBy("C", "hda2"),
      ),
    ),
    bad(
      "F59",
      "mounted_before_the_look",
      "hibernate",
      before(
        first("image", { op: "check" }),
        mountBy("C", "hda4"),
      ),
    ),
    bad("F60", "still_valid", "hibernate", drop(first("image", { op: "invalidate" }))),
    bad("F61", "entered_twice", "hibernate", resumeTwice),
    bad(
      "F100",
      "mixture",
      "power_loss",
      before(
        first("image", { op: "load" }),
        mountBy("C", "hda2"),
      ),
      "F58",
    ),
  ];
}

function tools(): BadTrace[] {
  return [
    bad(
      "F101",
      "entered_all_the_same",
      "wrong_digest",
      before(
        first("power", { op: "reset" }),
        fact("boot", { k: "B", release: "2.6.27", ranges: RAM, cmdline: CMDLINE }),
      ),
    ),
    bad(
      "F102",
      "helper_without_entry",
      "jump",
      set(
        first("tool", { k: "B", status: 1 }),
        { status: 0 },
      ),
    ),
    bad("F103", "no_range_given", "jump", set(first("tool", { k: "A", status: 1 }), { status: 0 })),
  ];
}

/** One bad trace for each rule. */
export const BAD: readonly BadTrace[] = [
  ...loading(),
  ...keeping(),
  ...jumping(),
  ...cpu(),
  ...devices(),
  ...unwinding(),
  ...memory(),
  ...images(),
  ...tools(),
  ...BAD_SYSTEMS,
];
