/**
 * What kexec-tools makes of a kernel for a jump: command line, boot_params, core headers,
 * purgatory, and where all of it goes (protocol.md B.4.3 step 3, D.4).
 *
 * @module
 */
import { Sha256 } from "../../machine/digest.ts";
import {
  COMMAND_LINE_BYTES,
  emitBootParams,
  JUMP_BACK_SPARE_BYTES,
  LOADER_KEXEC,
} from "../../machine/formats/boot_params.ts";
import {
  bzImageLoadBytes,
  ENTRY_64_OFFSET,
  parseBzImage,
  setupHeaderBytes,
} from "../../machine/formats/bzimage.ts";
import { endOf, ramRanges } from "../../machine/formats/e820.ts";
import { EM_386, EM_X86_64 } from "../../machine/formats/elf.ts";
import { type KernelSegment, placeKernel } from "../../machine/formats/kernel_window.ts";
import { PAGE_BYTES, rangesToRuns } from "../../machine/formats/page_runs.ts";
import { emitPurgatory } from "../../machine/formats/purgatory_table.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";
import {
  buildCoreHeaders,
  LINEAR_OFFSET,
  LOWMEM_LIMIT_I386,
} from "../../machine/formats/vmcore.ts";
import { layoutOf, vmcoreinfoBytes } from "../kernel/boot.ts";
import { LOW_BYTES } from "../kernel/jump_buffer_reboot.ts";
import type { Kernel } from "../kernel/kernel_context.ts";
import {
  addBackup,
  backupStart,
  crashMemmap,
  type CrashRegion,
  crashRegion,
  NO_REGION,
} from "./kexec_crash.ts";
import type { KexecOptions } from "./kexec_options.ts";

const PURGATORY_BYTES = PAGE_BYTES;
const PURGATORY_BODY_BYTES = 1024;
/** Virtual address of a 64-bit kernel's text. */
const TEXT_ADDRESS = 0xffff_ffff_8100_0000n;

/** A segment with its content, where it has one of the tool's making. */
export interface ToolSegment extends KernelSegment {
  /** Content made by the tool; kernel and initrd come from their files. */
  readonly content?: Uint8Array;
}

/** What the tool passes to kexec_load, or what it prints and exits 1 with. */
export type BuiltImage =
  | { readonly kind: "built"; readonly segments: readonly ToolSegment[]; readonly entry: number }
  | { readonly kind: "refused"; readonly message: string };

/** Whole pages of RAM as byte ranges. */
function wholeRam(kernel: Kernel): { start: number; end: number }[] {
  return rangesToRuns(
    ramRanges(kernel.state.map).map((range) => ({ start: range.start, end: endOf(range) })),
  ).map(({ pfn, count }) => ({ start: pfn * PAGE_BYTES, end: (pfn + count) * PAGE_BYTES }));
}

/** RAM below 640 KiB in whole pages: what the extra segment exchanges. */
function lowSegment(kernel: Kernel): ToolSegment | undefined {
  if (!kernel.profile.low.swapped) return undefined;
  const low = wholeRam(kernel).find((range) => range.end <= 0xa_0000);
  if (low === undefined) return undefined;
  return { name: "backup", mem: low.start, memsz: low.end - low.start, bufsz: 0 };
}

/** A's memory as core headers name it: in whole pages, or as the map has it. */
function coreRanges(kernel: Kernel): { start: number; end: number }[] {
  if (!kernel.profile.rawCoreHeaders) return wholeRam(kernel);
  // The first page is firmware's: no kernel of these gives it out.
  return ramRanges(kernel.state.map).map((range) => ({
    start: Math.max(range.start, kernel.profile.low.start),
    end: endOf(range),
  }));
}

/** The kernel's text under its own address, where the tool names it a second time. */
function textAlias(kernel: Kernel) {
  if (!kernel.profile.rawCoreHeaders) return {};
  const { pfn, count } = layoutOf(kernel).text;
  const start = pfn * PAGE_BYTES;
  return { kernelText: { start, end: start + count * PAGE_BYTES, vaddr: TEXT_ADDRESS } };
}

function coreHeaders(kernel: Kernel, options: KexecOptions, region?: CrashRegion): Uint8Array {
  const { profile } = kernel;
  const wide = profile.elfClass === 64 || options.elf64;
  const excluded = [region ?? { start: options.memMin, end: (options.memMax ?? 0) + 1 }];
  const low = region === undefined ? lowSegment(kernel) : undefined;
  if (low !== undefined) excluded.push({ start: low.mem, end: low.mem + low.memsz });
  const note = vmcoreinfoBytes(kernel);
  return buildCoreHeaders({
    class: wide ? 64 : 32,
    machine: profile.arch === "i386" ? EM_386 : EM_X86_64,
    ramRanges: coreRanges(kernel),
    ...textAlias(kernel),
    excluded,
    notes: profile.keepsNote ? [{ paddr: layoutOf(kernel).vmcoreinfo, size: note.length }] : [],
    linearOffset: LINEAR_OFFSET[profile.arch],
    lowmemLimit: profile.arch === "i386" ? LOWMEM_LIMIT_I386 : Number.MAX_SAFE_INTEGER,
    ...(region === undefined
      ? {}
      : { backup: { start: 0, end: LOW_BYTES, copy: backupStart(region) } }),
  });
}

