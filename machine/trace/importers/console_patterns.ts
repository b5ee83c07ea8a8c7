/**
 * Lines that a Linux kernel prints on its way into and out of hibernation, as a table: how a line
 * begins, what the rest must look like, what it is called and what its parts are.
 *
 * The names are those of the recordings this house is held against. A line that no entry fits is
 * of no interest; a new kernel with other words needs new entries here and nothing else.
 *
 * @module
 */

/** One kind of line. */
interface Entry {
  readonly prefix: string;
  readonly event: string;
  /** Must fit the text behind the prefix; its named groups are the parts. */
  readonly rest?: RegExp;
}

const HIBERNATION = "PM: hibernation: ";

const ENTRIES: readonly Entry[] = [
  { prefix: "Linux version ", event: "kernel_start", rest: /^(?<version>\S+)/ },
  { prefix: "Command line: ", event: "kernel_cmdline", rest: /^(?<cmdline>.*)$/ },
  { prefix: "BIOS-e820: ", event: "e820_range", rest: /^\[mem (?<range>\S+)\] (?<type>.*)$/ },
  { prefix: "user: ", event: "user_memory_map", rest: /^\[mem (?<range>\S+)\] (?<type>.*)$/ },
  { prefix: "last_pfn = ", event: "last_pfn", rest: /^(?<pfn>0x[0-9a-f]+)/ },
  { prefix: "smp: Brought up ", event: "cpus_at_boot", rest: /, (?<cpus>\d+) CPUs?$/ },
  { prefix: "Run ", event: "userspace_exec_init", rest: /^(?<path>\/\S+) as init process$/ },
  {
    prefix: "initcall vmcore_init",
    event: "vmcore_init_returned",
    rest: / returned (?<ret>-?\d+)/,
  },
  { prefix: "Warning: Zero PT_NOTE", event: "vmcore_zero_pt_note" },
  { prefix: "Kdump: vmcore not initialized", event: "vmcore_not_initialized" },
  { prefix: "calling  software_resume", event: "software_resume_called" },
  {
    prefix: "initcall software_resume",
    event: "software_resume_returned",
    rest: / returned (?<ret>-?\d+)/,
  },
  {
    prefix: `${HIBERNATION}Registered nosave memory: `,
    event: "nosave_region_registered",
    rest: /^\[mem (?<range>\S+)\]/,
  },
  {
    prefix: `${HIBERNATION}Marking nosave pages: `,
    event: "nosave_pages_marked",
    rest: /^\[mem (?<range>\S+)\]/,
  },
  {
    prefix: `${HIBERNATION}Hibernation mode set to `,
    event: "hibernation_mode_set",
    rest: /^'(?<mode>\w+)'/,
  },
  { prefix: `${HIBERNATION}hibernation entry`, event: "hibernation_entry" },
  { prefix: `${HIBERNATION}hibernation exit`, event: "hibernation_exit" },
  // A level of pm_test was reached: what follows is the way back, and no image was made.
  { prefix: `${HIBERNATION}debug: Waiting for `, event: "pm_test_level_reached" },
  { prefix: `${HIBERNATION}Basic memory bitmaps created`, event: "memory_bitmaps_created" },
  { prefix: `${HIBERNATION}Basic memory bitmaps freed`, event: "memory_bitmaps_freed" },
  { prefix: `${HIBERNATION}Preallocating image memory`, event: "image_memory_preallocate_begin" },
  {
    prefix: `${HIBERNATION}Allocated `,
    event: "image_memory_preallocated",
    rest: /^(?<pages>\d+) pages for snapshot/,
  },
  {
    prefix: `${HIBERNATION}Image allocation is `,
    event: "image_memory_short",
    rest: /^(?<pages>\d+) pages short/,
  },
  { prefix: `${HIBERNATION}Creating image:`, event: "image_create_begin" },
  {
    prefix: `${HIBERNATION}Need to copy `,
    event: "image_pages_to_copy",
    rest: /^(?<pages>\d+) pages/,
  },
  {
    prefix: `${HIBERNATION}Normal pages needed: `,
    event: "image_pages_available",
    rest: /^(?<needed>\d+) \+ (?<spare>\d+), available pages: (?<available>\d+)/,
  },
  {
    prefix: `${HIBERNATION}Image created (`,
    event: "image_created",
    rest: /^(?<pages>\d+) pages copied/,
  },
  { prefix: `${HIBERNATION}Writing hibernation image.`, event: "image_write_begin" },
  { prefix: `${HIBERNATION}Loading hibernation image.`, event: "image_read_begin" },
  { prefix: `${HIBERNATION}Looking for hibernation image.`, event: "resume_look_for_image" },
  {
    prefix: `${HIBERNATION}Checking hibernation image partition `,
    event: "resume_partition_check",
    rest: /^(?<device>\S+)/,
  },
  {
    prefix: `${HIBERNATION}Hibernation image partition `,
    event: "resume_partition_present",
    rest: /^(?<dev>\S+) present/,
  },
  {
    prefix: `${HIBERNATION}Hibernation image not present or could not be loaded.`,
    event: "no_image_or_load_failed",
  },
  { prefix: `${HIBERNATION}resume from hibernation`, event: "resume_begin" },
  {
    prefix: `${HIBERNATION}Preparing processes for hibernation restore.`,
    event: "resume_prepare_processes",
  },
  { prefix: `${HIBERNATION}resume failed (`, event: "resume_failed", rest: /^(?<code>-?\d+)\)/ },
  {
    prefix: `${HIBERNATION}Failed to load image, recovering.`,
    event: "image_load_failed_recovering",
  },
  { prefix: `${HIBERNATION}Image mismatch: `, event: "image_mismatch", rest: /^(?<what>.*)$/ },
  {
    prefix: `${HIBERNATION}Hibernation image restored successfully.`,
    event: "image_restored_message",
  },
  {
    prefix: `${HIBERNATION}Wrote `,
    event: "image_io_total",
    rest: /^(?<kbytes>\d+) kbytes in (?<seconds>\S+) seconds/,
  },
  {
    prefix: `${HIBERNATION}Read `,
    event: "image_io_total",
    rest: /^(?<kbytes>\d+) kbytes in (?<seconds>\S+) seconds/,
  },
  { prefix: "PM: Image not found (code ", event: "image_not_found", rest: /^(?<code>-?\d+)\)/ },
  { prefix: "PM: Image signature found, resuming", event: "image_signature_found" },
  { prefix: "PM: Invalid image CRC32!", event: "image_crc32_bad" },
  { prefix: "PM: LZO decompression failed", event: "image_lzo_decompress_failed" },
  { prefix: "Hibernate inconsistent memory map detected!", event: "image_e820_mismatch" },
  { prefix: "Unrecognized hibernate image header format!", event: "image_header_unknown" },
  {
    prefix: "PM: Using ",
    event: "image_io_threads",
    rest: /^(?<threads>\d+) thread\(s\) for (?<purpose>\w+)/,
  },
  {
    prefix: "PM: Compressing and saving image data (",
    event: "image_save_begin",
    rest: /^(?<pages>\d+) pages/,
  },
  { prefix: "PM: Saving image data pages (", event: "image_save_begin", rest: /^(?<pages>\d+) / },
  {
    prefix: "PM: Loading and decompressing image data (",
    event: "image_load_begin",
    rest: /^(?<pages>\d+) pages/,
  },
  { prefix: "PM: Loading image data pages (", event: "image_load_begin", rest: /^(?<pages>\d+) / },
  { prefix: "PM: Image saving done", event: "image_save_done" },
  { prefix: "PM: Image loading done", event: "image_load_done" },
  { prefix: "PM: Image successfully loaded", event: "image_loaded_ok" },
  {
    prefix: "PM: Image saving progress:",
    event: "image_io_progress",
    rest: /^ *(?<percent>\d+)%/,
  },
  {
    prefix: "PM: Image loading progress:",
    event: "image_io_progress",
    rest: /^ *(?<percent>\d+)%/,
  },
  { prefix: "PM: Free swap pages: ", event: "pm_swap_message", rest: /^(?<pages>\d+)/ },
  { prefix: "PM: Cannot find swap device", event: "swap_device_missing" },
  { prefix: "PM: Not enough free swap", event: "swap_too_small" },
  { prefix: "PM: S|", event: "swap_signature_written" },
  {
    prefix: "PM: Device ",
    event: "device_refused",
    rest: /^(?<device>\S+) failed to (?<verb>.+): error (?<ret>-?\d+)$/,
  },
  { prefix: "Filesystems sync: ", event: "filesystems_sync", rest: /^(?<seconds>\S+) seconds/ },
  {
    prefix: "Freezing user space processes failed",
    event: "freeze_user_processes_failed",
  },
  {
    prefix: "Freezing user space processes completed",
    event: "freeze_user_processes_end",
  },
  { prefix: "Freezing user space processes", event: "freeze_user_processes_begin" },
  {
    prefix: "Freezing remaining freezable tasks failed",
    event: "freeze_kernel_threads_failed",
  },
  {
    prefix: "Freezing remaining freezable tasks completed",
    event: "freeze_kernel_threads_end",
  },
  { prefix: "Freezing remaining freezable tasks", event: "freeze_kernel_threads_begin" },
  { prefix: "Restarting kernel threads", event: "thaw_kernel_threads" },
  { prefix: "Restarting tasks", event: "thaw_processes" },
  { prefix: "OOM killer disabled.", event: "oom_killer_disabled" },
  { prefix: "OOM killer enabled.", event: "oom_killer_enabled" },
  {
    prefix: "suspend_resume: ",
    event: "trace_suspend_resume",
    rest: /^(?<action>[^[]+)\[(?<val>-?\d+)\] (?<edge>begin|end)$/,
  },
  { prefix: "Disabling non-boot CPUs", event: "secondary_cpus_disable_begin" },
  { prefix: "Enabling non-boot CPUs", event: "secondary_cpus_enable_begin" },
  { prefix: "smpboot: CPU ", event: "cpu_offline", rest: /^(?<cpu>\d+) is now offline$/ },
  {
    prefix: "smpboot: Booting Node ",
    event: "cpu_boot",
    rest: /^\d+ Processor (?<cpu>\d+) /,
  },
  { prefix: "CPU", event: "cpu_online", rest: /^(?<cpu>\d+) is up$/ },
  { prefix: "Error taking CPU", event: "cpu_failed", rest: /^(?<cpu>\d+) up: (?<ret>-\d+)/ },
  { prefix: "Checking wakeup interrupts", event: "syscore_check_wakeup_irqs" },
  {
    prefix: "Calling ",
    event: "syscore_op",
    rest: /^(?<fn>\w+)\+0x/,
  },
  {
    prefix: "Timekeeping suspended for ",
    event: "timekeeping_suspended_for",
    rest: /^(?<seconds>\S+) seconds/,
  },
  {
    prefix: "ACPI: PM: Preparing to enter system sleep state ",
    event: "acpi_prepare_sleep_state",
    rest: /^(?<state>S\d)/,
  },
  {
    prefix: "ACPI: PM: Waking up from system sleep state ",
    event: "acpi_wake_from_sleep_state",
    rest: /^(?<state>S\d)/,
  },
  { prefix: "ACPI: PM: Saving platform NVS memory", event: "acpi_nvs_save" },
  { prefix: "ACPI: PM: Restoring platform NVS memory", event: "acpi_nvs_restore" },
  { prefix: "kexec_core: Starting new kernel", event: "kexec_starting_new_kernel" },
  { prefix: "reboot: ", event: "reboot_message", rest: /^(?<text>.*)$/ },
  { prefix: "sysrq: Trigger a crash", event: "panic" },
  { prefix: "Kernel panic - not syncing: ", event: "panic", rest: /^(?<text>.*)$/ },
];

