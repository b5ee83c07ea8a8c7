/**
 * A recording as one story: which kernel speaks, who jumped to whom, which image is meant. A log
 * shows control going over only by who prints next; from that the jumps are told.
 *
 * @module
 */
import type { Origin, Summary } from "../event.ts";
import { DeviceCallbacks } from "./linux_devices.ts";
import { callFact, FACTS_OF, POWER_OF } from "./linux_facts.ts";
import type { Observation } from "./observation.ts";

/** A happening in this house's words. */
export interface ImportedEvent {
  /** `fact.<name>`, or `linux.<event>` for what no fact stands for. */
  readonly type: string;
  readonly actor: string;
  readonly summary: Summary;
  readonly seconds: number | undefined;
  readonly origin: Origin;
}

interface KernelSeen {
  readonly name: string;
  readonly devices: DeviceCallbacks;
  readonly online: Set<number>;
  /** The set of processors as it was said last. */
  said: string | undefined;
  /** Ranges its firmware and its user gave it. */
  readonly firmware: string[];
  readonly user: string[];
  release: string;
  commandLine: string;
  boot: Origin | undefined;
  /** System devices are down, so that the next line may be another kernel's. */
  quiet: boolean;
  /** It wrote its own image to a disk, so it may come back from there. */
  saved: boolean;
  /** It copies or loads an image of its own: going on is no jump. */
  imaging: "no" | "copy" | "load";
  /** It began to read an image, of which no page is known to have come. */
  loading: boolean;
  /** System devices are coming up again. */
  rising: boolean;
  /** It said that it gives way for good: to a plain kexec, to firmware. */
  leaving: "no" | "plain" | "off";
  device: string;
}

/** Lines by which a kernel shows that it goes on behind a jump or a copy. */
const GOING_ON: ReadonlySet<string> = new Set([
  "syscore_resume_op",
  "timekeeping_suspended_for",
  "secondary_cpus_enable_begin",
  "acpi_nvs_restore",
]);

const NAME = /(?:^|\s)(?:hostname|\w*role)=(\w{1,16})(?:\s|$)/;
const SUMMARY_TEXT_MAX = 200;

/** See the module's header. */
export class LinuxSession {
  readonly #away: KernelSeen[] = [];
  readonly #names: Set<string> = new Set();
  #current: KernelSeen | undefined;
  #start: { readonly seen: Observation; readonly release: string } | undefined;
  #images = 0;
  #asleep = false;
  #events: ImportedEvent[] = [];

  /** What an observation means. */
  take(seen: Observation): readonly ImportedEvent[] {
    this.#events = [];
    if (seen.by === "machine") this.#machine(seen);
    else if (seen.by === "kernel") this.#kernel(seen);
    else this.#plain(this.#current?.name ?? "user", seen);
    return this.#events;
  }

  /** What is left to say at the end. */
  end(): readonly ImportedEvent[] {
    this.#events = [];
    this.#say();
    return this.#events;
  }

