/**
 * Boot: from the first instruction to a shell on the console. What memory there is the kernel
 * reads from boot_params and its command line in RAM; where its own structures go it decides
 * itself and leaves in its page-frame table.
 *
 * @module
 */
import { COMMAND_LINE_BYTES, parseBootParams } from "../../machine/formats/boot_params.ts";
import { applyMemmap, E820_TYPE, endOf, ramRanges } from "../../machine/formats/e820.ts";
import { emitNotes, emitVmcoreinfo, vmcoreinfoNote } from "../../machine/formats/elf_notes.ts";
import { FRAME, memMapBytes, vmcoreinfoOf } from "../../machine/formats/mem_map.ts";
import {
  PAGE_BYTES,
  type PageRun,
  rangesToRuns,
  subtract,
} from "../../machine/formats/page_runs.ts";
import { walkAcpi } from "../../machine/formats/acpi/walk.ts";
import { FormatError } from "../../machine/errors.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { sleepHardware } from "./acpi_sleep_hardware.ts";
import { takePages } from "./allocator.ts";
import { partitionOf } from "./block_devices.ts";
import { reserveCrashRegion } from "./crash_slot.ts";
import { ERRNO } from "./errno.ts";
import { announceJumpBuffer, setUpJumpBuffer } from "./jump_buffer.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { writeTrampoline } from "./low_trampoline.ts";
import { ask, call, done, fail, goto, next, type Procedure, procedure } from "./procedure.ts";
import type { Layout } from "./state.ts";
import { bytesOf, fieldsOf } from "./values.ts";

/** Pages for the encoded state at boot; they grow before a jump where that is too little. */
const STATE_PAGES = 64;
const LOG_PAGES = 16;
/** Characters of a command line that the trace shows. */
const COMMAND_LINE_SHOWN = 240;
const MIB = 0x10_0000;

/** The value of `name=` on a command line, the last one counts. */
export function parameter(commandLine: string, name: string): string | undefined {
  const found = commandLine.split(/\s+/).filter((word) => word.startsWith(`${name}=`)).at(-1);
  return found?.slice(name.length + 1);
}

function rangeText(ranges: readonly { start: number; length: number }[]): string {
  return ranges.map((range) => `0x${range.start.toString(16)}-0x${endOf(range).toString(16)}`)
    .join(",");
}

function pagesOf(start: number, length: number): PageRun {
  const pfn = Math.floor(start / PAGE_BYTES);
  return { pfn, count: Math.ceil((start + length) / PAGE_BYTES) - pfn };
}

/** What is in use before the allocator exists: text, ramdisk, parameters, core headers. */
function bootReserved(kernel: Kernel, vars: { readonly [name: string]: Plain }): PageRun[] {
  const core = parameter(kernel.state.commandLine, "elfcorehdr");
  const reserved = [
    pagesOf(numberOf(vars["entry"]), numberOf(vars["textBytes"])),
    pagesOf(numberOf(vars["argument"]), PAGE_BYTES),
    pagesOf(numberOf(vars["commandLine"]), COMMAND_LINE_BYTES),
  ];
  if (numberOf(vars["ramdiskBytes"]) > 0) {
    reserved.push(pagesOf(numberOf(vars["ramdisk"]), numberOf(vars["ramdiskBytes"])));
  }
  if (core !== undefined) {
    const address = Number.parseInt(core, 10) * 1024;
    kernel.state.vmcore = { address, bytes: 16 * 1024 };
    reserved.push(pagesOf(address, 16 * 1024));
  }
  return reserved;
}

/** A command line as the trace has it: of a long one the words at its beginning and its end. */
function shownCommandLine(line: string): string {
  if (line.length <= COMMAND_LINE_SHOWN) return line;
  const half = COMMAND_LINE_SHOWN / 2;
  const [head = ""] = /^.*(?= )/.exec(line.slice(0, half)) ?? [];
  const [tail = ""] = / .*$/.exec(line.slice(-half)) ?? [];
  return `${head} …${tail}`;
}