/** A line that was understood. */
export interface Understood {
  readonly event: string;
  readonly detail: { readonly [name: string]: string };
}

const NOTHING: { readonly [name: string]: string } = {};

/** Entries by the first two characters of their prefix, so that most lines cost one look. */
const BY_START: ReadonlyMap<string, readonly Entry[]> = Map.groupBy(
  ENTRIES,
  (entry) => entry.prefix.slice(0, 2),
);

const CALLBACK_START =
  /^(?<device>.*?): PM: calling (?<fn>\w+).*? @ (?<pid>\d+), parent: (?<parent>.*)$/;
const CALLBACK_END =
  /^(?<device>.*?): PM: (?<fn>\w+)\S* returned (?<ret>-?\d+) after (?<usecs>\d+)/;
/** As kernels since 5.7 say it; older ones begin with `PM: Device NAME`. */
const DEVICE_FAILED = /^(?<device>.*?): PM: failed to (?<verb>.+): error (?<ret>-?\d+)$/;
const PHASE_COMPLETE =
  /^PM: (?<verb>[a-z ]+) of devices (?:complete after (?<msecs>\S+) msecs|aborted)/;

function partsOf(match: RegExpExecArray | null): { readonly [name: string]: string } | undefined {
  if (match === null) return undefined;
  const { groups } = match;
  if (groups === undefined) return NOTHING;
  const parts: Record<string, string> = {};
  for (const name in groups) {
    const value = groups[name];
    if (value !== undefined) parts[name] = value;
  }
  return parts;
}

