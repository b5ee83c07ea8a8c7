/**
 * The bad traces of the systems besides mainline jump, each a good story with one thing wrong.
 *
 * @module
 */
import { type EventTest, isFact, nth } from "../../../machine/conformance/mutation.ts";
import type { FactName } from "../../../machine/protocol/facts.ts";
import {
  after,
  bad,
  type BadTrace,
  before,
  blob,
  drop,
  fact,
  type Fields,
  move,
  set,
} from "./bad_kit.ts";
import { sums } from "./story.ts";

const at = (index: number, name: FactName, fields: Fields = {}): EventTest =>
  nth(isFact(name, fields), index);
const first = (name: FactName, fields: Fields = {}): EventTest => at(0, name, fields);

function rfc(): BadTrace[] {
  return [
    bad("F02", "jumps_all_the_same", "rfc", set(first("loaded_check"), { value: 1 })),
    bad(
      "F18",
      "entry_outside",
      "rfc",
      set(first("load", { slot: "crash", result: 0 }), { entry: "0x101000" }),
    ),
    bad("F48", "free_pages_left_out", "rfc", set(first("image", { op: "page" }), { runs: "0+a0" })),
    bad("F79", "buffer_not_restored", "rfc", drop(first("jump_buffer", { op: "write" }))),
    bad(
      "F88",
      "acpi_on",
      "rfc",
      set(first("boot", { k: "B" }), { cmdline: "root=/dev/hdb single kexec_backup=1600K" }),
    ),
    bad(
      "F76",
      "restorer_too_big",
      "rfc",
      set(first("boot", { k: "D" }), { ranges: "0x0-0xa0000,0x180000-0x1c1000" }),
    ),
    bad(
      "F77",
      "page_not_in_image",
      "rfc",
      set(first("memory_write", { k: "D" }), { runs: "100+80,1c0+40,230+1" }),
    ),
    bad("F80", "narrow_image_read", "rfc", set(at(1, "image_ranges"), { class: "32" })),
  ];
}

function kimgcore(): BadTrace[] {
  const open = (result: number) => first("kimgcore", { op: "open", result });
  const release = () => first("lock", { holder: "kimgcore", op: "release" });
  return [
    bad("F06", "lock_kept", "kimgcore", drop(release()), "F04"),
    bad(
      "F07",
      "freed_twice",
      "kimgcore",
      after(
        at(1, "lock", { holder: "kimgcore", op: "release" }),
        fact("lock", { k: "A", holder: "kimgcore", op: "release", result: 0 }),
      ),
    ),
    bad("F08", "image_before_lock", "kimgcore", set(open(-16), { result: -12 })),
    bad("F09", "wrong_length", "kimgcore", set(open(0), { size: 4096 * 200 })),
    bad("F10", "entry_not_start", "kimgcore", set(open(0), { entry: "0x101000" })),
    bad(
      "F11",
      "other_window",
      "kimgcore",
      blob(sums(7), first("frames", { k: "A", when: "return" })),
    ),
    bad(
      "F12",
      "boots_again",
      "kimgcore",
      before(
        first("resumed", { k: "B" }),
        fact("boot", {
          ...{ k: "B", release: "2.6.24", ranges: "0x0-0xa0000,0x100000-0x112000" },
          cmdline: "kexec_jump_back_entry=0x1300fb",
        }),
      ),
    ),
    bad(
      "F13",
      "other_hardware",
      "kimgcore",
      set(first("hardware", { at: "use" }), { signature: "0x7" }),
    ),
  ];
}

function commands(): BadTrace[] {
  const stop = (chain: string) => first("notifier", { chain, returned: "stop" });
  return [
    bad("F57", "mounted_by_saved", "kimgcore", set(first("mount"), { fs: "hda7" })),
    bad(
      "F83",
      "method_between",
      "kimgcore",
      after(first("acpi", { method: "_GTS" }), fact("acpi", { k: "B", method: "_SST" })),
    ),
    bad(
      "F89",
      "called_after_stop",
      "kimgcore",
      after(
        stop("pre"),
        fact("notifier", {
          ...{ k: "A", chain: "pre", event: "0x6b630001", callback: "default" },
          ...{ returned: "done", result: 0 },
        }),
      ),
    ),
    bad(
      "F90",
      "other_command",
      "kimgcore",
      set(isFact("notifier", { chain: "post", event: "0x6b630001" }), { event: "0x6b630002" }),
    ),
    bad("F91", "methods_left_out", "kimgcore", drop(first("acpi", { method: "_PTS" })), "F81"),
    bad(
      "F92",
      "typed_to",
      "kimgcore",
      after(first("boot", { k: "C" }), { kind: "deliver", actor: "C", type: "console.line" }),
    ),
  ];
}