/** Makes the allocator, and takes from it what the kernel itself needs. */
function layOut(kernel: Kernel, vars: { readonly [name: string]: Plain }): boolean {
  const { state } = kernel;
  const ram = rangesToRuns(
    ramRanges(state.map).map((range) => ({
      start: range.start,
      end: endOf(range),
    })),
  );
  // Conventional memory is left alone: real mode, firmware and trampolines live there.
  const usable = subtract(ram, [{ pfn: 0, count: MIB / PAGE_BYTES }]);
  const reserved = bootReserved(kernel, vars);
  state.free = usable;
  for (const run of reserved) {
    const inside = run.pfn >= MIB / PAGE_BYTES;
    if (inside) takePages(state, [run], FRAME.kernel, 0);
  }
  reserveCrashRegion(kernel, parameter(state.commandLine, "crashkernel"));
  const highest = Math.max(...ram.map((run) => run.pfn + run.count));
  const text = pagesOf(numberOf(vars["entry"]), numberOf(vars["textBytes"]));
  const from = kernel.windowEndPfn();
  const take = (pages: number, flags: number = FRAME.kernel): PageRun | undefined =>
    kernel.allocate({ pages, flags, owner: 0, from, contiguous: true })?.[0];
  const memMap = take(Math.ceil(memMapBytes(highest) / PAGE_BYTES));
  const vmcoreinfo = take(1);
  const context = take(1);
  const pageTable = take(1);
  const log = take(LOG_PAGES);
  const pages = take(STATE_PAGES);
  if (
    memMap === undefined || vmcoreinfo === undefined || context === undefined ||
    pageTable === undefined || log === undefined || pages === undefined
  ) return false;
  const layout: Layout = {
    text,
    memMap: memMap.pfn * PAGE_BYTES,
    vmcoreinfo: vmcoreinfo.pfn * PAGE_BYTES,
    context: context.pfn * PAGE_BYTES,
    pageTable: pageTable.pfn * PAGE_BYTES,
    log,
    state: pages,
    frameCount: highest,
  };
  state.layout = layout;
  if (kernel.profile.jumpBackFile) {
    const entry = parameter(state.commandLine, "kexec_jump_back_entry");
    state.jumpBackEntry = Number(entry ?? 0) || 0;
  }
  return setUpJumpBuffer(kernel, parameter(state.commandLine, "kexec_jump_buf_pfn"));
}

/** Where the kernel's structures stand; they exist from the boot's layout step on. */
export function layoutOf(kernel: Kernel): Layout {
  const { layout } = kernel.state;
  if (layout === undefined) throw new Error(`Kernel ${kernel.name} has no layout yet`);
  return layout;
}

/** The VMCOREINFO note as it stands in RAM. */
export function vmcoreinfoBytes(kernel: Kernel): Uint8Array {
  const layout = layoutOf(kernel);
  const text = emitVmcoreinfo(vmcoreinfoOf({
    osRelease: kernel.profile.release,
    kernelName: kernel.name,
    memMapPhysical: layout.memMap,
    frameCount: layout.frameCount,
  }));
  return emitNotes([vmcoreinfoNote(text)]);
}

/** Offset of init_size behind the start of the set-up header (0x260 - 0x1f1). */
const INIT_SIZE_OFFSET = 0x260 - 0x1f1;
/** What a kernel of before protocol 2.10 is taken to need. */
const INIT_BYTES_DEFAULT = 2 * MIB;

/** Bytes the kernel's text, data and bss take from its load address on. */
function initBytes(header: Uint8Array): number {
  if (header.length < INIT_SIZE_OFFSET + 4) return INIT_BYTES_DEFAULT;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return view.getUint32(INIT_SIZE_OFFSET, true) || INIT_BYTES_DEFAULT;
}