/** This kernel's own command line, for `--reuse-cmdline`. */
function reusedWords({ state }: Kernel, options: KexecOptions): string[] {
  if (!options.reuseCommandLine) return [];
  const dropped = options.crash ? /^(?:BOOT_IMAGE|crashkernel)=/ : /^BOOT_IMAGE=/;
  return state.commandLine.split(/\s+/).filter((word) => !dropped.test(word));
}

/** What the tool adds to the command line (B.4.3 f); undefined when it is too long. */
function commandLine(
  kernel: Kernel,
  options: KexecOptions,
  headers: KernelSegment | undefined,
  region: CrashRegion | undefined,
): string | undefined {
  const { profile } = kernel;
  const { low } = profile;
  const words = [...reusedWords(kernel, options), options.append];
  if (region !== undefined) {
    const backup = backupStart(region);
    const kept = [{ start: backup, end: region.end }];
    if (headers !== undefined) kept.push({ start: headers.mem, end: headers.mem + headers.memsz });
    words.push(...crashMemmap(region, kept, low));
  } else if (options.preserve && profile.exactMap) {
    const window = { start: options.memMin, end: (options.memMax ?? 0) + 1 };
    // A kernel that maps the headers as device memory must not have them as its RAM.
    const kept = profile.vmcoreNotInRam && headers !== undefined
      ? [{ start: headers.mem, end: headers.mem + headers.memsz }]
      : [];
    words.push(...crashMemmap(window, kept, low));
  }
  if (headers !== undefined) words.push(`elfcorehdr=${headers.mem / 1024}K`);
  const line = words.filter((word) => word !== "").join(" ");
  if (region === undefined) return line;
  const added = addBackup(line, backupStart(region));
  if (added.kind === "overflow") return undefined;
  return added.kind === "added" ? added.line : line;
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  whole.set(bytes.subarray(0, length));
  return whole;
}

/** Digest over what the segments will hold, zero-filled to their size in memory. */
function digestOf(parts: readonly { content: Uint8Array; memsz: number }[]): string {
  const hash = new Sha256();
  for (const { content, memsz } of parts) {
    hash.update(content);
    for (let left = memsz - content.length; left > 0; left -= PAGE_BYTES) {
      hash.update(new Uint8Array(Math.min(left, PAGE_BYTES)));
    }
  }
  return hash.hex();
}

/** Where the parts are, once they are placed. */
interface Places {
  readonly kernel: KernelSegment;
  readonly params: KernelSegment;
  readonly purgatory: KernelSegment;
  readonly initrd: KernelSegment | undefined;
  readonly headers: KernelSegment | undefined;
}

function placesOf(segments: readonly KernelSegment[]): Places | undefined {
  const at = (name: string): KernelSegment | undefined =>
    segments.find((segment) => segment.name === name);
  const kernel = at("kernel");
  const params = at("bootParams");
  const purgatory = at("purgatory");
  if (kernel === undefined || params === undefined || purgatory === undefined) return undefined;
  return { kernel, params, purgatory, initrd: at("initrd"), headers: at("elfcorehdr") };
}

/** boot_params and the command line behind it, or undefined when the line is too long. */
function parameterBlock(
  kernel: Kernel,
  options: KexecOptions,
  places: Places,
  bzImage: Uint8Array,
  initrdBytes: number,
  region: CrashRegion | undefined,
): Uint8Array | undefined {
  const line = commandLine(kernel, options, places.headers, region);
  if (line === undefined) return undefined;
  const lineBytes = new TextEncoder().encode(line);
  if (lineBytes.length + JUMP_BACK_SPARE_BYTES > COMMAND_LINE_BYTES) return undefined;
  const block = new Uint8Array(PAGE_BYTES + COMMAND_LINE_BYTES);
  block.set(emitBootParams({
    setupHeader: setupHeaderBytes(bzImage),
    loaderType: LOADER_KEXEC,
    commandLineAddress: places.params.mem + PAGE_BYTES,
    ramdiskAddress: places.initrd?.mem ?? 0,
    ramdiskBytes: initrdBytes,
    setupDataAddress: 0,
    acpiRsdpAddress: 0,
    e820: kernel.state.firmwareMap,
  }));
  block.set(lineBytes, PAGE_BYTES);
  return block;
}

interface Checked {
  readonly segment: KernelSegment;
  readonly content: Uint8Array;
}