function understoodAs(event: string, match: RegExpExecArray | null): Understood | undefined {
  const detail = partsOf(match);
  return detail === undefined ? undefined : { event, detail };
}

/** Lines of device callbacks, which begin with the device's name. */
function deviceLine(text: string): Understood | undefined {
  const at = text.indexOf("PM: ");
  if (at < 0) return undefined;
  if (at === 0) return understoodAs("dpm_phase_complete", PHASE_COMPLETE.exec(text));
  if (text.startsWith("calling ", at + 4)) {
    return understoodAs("device_callback_start", CALLBACK_START.exec(text));
  }
  if (text.startsWith("failed to ", at + 4)) {
    return understoodAs("device_refused", DEVICE_FAILED.exec(text));
  }
  return understoodAs("device_callback_end", CALLBACK_END.exec(text));
}

function syscore(found: Understood): Understood | undefined {
  const { fn = "" } = found.detail;
  const up = /resume|restore/.test(fn);
  return { event: up ? "syscore_resume_op" : "syscore_suspend_op", detail: { fn } };
}

/** What a kernel's line (without its time) says, or `undefined`. */
export function understandKernelLine(text: string): Understood | undefined {
  const entries = BY_START.get(text.slice(0, 2));
  if (entries !== undefined) {
    for (const { prefix, event, rest } of entries) {
      if (!text.startsWith(prefix)) continue;
      if (rest === undefined) return { event, detail: NOTHING };
      const detail = partsOf(rest.exec(text.slice(prefix.length)));
      if (detail === undefined) continue;
      return event === "syscore_op" ? syscore({ event, detail }) : { event, detail };
    }
  }
  return deviceLine(text);
}