const readParameters = procedure("boot_parameters", [
  {
    name: "boot_params",
    run: (kernel, vars) =>
      ask("memory", "memory.read", {
        by: kernel.name,
        address: numberOf(vars["argument"]),
        length: PAGE_BYTES,
      }),
    then: (kernel, vars, answer) => {
      const params = parseBootParams(bytesOf(answer));
      kernel.state.firmwareMap = params.e820;
      vars["commandLine"] = params.commandLineAddress;
      vars["ramdisk"] = params.ramdiskAddress;
      vars["ramdiskBytes"] = params.ramdiskBytes;
      vars["rsdp"] = params.acpiRsdpAddress;
      vars["textBytes"] = initBytes(params.setupHeader);
      return next;
    },
  },
  {
    name: "command line",
    run: (kernel, vars) =>
      ask("memory", "memory.read", {
        by: kernel.name,
        address: numberOf(vars["commandLine"]),
        length: COMMAND_LINE_BYTES,
      }),
    then: (kernel, vars, answer) => {
      const bytes = bytesOf(answer);
      const end = bytes.indexOf(0);
      const text = new TextDecoder("latin1").decode(bytes.subarray(0, end < 0 ? undefined : end));
      kernel.state.commandLine = text.trim();
      kernel.state.map = applyMemmap(text, kernel.state.firmwareMap);
      kernel.print(`Linux version ${kernel.profile.release} (${kernel.profile.arch})`);
      kernel.print(`Command line: ${text.trim()}`);
      return done({ ...vars });
    },
  },
]);

/** Ranges in which firmware leaves its tables. */
function acpiRanges(kernel: Kernel): { start: number; length: number }[] {
  const tables = kernel.state.firmwareMap.filter((entry) =>
    entry.type === E820_TYPE.acpi || entry.type === E820_TYPE.nvs ||
    (entry.type === E820_TYPE.reserved && entry.start >= MIB && entry.start < 0xf000_0000 &&
      entry.length <= MIB)
  );
  return [
    { start: 0, length: PAGE_BYTES },
    { start: 0xe_0000, length: 0x2_0000 },
    ...tables.map(({ start, length }) => ({ start, length: Math.min(length, MIB) })),
  ];
}

const readAcpi = procedure("boot_acpi", [
  {
    name: "tables",
    run: (kernel) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: acpiRanges(kernel),
        write: false,
      }),
    then: (kernel, vars, _answer, access) => {
      try {
        const ebda = 0x9_f000;
        const read = (address: number, length: number): Uint8Array =>
          address >= ebda && address < 0xa_0000
            ? new Uint8Array(length)
            : access.read(address, length);
        const found = walkAcpi(read, numberOf(vars["rsdp"]));
        if (found === undefined) return done();
        kernel.state.acpi = {
          pm1aControl: found.fadt.pm1aControl.port,
          pm1aStatus: found.fadt.pm1aEvent.port,
          s5: found.s5?.a ?? -1,
          sleep: sleepHardware(found, kernel.state.firmwareMap),
        };
        kernel.print(`ACPI: ${found.tables.map((table) => table.signature).join(" ")}`);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        kernel.print(`ACPI: ${error.message}, going on without`);
        return done();
      }
      return next;
    },
  },
  { name: "enable", run: () => call("acpi_enable") },
]);

/** Scripts that an initramfs runs by itself, by the word on the command line (A.4, v7). */
const INITRAMFS_SCRIPTS = ["go_to_hibernate", "go_to_resume"] as const;

/** The script that init of the initramfs goes on with; undefined where it gives a shell. */
function initramfsScript(kernel: Kernel): string | undefined {
  const words = kernel.state.commandLine.split(/\s+/);
  return INITRAMFS_SCRIPTS.find((script) => words.includes(script));
}