  #machine(seen: Observation): void {
    const power = POWER_OF[seen.event]?.(seen.detail);
    // A machine that went to sleep is told of as switched off as well.
    const told = this.#asleep && power?.["op"] === "off";
    if (power === undefined || told) return this.#plain("machine", seen);
    this.#asleep = power["op"] === "sleep";
    this.#say();
    const k = this.#current?.name;
    const by = power["op"] === "on" || power["op"] === "loss" || k === undefined ? {} : { k };
    this.#add("fact.power", "machine", { ...power, ...by }, seen);
    if (power["op"] === "on") return;
    this.#gone();
  }

  #kernel(seen: Observation): void {
    const { event, detail } = seen;
    if (event === "kernel_start") {
      this.#start = { seen, release: detail["version"] ?? "" };
      return;
    }
    if (event === "kernel_cmdline") return this.#begin(seen, detail["cmdline"] ?? "");
    // A recording may begin when its kernel has long been running.
    const kernel = this.#current ??= kernelSeen(this.#nameFor(undefined));
    if (this.#map(kernel, seen)) return;
    this.#say();
    this.#run(GOING_ON.has(event) ? this.#whoGoesOn(kernel, seen) : kernel, seen);
  }

  /** A line of a kernel that is known. */
  #run(kernel: KernelSeen, seen: Observation): void {
    this.#notePhase(kernel, seen);
    const { name } = kernel;
    for (const { summary, seconds, origin } of kernel.devices.take(seen)) {
      const at = { ...seen, origin, ...(seconds === undefined ? {} : { hostSeconds: seconds }) };
      this.#add("fact.phase", name, { k: name, ...summary }, at);
    }
    const made = FACTS_OF[seen.event]?.(seen.detail) ?? callFact(seen);
    if (made !== undefined) {
      this.#add(`fact.${made.name}`, name, { k: name, ...made.summary }, seen);
    } else if (!this.#stateful(kernel, seen)) this.#plain(name, seen);
  }

  #begin(seen: Observation, commandLine: string): void {
    const start = this.#start;
    this.#start = undefined;
    const before = this.#current;
    const given = NAME.exec(commandLine)?.[1];
    const name = this.#nameFor(given);
    if (before !== undefined) this.#leave(before, name, start?.seen ?? seen);
    this.#current = kernelSeen(name, {
      release: start?.release ?? "",
      commandLine,
      boot: start?.seen.origin ?? seen.origin,
    });
  }

  /** Control went from one kernel to one that boots. */
  #leave(before: KernelSeen, to: string, seen: Observation): void {
    this.#say();
    const { name: from, leaving, quiet } = before;
    if (leaving === "off") this.#gone();
    else if (leaving === "plain") {
      this.#add("fact.jump", from, { from, to, preserve: false }, seen);
    } else if (quiet) {
      this.#add("fact.jump", from, { from, to, preserve: true }, seen);
      this.#away.push(before);
    }
  }

  /** Another recording begins: what ran in the one before is over. */
  newFile(): void {
    this.#gone();
    this.#start = undefined;
  }

  /** Memory is gone; who lives in an image may come back all the same. */
  #gone(): void {
    if (this.#current?.saved === true) this.#away.push(this.#current);
    this.#current = undefined;
  }

  #nameFor(given: string | undefined): string {
    let name = given ?? String.fromCharCode(65 + this.#names.size % 26);
    // A machine that was reset boots the same kernel again.
    if (given === undefined) { while (this.#names.has(name)) name += "'"; }
    this.#names.add(name);
    return name;
  }

  /** Lines of the memory map; the boot is told when they are over. */
  #map(kernel: KernelSeen, { event, detail }: Observation): boolean {
    if (kernel.boot === undefined) return false;
    const usable = detail["type"] === "usable";
    if (event === "e820_range") {
      if (usable) kernel.firmware.push(rangeText(detail["range"] ?? ""));
      return true;
    }
    if (event === "user_memory_map") {
      if (usable) kernel.user.push(rangeText(detail["range"] ?? ""));
      return true;
    }
    return false;
  }

  /** Says that the kernel at hand booted, where that has not been said. */
  #say(): void {
    const kernel = this.#current;
    if (kernel?.boot === undefined) return;
    const { name, release, commandLine, boot } = kernel;
    const ranges = (kernel.user.length > 0 ? kernel.user : kernel.firmware).join(",");
    kernel.boot = undefined;
    this.#events.push({
      type: "fact.boot",
      actor: name,
      summary: {
        k: name,
        release,
        ranges: shorten(ranges, 120),
        cmdline: shorten(commandLine, 160),
      },
      seconds: undefined,
      origin: boot,
    });
  }

  /** Which kernel a line of going on belongs to; where it is another one, that is a jump. */
  #whoGoesOn(kernel: KernelSeen, seen: Observation): KernelSeen {
    if (!kernel.quiet && kernel.leaving !== "plain") return kernel;
    const other = kernel.imaging === "copy"
      ? undefined
      : this.#away.pop() ?? this.#stranger(kernel);
    const entered = other ?? kernel;
    if (other !== undefined) {
      const preserve = kernel.leaving === "no" && kernel.imaging === "no";
      if (preserve) this.#away.push(kernel);
      const summary = { from: kernel.name, to: other.name, preserve };
      this.#add("fact.jump", kernel.name, summary, seen);
      this.#add("fact.resumed", other.name, { k: other.name }, seen);
    }
    Object.assign(entered, { quiet: false, rising: true, imaging: "no", leaving: "no" });
    this.#current = entered;
    return entered;
  }

  /** Whom a loaded image has in it, where the recording of that kernel's own is not at hand. */
  #stranger(kernel: KernelSeen): KernelSeen | undefined {
    return kernel.imaging === "load" ? kernelSeen(this.#nameFor(undefined)) : undefined;
  }

  #notePhase(kernel: KernelSeen, { event }: Observation): void {
    if (event === "image_created") kernel.imaging = "copy";
    else if (event === "image_load_begin") {
      Object.assign(kernel, { imaging: "load", loading: true });
    } else if (event === "image_load_failed_recovering") {
      Object.assign(kernel, { imaging: "no", loading: false });
    } else if (event === "swap_signature_written") kernel.saved = true;
    else if (event === "kexec_starting_new_kernel") kernel.leaving = "plain";
    else if (event === "acpi_prepare_sleep_state" || event === "reboot_message") {
      kernel.leaving = "off";
    } else if (event === "thaw_processes") kernel.leaving = "no";
  }

  /** Facts that depend on what was before; whether there was one. */
  #stateful(kernel: KernelSeen, seen: Observation): boolean {
    const { event, detail } = seen;
    const k = kernel.name;
    switch (event) {
      case "syscore_suspend_op":
        if (kernel.quiet) return false;
        kernel.quiet = true;
        this.#add("fact.syscore", k, { k, op: "suspend", result: 0 }, seen);
        return true;
      case "syscore_resume_op":
        if (!kernel.rising) return false;
        kernel.rising = false;
        this.#add("fact.syscore", k, { k, op: "resume", result: 0 }, seen);
        return true;
      case "cpus_at_boot":
        for (let cpu = 0; cpu < Number(detail["cpus"]); cpu++) kernel.online.add(cpu);
        return this.#cpus(kernel, seen);
      case "cpu_offline":
        kernel.online.delete(Number(detail["cpu"]));
        return this.#cpus(kernel, seen);
      case "cpu_online":
        kernel.online.add(Number(detail["cpu"]));
        return this.#cpus(kernel, seen);
      case "trace_suspend_resume": {
        // A processor that goes does not always get its line onto the console.
        const cpu = Number(detail["val"]);
        if (detail["action"] !== "CPU_OFF" || detail["edge"] !== "end") return false;
        if (kernel.said !== undefined && !kernel.online.has(cpu)) return false;
        kernel.online.delete(cpu);
        return this.#cpus(kernel, seen);
      }
      case "resume_partition_check":
        kernel.device = detail["device"] ?? "";
        return false;
      case "software_resume_returned":
        return this.#resumeAttempt(kernel, seen);
      case "image_write_begin":
        this.#images++;
        return this.#image(kernel, "begin", seen);
      case "swap_signature_written":
        return this.#image(kernel, "commit", seen);
      // The line at the beginning comes before the header is looked at.
      case "image_io_progress":
      case "image_load_done":
        if (!kernel.loading) return false;
        kernel.loading = false;
        return this.#image(kernel, "load", seen);
      default:
        return false;
    }
  }

  #cpus(kernel: KernelSeen, seen: Observation): boolean {
    const online = [...kernel.online].sort((left, right) => left - right).join(",");
    kernel.said = online;
    this.#add("fact.cpus", kernel.name, { k: kernel.name, online }, seen);
    return true;
  }

  #resumeAttempt(kernel: KernelSeen, seen: Observation): boolean {
    const noresume = /(?:^|\s)noresume(?:\s|$)/.test(kernel.commandLine);
    this.#add("fact.resume_attempt", kernel.name, {
      k: kernel.name,
      device: kernel.device,
      noresume,
      read: kernel.device !== "",
      result: Number(seen.detail["ret"] ?? 0),
    }, seen);
    return true;
  }

  #image(kernel: KernelSeen, op: string, seen: Observation): boolean {
    const k = kernel.name;
    this.#add("fact.image", k, { k, op, id: `linux-${this.#images}` }, seen);
    return true;
  }

  #plain(actor: string, seen: Observation): void {
    const summary: Record<string, string> = {};
    for (const [name, value] of Object.entries(seen.detail)) {
      summary[name] = shorten(value, SUMMARY_TEXT_MAX);
    }
    this.#add(`linux.${seen.event}`, actor, summary, seen);
  }

  #add(type: string, actor: string, summary: Summary, seen: Observation): void {
    const { origin } = seen;
    this.#events.push({
      type,
      actor,
      summary,
      seconds: seen.hostSeconds ?? seen.kernelSeconds,
      origin,
    });
  }
}

/** A kernel that begins to speak; told of its boot only where that was seen. */
function kernelSeen(
  name: string,
  boot?: { readonly release: string; readonly commandLine: string; readonly boot: Origin },
): KernelSeen {
  return {
    name,
    devices: new DeviceCallbacks(),
    online: new Set([0]),
    said: undefined,
    firmware: [],
    user: [],
    release: boot?.release ?? "",
    commandLine: boot?.commandLine ?? "",
    boot: boot?.boot,
    quiet: false,
    saved: false,
    imaging: "no",
    loading: false,
    rising: false,
    leaving: "no",
    device: "",
  };
}

/** `0xA-0xB` with the last byte inside as `0xA-0xC` with the end outside, without zeros. */
function rangeText(range: string): string {
  const [start = "0", last = "0"] = range.split("-");
  const end = BigInt(last) + 1n;
  return `0x${BigInt(start).toString(16)}-0x${end.toString(16)}`;
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