/** Purgatory with what it is to check and where it is to go. */
function purgatoryProgram(
  kernel: Kernel,
  places: Places,
  checked: readonly Checked[],
  region: CrashRegion | undefined,
): Uint8Array {
  const entryOffset = kernel.profile.arch === "x86_64" ? ENTRY_64_OFFSET : 0;
  const table = emitPurgatory({
    digest: digestOf(checked.map(({ segment, content }) => ({ content, memsz: segment.memsz }))),
    kernelEntry: places.kernel.mem + entryOffset,
    bootParams: places.params.mem,
    commandLine: places.params.mem + PAGE_BYTES,
    segments: checked.map(({ segment }) => ({ start: segment.mem, length: segment.memsz })),
    wordBytes: kernel.profile.arch === "x86_64" ? 8 : 4,
    ...(region === undefined
      ? {}
      : { backup: { start: 0, length: LOW_BYTES, copy: backupStart(region) } }),
  });
  const body = padded(table, PURGATORY_BODY_BYTES);
  return stampProgram({ kind: STAMP_KIND.purgatory, version: 1, body });
}

/** The placed segments with what stands in them, purgatory's table made over the others. */
function withContents(
  kernel: Kernel,
  places: Places,
  placed: readonly KernelSegment[],
  made: {
    readonly kernel: Uint8Array;
    readonly params: Uint8Array;
    readonly initrd: Uint8Array;
    readonly headers: Uint8Array;
    readonly region: CrashRegion | undefined;
  },
): ToolSegment[] {
  const checked: Checked[] = [
    { segment: places.kernel, content: made.kernel },
    { segment: places.params, content: made.params },
  ];
  if (places.initrd !== undefined) checked.push({ segment: places.initrd, content: made.initrd });
  if (places.headers !== undefined) {
    checked.push({ segment: places.headers, content: made.headers });
  }
  const contents = new Map<KernelSegment, Uint8Array>(
    checked.map(({ segment, content }) => [segment, content]),
  );
  contents.set(places.purgatory, purgatoryProgram(kernel, places, checked, made.region));
  return placed.map((segment) => {
    const content = contents.get(segment);
    return content === undefined
      ? { ...segment, bufsz: 0 }
      : { ...segment, bufsz: content.length, content };
  });
}

/** Where all goes: the window of the options, or the reserved region below its backup. */
function windowOf(options: KexecOptions, region: CrashRegion | undefined) {
  if (region === undefined) {
    return { memMin: options.memMin, memMax: options.memMax ?? Number.MAX_SAFE_INTEGER };
  }
  return { memMin: region.start, memMax: backupStart(region) - 1 };
}

/** What is exchanged or kept besides: low memory by a segment of ours, or its backup. */
function besides(
  kernel: Kernel,
  options: KexecOptions,
  region: CrashRegion | undefined,
): ToolSegment[] {
  if (region !== undefined) {
    return [{ name: "backup", mem: backupStart(region), memsz: LOW_BYTES, bufsz: 0 }];
  }
  const low = options.preserve ? lowSegment(kernel) : undefined;
  return low === undefined ? [] : [low];
}

/** Makes everything out of the two files. */
export function buildImage(
  kernel: Kernel,
  options: KexecOptions,
  bzImage: Uint8Array,
  initrd: Uint8Array,
): BuiltImage {
  const region = options.crash ? crashRegion(kernel) : undefined;
  if (options.crash && region === undefined) return { kind: "refused", message: NO_REGION };
  const beside = options.preserve || region !== undefined;
  const headers = beside ? coreHeaders(kernel, options, region) : new Uint8Array();
  const placed = placeKernel({
    arch: kernel.profile.arch,
    kernel: { ...parseBzImage(bzImage), setupBytes: PAGE_BYTES },
    initrdBytes: initrd.length,
    cmdlineBytes: COMMAND_LINE_BYTES - JUMP_BACK_SPARE_BYTES,
    coreHeaderBytes: headers.length,
    purgatoryBytes: PURGATORY_BYTES,
    ...windowOf(options, region),
    ramRanges: ramRanges(kernel.state.map),
    fillHoles: options.preserve,
  });
  if (placed.kind === "refused") return placed;
  const places = placesOf(placed.segments);
  if (places === undefined) {
    return { kind: "refused", message: "Could not find a free area of memory" };
  }
  const params = parameterBlock(kernel, options, places, bzImage, initrd.length, region);
  if (params === undefined) return { kind: "refused", message: "Command line overflow" };
  const segments = withContents(kernel, places, placed.segments, {
    kernel: bzImageLoadBytes(bzImage),
    params,
    initrd,
    headers,
    region,
  });
  const all = [...besides(kernel, options, region), ...segments];
  return {
    kind: "built",
    segments: all.sort((one, other) => one.mem - other.mem),
    entry: places.purgatory.mem,
  };
}
