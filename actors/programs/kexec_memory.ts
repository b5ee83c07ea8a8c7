/**
 * `kexec -l --args-none --entry=… dump.elf`: a memory image as an ordinary image, one segment for
 * each PT_LOAD (protocol.md B.4.3 step 7).
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import { EM_386, EM_X86_64, parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { endOf, ramRanges } from "../../machine/formats/e820.ts";
import {
  isKimgcore,
  type KimgcoreHeader,
  kimgcoreHeaderBytes,
  parseKimgcore,
} from "../../machine/formats/kimgcore.ts";
import {
  countPages,
  fromRuns,
  intersect,
  PAGE_BYTES,
  type PageRun,
  rangesToRuns,
  subtract,
} from "../../machine/formats/page_runs.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { ERRNO } from "../kernel/errno.ts";
import type { UserSegment } from "../kernel/kexec_load.ts";
import { type Kernel, numberOf } from "../kernel/kernel_context.ts";
import { KEXEC_FLAG } from "../kernel/load_checks.ts";
import {
  ask,
  call,
  done,
  goto,
  type Next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import { fieldsOf, plainRuns, runRanges } from "../kernel/values.ts";
import { notLoadable } from "./image_type.ts";
import { fileOf, gather, optionsOf, takeFile, tooLarge, type UserFile } from "./kexec_files.ts";
import { dies } from "./kexec_messages.ts";
import type { KexecOptions } from "./kexec_options.ts";
import {
  inOrder,
  KIMGCORE_LOAD_PROCEDURES,
  kimgcoreSegments,
  kimgcoreTruncation,
} from "./kimgcore_load.ts";

/** Pages of a file in which its headers are looked for: a core of many segments has long ones. */
const HEADER_PAGES = 16;

function headerRuns(file: UserFile): PageRun[] {
  return inOrder(fromRuns(file.runs).slice(0, HEADER_PAGES));
}

interface MemoryImage {
  readonly segments: readonly UserSegment[];
  readonly entry: number;
}

/** Where the tool finds segments that overlap: the end of the lower one; or `undefined`. */
function overlapAt(segments: readonly UserSegment[]): number | undefined {
  let end = 0;
  for (const { mem, memsz } of [...segments].sort((one, other) => one.mem - other.mem)) {
    if (end > mem) return end;
    end = mem + memsz;
  }
  return undefined;
}

/** The PT_LOADs of a memory image as segments whose buffers are pages of the file, or why not. */
function imageSegments(
  kernel: Kernel,
  options: KexecOptions,
  file: UserFile,
  header: Uint8Array,
): MemoryImage | string {
  const elf = parseElf(header);
  const wanted = kernel.profile.arch === "i386" ? EM_386 : EM_X86_64;
  if (elf.header.machine !== wanted) {
    return `${options.file}: ELF machine ${elf.header.machine}, this kernel takes ${wanted}`;
  }
  const pages = fromRuns(file.runs);
  const ram = ramRanges(kernel.state.map);
  const segments: UserSegment[] = [];
  for (const program of elf.programs) {
    if (program.type !== PT_LOAD || program.memsz === 0) continue;
    const { paddr: mem, filesz: bufsz, offset } = program;
    // The tool passes whole pages, and looks whether these are RAM (recorded fact 22).
    const memsz = Math.ceil(program.memsz / PAGE_BYTES) * PAGE_BYTES;
    const end = mem + memsz;
    if (!ram.some((range) => range.start <= mem && end <= endOf(range))) {
      return `Invalid memory segment 0x${mem.toString(16)} - 0x${(end - 1).toString(16)}`;
    }
    if (offset % PAGE_BYTES !== 0) {
      return `${options.file}: segment data at file offset ${offset} is not page-aligned`;
    }
    if (offset + bufsz > file.size) {
      return `${options.file}: truncated: segment at 0x${mem.toString(16)} ends at file offset ` +
        `${offset + bufsz}, the file has ${file.size} bytes`;
    }
    const first = offset / PAGE_BYTES;
    const part = pages.slice(first, first + Math.ceil(bufsz / PAGE_BYTES));
    segments.push({ mem, memsz, bufsz, buffer: inOrder(part) });
  }
  return { segments, entry: options.entry ?? elf.header.entry };
}

function loadFlags({ flags, preserve }: KexecOptions): number {
  return flags ?? (preserve ? KEXEC_FLAG.preserveContext : 0);
}

/** With a context to preserve, all of the window that no segment has is exchanged (B.4.3 d). */
function backups(kernel: Kernel, options: KexecOptions, built: MemoryImage): UserSegment[] {
  if (!options.preserve) return [];
  const { memMin, memMax } = options;
  const window = rangesToRuns([{ start: memMin, end: (memMax ?? 0) + 1 }]);
  const used = rangesToRuns(built.segments.map(({ mem, memsz }) => ({
    start: mem,
    end: mem + memsz,
  })));
  const ram = rangesToRuns(
    ramRanges(kernel.state.map).map((range) => ({ start: range.start, end: endOf(range) })),
  );
  return subtract(intersect(window, ram), used).map(({ pfn, count }) => ({
    mem: pfn * PAGE_BYTES,
    memsz: count * PAGE_BYTES,
    bufsz: 0,
    buffer: [],
  }));
}