function tasks(): BadTrace[] {
  return [
    bad(
      "F42",
      "threads_first",
      "swsusp",
      move(
        first("freeze", { k: "A", what: "kthreads" }),
        "before",
        first("freeze", { k: "A", what: "user" }),
      ),
    ),
    bad("F43", "not_synced", "swsusp", drop(first("sync"))),
    bad("F44", "never_told", "swsusp", drop(first("notifier", { event: "PM_POST_HIBERNATION" }))),
    bad("F54", "blocks_kept", "swsusp_failures", drop(first("swap_area", { op: "free" }))),
    bad("F55", "goes_on", "swsusp_failures", drop(first("image", { op: "invalidate" }))),
    bad("F56", "no_swap", "swsusp", set(first("image_device"), { signature: "ext2" })),
    bad(
      "F62",
      "read_all_the_same",
      "swsusp_noresume",
      set(first("resume_attempt"), { read: true }),
    ),
  ];
}

function headers(): BadTrace[] {
  const check = (what: string) => first("header_check", { what });
  const none = { result: 0 };
  return [
    bad("F63", "no_signature", "swsusp_refusals", set(check("signature"), none)),
    bad(
      "F64",
      "compared_too_late",
      "swsusp",
      move(check("memory"), "after", first("loader_pages")),
    ),
    bad("F65", "wrong_control", "swsusp_refusals", set(check("control"), none)),
    bad("F66", "record_cut", "swsusp_failures", set(first("header_save", { room: 8 }), none)),
    bad("F67", "version_refused", "swsusp", set(check("version"), { result: -1 })),
    bad("F68", "other_map", "swsusp_refusals", set(check("e820"), none)),
    bad("F69", "other_hardware", "swsusp_refusals", set(check("hardware"), none)),
    bad("F70", "wrong_sum", "swsusp_sum", set(check("crc"), none)),
  ];
}

function loader(): BadTrace[] {
  return [
    bad("F71", "over_own_code", "swsusp", set(first("loader_pages"), { safe: "17f+20" })),
    bad("F72", "code_not_last", "swsusp", set(first("final_copy"), { last: "0x121" })),
    bad("F73", "no_temporary_tables", "swsusp", drop(first("page_tables", { which: "temporary" }))),
    bad(
      "F74",
      "flag_kept",
      "swsusp",
      set(first("in_suspend", { at: "second return" }), { value: 1 }),
    ),
    bad(
      "F75",
      "other_value",
      "swsusp",
      set(first("in_suspend", { at: "second return" }), { returned: 1 }),
    ),
    bad("F86", "storage_written", "swsusp", set(first("loader_pages"), { safe: "170+20,200+1" })),
    bad("F98", "over_half", "swsusp", set(first("preallocate"), { usable: 1500 })),
    bad(
      "F99",
      "synced",
      "tuxonice",
      after(first("pageset", { set: "1", op: "copy" }), fact("sync", { k: "A" })),
    ),
    bad(
      "F104",
      "device_not_reset",
      "swsusp",
      drop(isFact("phase", { k: "A", device: "ide", message: "RESTORE" })),
    ),
  ];
}

function sleep(): BadTrace[] {
  return [
    bad("F81", "not_prepared", "swsusp", drop(at(1, "acpi", { method: "_PTS" }))),
    bad(
      "F82",
      "woken_by_the_boot_kernel",
      "swsusp",
      after(
        first("boot", { k: "C" }),
        fact("acpi", { k: "C", method: "_WAK", argument: 4 }),
      ),
    ),
    bad("F84", "one_write", "swsusp", drop(first("acpi", { value: "0x1400" }))),
    bad("F85", "storage_not_restored", "swsusp", drop(at(1, "restore", { what: "nvs" }))),
  ];
}

/** One bad trace for each rule that does not apply to mainline jump. */
export const BAD_SYSTEMS: readonly BadTrace[] = [
  ...rfc(),
  ...kimgcore(),
  ...commands(),
  ...tasks(),
  ...headers(),
  ...loader(),
  ...sleep(),
];