const startKernel = procedure("start_kernel", [
  {
    name: "parameters",
    run: (_kernel, vars) => call("boot_parameters", vars),
    then: (_kernel, vars, answer) => {
      Object.assign(vars, fieldsOf(answer));
      return next;
    },
  },
  {
    name: "memory",
    run: (kernel, vars) => {
      if (!layOut(kernel, vars)) {
        kernel.print("Kernel panic - not syncing: Out of memory at boot");
        return fail(ERRNO.ENOMEM);
      }
      const ranges = rangeText(ramRanges(kernel.state.map));
      kernel.fact("boot", {
        release: kernel.profile.release,
        ranges: ranges.length > 120 ? `${ranges.slice(0, 119)}…` : ranges,
        cmdline: shownCommandLine(kernel.state.commandLine),
      });
      announceJumpBuffer(kernel);
      return next;
    },
  },
  {
    name: "tables",
    run: (kernel) => {
      const { context, pageTable } = layoutOf(kernel);
      return ask("cpu", "cpu.load_tables", {
        gdt: context + 2048,
        idt: context + 3072,
        cr3: pageTable,
        paging: true,
      });
    },
  },
  {
    name: "vmcoreinfo",
    run: (kernel) => {
      const { vmcoreinfo } = layoutOf(kernel);
      const ranges = [{ start: vmcoreinfo, length: PAGE_BYTES }];
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (kernel, _vars, _answer, access) => {
      const page = access.writable(layoutOf(kernel).vmcoreinfo, PAGE_BYTES);
      page.fill(0);
      page.set(vmcoreinfoBytes(kernel));
      return next;
    },
  },
  { name: "trampoline", run: (kernel) => writeTrampoline(kernel, layoutOf(kernel).pageTable) },
  {
    name: "acpi",
    run: (kernel, vars) =>
      kernel.state.commandLine.includes("acpi=off") ? next : call("boot_acpi", vars),
  },
  { name: "devices", run: () => call("probe_devices") },
  {
    name: "clock",
    run: () => ask("rtc", "rtc.read", {}),
    then: (kernel, _vars, answer) => {
      kernel.state.realAtClock = numberOf(fieldsOf(answer)["real_us"]);
      kernel.state.clock = { at: kernel.out.now, monotonic: kernel.monotonic() };
      return next;
    },
  },
  {
    name: "processors",
    run: (kernel) => {
      const wanted = parameter(kernel.state.commandLine, "maxcpus");
      const count = wanted === undefined ? 64 : Number(wanted);
      return ask("cpu", "cpu.set_online", { count });
    },
    then: (kernel, _vars, answer) => {
      kernel.state.cpus = numberOf(fieldsOf(answer)["online"]);
      kernel.state.online = kernel.state.cpus;
      return next;
    },
  },
  {
    name: "interrupts",
    run: (kernel) => {
      kernel.state.interrupts = true;
      return ask("cpu", "cpu.set_interrupts", { enabled: true });
    },
  },
  // Before anything is mounted: an image that is put in place was made with it mounted.
  { name: "software_resume", run: () => call("boot_resume") },
  {
    name: "root",
    run: (kernel) => {
      const root = parameter(kernel.state.commandLine, "root") ?? "/dev/ram0";
      const partition = partitionOf(root);
      if (partition === undefined) return next;
      return call("fs_mount", { path: "/", partition, readOnly: false });
    },
    then: (kernel, _vars, answer) => {
      if (typeof answer === "number" && answer < 0) {
        kernel.print("Kernel panic - not syncing: VFS: Unable to mount root fs");
        return fail(-answer);
      }
      return next;
    },
  },
  { name: "vmcore", run: () => call("vmcore_init") },
  {
    name: "init",
    run: (kernel) => {
      kernel.state.label = "running";
      kernel.print(`${kernel.name}: ready`);
      return next;
    },
  },
  {
    name: "initramfs",
    run: (kernel) => {
      const script = initramfsScript(kernel);
      if (script === undefined) return goto("shell");
      const pid = kernel.spawn(script, "user", "exec", { argv: [script] });
      return { do: "wait", pids: [pid] };
    },
  },
  { name: "shell", run: () => call("shell") },
]);

/** Procedures of booting. */
export const BOOT_PROCEDURES: readonly Procedure[] = [startKernel, readParameters, readAcpi];