/** Names the first damaged place of an image that failed its sums. */
function damage(kernel: Kernel, options: KexecOptions, header: Uint8Array, offset: number): Next {
  let place = "";
  try {
    const program = parseElf(header).programs.find((one) =>
      one.type === PT_LOAD && one.offset <= offset && offset < one.offset + one.filesz
    );
    if (program !== undefined) {
      place = `, physical address 0x${(program.paddr + offset - program.offset).toString(16)}`;
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return dies(
    kernel,
    1,
    `${options.file}: SHA-256 of the 64 KiB at file offset ${offset}${place} is not the one ` +
      "that was saved; nothing was loaded (--no-verify loads it all the same)",
  );
}

function firstMismatch(mismatches: Plain): number | undefined {
  const [first] = Array.isArray(mismatches) ? mismatches : [];
  if (first === undefined) return undefined;
  return typeof first === "number" ? first : numberOf(fieldsOf(first)["fileOffset"]);
}

/** An image of B, whose data begin in the middle of a page of the file (protocol.md B.3.2). */
function kimgcoreHeaders(
  kernel: Kernel,
  vars: { [name: string]: Plain },
  options: KexecOptions,
  header: KimgcoreHeader,
): Next {
  const { size, runs } = fileOf(vars, "image");
  const wanted = kernel.profile.arch === "i386" ? EM_386 : EM_X86_64;
  const why = header.machine === wanted
    ? kimgcoreTruncation(header, size)
    : `ELF machine ${header.machine}, this kernel takes ${wanted}`;
  if (why !== undefined) return dies(kernel, 1, `${options.file}: ${why}`);
  vars["segments"] = kimgcoreSegments(header, runs).map((segment) => ({
    ...segment,
    buffer: plainRuns(segment.buffer),
  }));
  vars["entry"] = options.entry ?? header.entry;
  vars["shift"] = kimgcoreHeaderBytes(header.segments.length);
  return goto("kimgcore");
}

function readHeaders(
  kernel: Kernel,
  vars: { [name: string]: Plain },
  header: Uint8Array,
): Next {
  const options = optionsOf(vars);
  const file = fileOf(vars, "image");
  const bad = firstMismatch(file.mismatches);
  if (bad !== undefined) return damage(kernel, options, header, bad);
  if (isKimgcore(header)) return kimgcoreHeaders(kernel, vars, options, parseKimgcore(header));
  try {
    const built = imageSegments(kernel, options, file, header);
    if (typeof built === "string") return dies(kernel, 1, built);
    const overlap = overlapAt(built.segments);
    if (overlap !== undefined) {
      const why = `Overlapping memory segments at 0x${overlap.toString(16)}`;
      return dies(kernel, 255, why);
    }
    vars["segments"] = [...built.segments, ...backups(kernel, options, built)].map((segment) => ({
      ...segment,
      buffer: plainRuns(segment.buffer),
    }));
    vars["entry"] = built.entry;
    return goto("load");
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const why = `Cannot determine the file type of ${options.file}: ${
      notLoadable(header, error.message)
    }`;
    return dies(kernel, 1, why);
  }
}

/**
 * `kexec -l --args-none` of a memory image: vars {argv, verify?, image?}; with `image`, a
 * `UserFile`, the file is in memory already.
 */
const loadMemory = procedure("kexec_load_memory", [
  {
    name: "file",
    run: (_kernel, vars) =>
      vars["image"] !== undefined ? goto("headers") : call("kexec_read_file", {
        path: optionsOf(vars).file,
        ...(vars["verify"] === undefined ? {} : { verify: vars["verify"] }),
      }),
    then: (kernel, vars, answer) =>
      answer === -ERRNO.ENOMEM
        ? goto("size for the message")
        : takeFile(kernel, vars, answer, "image", optionsOf(vars).file),
  },
  {
    name: "headers",
    run: (kernel, vars) => {
      const ranges = runRanges(headerRuns(fileOf(vars, "image")));
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then: (kernel, vars, _answer, access) => {
      const file = fileOf(vars, "image");
      const runs = headerRuns(file);
      const size = Math.min(file.size, countPages(runs) * PAGE_BYTES);
      return readHeaders(kernel, vars, gather(access, { ...file, runs, size }));
    },
  },
  {
    name: "kimgcore",
    run: (_kernel, vars) =>
      call("kimgcore_ready", {
        path: optionsOf(vars).file,
        runs: plainRuns(fileOf(vars, "image").runs),
        shift: vars["shift"] ?? 0,
      }),
    then: (_kernel, _vars, answer) => answer === 0 ? goto("load") : done(answer),
  },
  {
    name: "size for the message",
    run: (_kernel, vars) => call("fs_stat", { path: optionsOf(vars).file }),
    then: (kernel, vars, answer) => {
      const size = typeof answer === "number" ? 0 : numberOf(fieldsOf(answer)["size"]);
      return tooLarge(kernel, optionsOf(vars), Math.ceil(size / PAGE_BYTES));
    },
  },
  {
    name: "load",
    run: (_kernel, vars) =>
      call("kexec_call_load", {
        segments: vars["segments"] ?? [],
        entry: vars["entry"] ?? 0,
        flags: loadFlags(optionsOf(vars)),
      }),
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of this module. */
export const KEXEC_MEMORY_PROCEDURES: readonly Procedure[] = [
  loadMemory,
  ...KIMGCORE_LOAD_PROCEDURES,
];