const USER_ENTRIES: readonly { readonly pattern: RegExp; readonly event: string }[] = [
  { pattern: /^>>> (?<cmd>.*)$/, event: "command" },
  { pattern: /^@@(?<tag>[\w-]+) rc=(?<rc>-?\d+)$/, event: "command_exit" },
  { pattern: /^(?<digest>[0-9a-f]{64}) {2}(?<file>\/\S+)$/, event: "sha256" },
  { pattern: /^(?<status>pid=\d+ counter=\d+ .*)$/, event: "workload_status" },
  { pattern: /^kexec failed: (?<strerror>.*)$/, event: "kexec_exec_returned" },
  { pattern: /^kexec_load failed: (?<strerror>.*)$/, event: "kexec_load_refused" },
  { pattern: /^(?<text>Nothing has been loaded!)$/, event: "kexec_tool_refused" },
  {
    pattern: /^(?<text>(?:Invalid memory segment|Overlapping memory segments at) 0x.*)$/,
    event: "kexec_tool_refused",
  },
  { pattern: /^\S*: write error: (?<strerror>.*)$/, event: "write_errno" },
  { pattern: /^LAB-READY role=(?<role>\w+) uptime=(?<uptime>\S+)/, event: "userspace_ready" },
];

/** What a line that no kernel printed says, or `undefined`. */
export function understandUserLine(text: string): Understood | undefined {
  for (const { pattern, event } of USER_ENTRIES) {
    const found = understoodAs(event, pattern.exec(text));
    if (found !== undefined) return found;
  }
  return undefined;
}
