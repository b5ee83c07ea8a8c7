/**
 * kexec(8) as a procedure over system calls: loads a kernel for a jump, a memory image for the
 * way back, or the helper that jumps back; executes what is loaded.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import { EM_386, EM_X86_64, parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { endOf, ramRanges } from "../../machine/formats/e820.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { countPages, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import type { Access } from "../../machine/access.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { fieldsOf } from "../kernel/boot.ts";
import { ERRNO, errnoText } from "../kernel/errno.ts";
import type { UserSegment } from "../kernel/kexec_load.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { KEXEC_FLAG, SEGMENTS_MAX } from "../kernel/load_checks.ts";
import {
  ask,
  call,
  done,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { grantRanges } from "../kernel/state_pages.ts";
import { buildImage } from "./kexec_image.ts";
import { type KexecOptions, parseKexec } from "./kexec_options.ts";

/** A file read into the process's memory. */
interface UserFile {
  readonly runs: readonly PageRun[];
  readonly size: number;
}

/** Prints what went wrong and ends the program. */
function die(kernel: Kernel, message: string, status = 1): Next {
  for (const line of message.split("\n")) kernel.print(line);
  kernel.process.message = message.split("\n").join(" ");
  return done(status);
}

function optionsOf(vars: Vars): KexecOptions {
  // Only `parseKexec` fills it.
  return vars["options"] as unknown as KexecOptions;
}

function fileOf(vars: Vars, name: string): UserFile {
  return vars[name] as unknown as UserFile;
}

/** Memory of the process: pages of which each range is contiguous as far as possible. */
function userPages(kernel: Kernel, pages: number, purpose: string): readonly PageRun[] | undefined {
  const runs = kernel.allocate({ pages, flags: FRAME.user, owner: kernel.process.pid });
  if (runs !== undefined) kernel.process.memory.push({ purpose, runs });
  return runs;
}

/** Ranges that cover runs of pages, each at most 1 MiB. */
function rangesOf(runs: readonly PageRun[]): { start: number; length: number }[] {
  return runs.flatMap(({ pfn, count }) => grantRanges(pfn * PAGE_BYTES, count * PAGE_BYTES));
}

/** The first `size` bytes that stand in pages. */
function gather(access: Access, file: UserFile): Uint8Array {
  const bytes = new Uint8Array(file.size);
  let at = 0;
  for (const { start, length } of rangesOf(file.runs)) {
    if (at >= file.size) break;
    const part = Math.min(length, file.size - at);
    bytes.set(access.read(start, length).subarray(0, part), at);
    at += part;
  }
  return bytes;
}

/** Puts bytes into pages, the rest of the last one zero. */
function scatter(access: Access, runs: readonly PageRun[], bytes: Uint8Array): void {
  let at = 0;
  for (const { start, length } of rangesOf(runs)) {
    const room = access.writable(start, length);
    const part = bytes.subarray(at, at + length);
    room.set(part);
    room.fill(0, part.length);
    at += length;
  }
}

function mebibytes(pages: number): string {
  return `${(pages * PAGE_BYTES / 0x10_0000).toFixed(1)} MiB`;
}

const tooLarge = (kernel: Kernel, vars: Vars, pages: number): Next => {
  const free = countPages(kernel.state.free);
  const has = optionsOf(vars).action === "load" && optionsOf(vars).argsNone;
  const twice = has ? ` and as much again for its source pages` : "";
  return die(
    kernel,
    `kexec: ${optionsOf(vars).file} needs ${mebibytes(pages)}${twice}, ` +
      `${mebibytes(free)} are free: ${errnoText(ERRNO.ENOMEM)}`,
  );
};

/** Reads a whole file into memory of the process: vars {path, verify?}, value {runs, size}. */
const readFile = procedure("kexec_read_file", [
  {
    name: "stat",
    run: (_kernel, vars) => call("fs_stat", { path: textOf(vars["path"]) }),
    then: (_kernel, vars, answer) => {
      if (typeof answer === "number") return done(answer);
      vars["size"] = numberOf(fieldsOf(answer)["size"]);
      return next;
    },
  },
  {
    name: "memory",
    run: (kernel, vars) => {
      const pages = Math.max(1, Math.ceil(numberOf(vars["size"]) / PAGE_BYTES));
      const runs = userPages(kernel, pages, textOf(vars["path"]));
      if (runs === undefined) return done(-ERRNO.ENOMEM);
      vars["runs"] = runs as unknown as Plain;
      return next;
    },
  },
  {
    name: "read",
    run: (_kernel, vars) =>
      call("fs_read", {
        path: vars["path"] ?? "",
        offset: 0,
        length: vars["size"] ?? 0,
        runs: vars["runs"] ?? [],
        ...(vars["verify"] === undefined ? {} : { verify: vars["verify"] }),
      }),
    then: (_kernel, vars, answer) => {
      if (typeof answer === "number" && answer < 0) return done(answer);
      const bad = fieldsOf(answer)["mismatches"] ?? [];
      return done({ runs: vars["runs"] ?? [], size: vars["size"] ?? 0, mismatches: bad });
    },
  },
]);

function takeFile(kernel: Kernel, vars: Vars, answer: Plain, name: string, path: string): Next {
  if (answer === -ERRNO.ENOMEM) {
    const size = numberOf(vars["size"] ?? 0);
    return tooLarge(kernel, vars, Math.ceil(size / PAGE_BYTES));
  }
  if (typeof answer === "number") {
    return die(kernel, `Cannot open ${path}: ${errnoText(answer)}`);
  }
  vars[name] = answer;
  return next;
}

/** `kexec -e`. */
const execute = procedure("kexec_exec", [
  {
    name: "loaded",
    run: (kernel) => {
      const { image } = kernel.state;
      if (image === null) return die(kernel, "Nothing has been loaded!");
      if (image.start === 0) {
        return die(
          kernel,
          "kexec: the loaded image was entered and left no way back; load it again",
        );
      }
      return next;
    },
  },
  { name: "sync", run: () => call("fs_sync") },
  {
    name: "reboot",
    run: () => call("sys_reboot_kexec"),
    then: (kernel, _vars, answer) => {
      const result = typeof answer === "number" ? answer : 0;
      if (result < 0) return die(kernel, `kexec failed: ${errnoText(result)}`);
      // Today's tool takes any return for a failure and prints a stale errno (recorded fact 19).
      if (kernel.profile.execReportsFailure) {
        return die(kernel, "kexec failed: Bad file descriptor", 255);
      }
      return done();
    },
  },
]);

/** Calls kexec_load with segments and says what the kernel answered. */
const load = procedure("kexec_call_load", [
  {
    name: "call",
    run: (kernel, vars) => {
      const segments = Array.isArray(vars["segments"]) ? vars["segments"] : [];
      if (segments.length > SEGMENTS_MAX) {
        kernel.print("Warning: kernel segment limit reached. This will likely fail");
      }
      return call("sys_kexec_load", {
        segments: vars["segments"] ?? [],
        entry: vars["entry"] ?? 0,
        flags: vars["flags"] ?? 0,
      });
    },
    then: (kernel, vars, answer) => {
      if (typeof answer !== "number" || answer >= 0) return done();
      const wanted = numberOf(vars["pages"] ?? 0);
      const figures = answer === -ERRNO.ENOMEM
        ? ` (${mebibytes(wanted)} of source pages wanted, ${
          mebibytes(countPages(kernel.state.free))
        } free)`
        : answer === -ERRNO.EINVAL && kernel.profile.halfRam
        ? ` (${mebibytes(wanted)} in segments, half of RAM is ${
          mebibytes(Math.floor((kernel.state.layout?.frameCount ?? 0) / 2))
        })`
        : "";
      return die(kernel, `kexec_load failed: ${errnoText(answer)}${figures}`, 255);
    },
  },
]);

/** `kexec -l` of a kernel: vars {options}. */
const loadKernel = procedure("kexec_load_kernel", [
  {
    name: "kernel file",
    run: (_kernel, vars) => call("kexec_read_file", { path: optionsOf(vars).file }),
    then: (kernel, vars, answer) => takeFile(kernel, vars, answer, "kernel", optionsOf(vars).file),
  },
  {
    name: "initrd file",
    run: (_kernel, vars) =>
      optionsOf(vars).initrd === ""
        ? goto("build")
        : call("kexec_read_file", { path: optionsOf(vars).initrd }),
    then: (kernel, vars, answer) =>
      takeFile(kernel, vars, answer, "initrd", optionsOf(vars).initrd),
  },
  {
    name: "build",
    run: (kernel, vars) => {
      const initrd = vars["initrd"] === undefined ? [] : fileOf(vars, "initrd").runs;
      const ranges = rangesOf([...fileOf(vars, "kernel").runs, ...initrd]);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then: (kernel, vars, _answer, access) => {
      const options = optionsOf(vars);
      const initrd = vars["initrd"] === undefined
        ? new Uint8Array()
        : gather(access, fileOf(vars, "initrd"));
      const image = gather(access, fileOf(vars, "kernel"));
      let built;
      try {
        built = buildImage(kernel, options, image, initrd);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        return die(kernel, `Cannot determine the file type of ${options.file}: ${error.message}`);
      }
      if (built.kind === "refused") return die(kernel, built.message);
      const segments: UserSegment[] = [];
      for (const segment of built.segments) {
        const pages = Math.ceil((segment.content?.length ?? 0) / PAGE_BYTES);
        const buffer = userPages(kernel, pages, segment.name);
        if (buffer === undefined) return tooLarge(kernel, vars, pages);
        const { mem, memsz, bufsz } = segment;
        segments.push({ mem, memsz, bufsz, buffer });
      }
      vars["segments"] = segments as unknown as Plain;
      vars["entry"] = built.entry;
      return next;
    },
  },
  {
    name: "fill",
    run: (kernel, vars) => {
      const segments = vars["segments"] as unknown as readonly UserSegment[];
      const files = [
        ...fileOf(vars, "kernel").runs,
        ...(vars["initrd"] === undefined ? [] : fileOf(vars, "initrd").runs),
      ];
      const buffers = segments.flatMap((segment) => rangesOf(segment.buffer));
      vars["readable"] = rangesOf(files).length;
      return ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: [...rangesOf(files), ...buffers],
        write: true,
      });
    },
    then: (kernel, vars, _answer, access) => {
      const initrd = vars["initrd"] === undefined
        ? new Uint8Array()
        : gather(access, fileOf(vars, "initrd"));
      const built = buildImage(
        kernel,
        optionsOf(vars),
        gather(access, fileOf(vars, "kernel")),
        initrd,
      );
      if (built.kind !== "built") throw new Error("The same image was built a moment ago");
      const segments = vars["segments"] as unknown as readonly UserSegment[];
      built.segments.forEach((segment, index) => {
        const buffer = segments[index]?.buffer;
        if (segment.content !== undefined && buffer !== undefined) {
          scatter(access, buffer, segment.content);
        }
      });
      return next;
    },
  },
  {
    name: "load",
    run: (_kernel, vars) => {
      const segments = vars["segments"] as unknown as readonly UserSegment[];
      const pages = segments.reduce((sum, { memsz }) => sum + memsz / PAGE_BYTES, 0);
      return call("kexec_call_load", {
        segments: vars["segments"] ?? [],
        entry: vars["entry"] ?? 0,
        flags: optionsOf(vars).preserve ? KEXEC_FLAG.preserveContext : 0,
        pages,
      });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** The PT_LOADs of a memory image as segments whose buffers are pages of the file. */
function imageSegments(
  kernel: Kernel,
  options: KexecOptions,
  file: UserFile,
  header: Uint8Array,
): { readonly segments: UserSegment[]; readonly entry: number } | string {
  const elf = parseElf(header);
  const { profile } = kernel;
  const wanted = profile.arch === "i386" ? EM_386 : EM_X86_64;
  if (elf.header.machine !== wanted && elf.header.machine !== EM_386) {
    return `${options.file}: machine ${elf.header.machine} is not this kernel's (${wanted})`;
  }
  const pages = file.runs.flatMap(({ pfn, count }) =>
    Array.from({ length: count }, (_unused, index) => pfn + index)
  );
  const ram = ramRanges(kernel.state.map);
  const segments: UserSegment[] = [];
  for (const program of elf.programs) {
    if (program.type !== PT_LOAD || program.memsz === 0) continue;
    const { paddr: mem, memsz, filesz: bufsz, offset } = program;
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
    segments.push({ mem, memsz, bufsz, buffer: part.map((pfn) => ({ pfn, count: 1 })) });
  }
  return {
    segments: segments.map((segment) => ({ ...segment, buffer: compact(segment.buffer) })),
    entry: options.entry ?? elf.header.entry,
  };
}

/** Joins neighbouring runs without sorting them. */
function compact(runs: readonly PageRun[]): PageRun[] {
  const joined: { pfn: number; count: number }[] = [];
  for (const run of runs) {
    const last = joined.at(-1);
    if (last !== undefined && last.pfn + last.count === run.pfn) last.count += run.count;
    else joined.push({ pfn: run.pfn, count: run.count });
  }
  return joined;
}

/** Names the first damaged place of an image that failed its sums. */
function damage(kernel: Kernel, options: KexecOptions, header: Uint8Array, offset: number): Next {
  let place = "";
  try {
    const program = parseElf(header).programs.find((one) =>
      one.offset <= offset && offset < one.offset + one.filesz
    );
    if (program !== undefined) {
      place = `, physical address 0x${(program.paddr + offset - program.offset).toString(16)}`;
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return die(
    kernel,
    `${options.file}: SHA-256 of the 64 KiB at file offset ${offset}${place} is not the one ` +
      "that was saved; nothing was loaded (--no-verify loads it all the same)",
  );
}

/** `kexec -l --args-none` of a memory image: vars {options, verify?}. */
const loadMemory = procedure("kexec_load_memory", [
  {
    name: "file",
    run: (_kernel, vars) =>
      call("kexec_read_file", {
        path: optionsOf(vars).file,
        ...(vars["verify"] === undefined ? {} : { verify: vars["verify"] }),
      }),
    then: (kernel, vars, answer) => {
      if (answer === -ERRNO.ENOMEM) return goto("stat for message");
      return takeFile(kernel, vars, answer, "image", optionsOf(vars).file);
    },
  },
  {
    name: "headers",
    run: (kernel, vars) => {
      const [run] = fileOf(vars, "image").runs;
      const start = (run?.pfn ?? 0) * PAGE_BYTES;
      const ranges = [{ start, length: PAGE_BYTES }];
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then: (kernel, vars, _answer, access) => {
      const options = optionsOf(vars);
      const file = fileOf(vars, "image");
      const header = access.read((file.runs[0]?.pfn ?? 0) * PAGE_BYTES, PAGE_BYTES).slice(
        0,
        file.size,
      );
      const bad = fieldsOf(vars["image"] ?? {})["mismatches"];
      if (Array.isArray(bad) && bad.length > 0) {
        return damage(kernel, options, header, numberOf(fieldsOf(bad[0] ?? {})["fileOffset"]));
      }
      try {
        const built = imageSegments(kernel, options, file, header);
        if (typeof built === "string") return die(kernel, built);
        vars["segments"] = built.segments as unknown as Plain;
        vars["entry"] = built.entry;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        return die(kernel, `Cannot determine the file type of ${options.file}: ${error.message}`);
      }
      return goto("load");
    },
  },
  {
    name: "stat for message",
    run: (_kernel, vars) => call("fs_stat", { path: optionsOf(vars).file }),
    then: (kernel, vars, answer) => {
      const size = typeof answer === "number" ? 0 : numberOf(fieldsOf(answer)["size"]);
      return tooLarge(kernel, vars, Math.ceil(size / PAGE_BYTES));
    },
  },
  {
    name: "load",
    run: (_kernel, vars) => {
      const segments = vars["segments"] as unknown as readonly UserSegment[];
      return call("kexec_call_load", {
        segments: vars["segments"] ?? [],
        entry: vars["entry"] ?? 0,
        flags: 0,
        pages: segments.reduce((sum, { memsz }) => sum + memsz / PAGE_BYTES, 0),
      });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Which of the procedures above an option set asks for. */
function dispatch(kernel: Kernel, vars: Vars, options: KexecOptions): Next {
  switch (options.action) {
    case "exec":
      return call("kexec_exec");
    case "unload":
      return call("kexec_call_load", { segments: [], entry: 0, flags: 0 });
    case "helper":
      if (kernel.state.image !== null) {
        return die(kernel, "There is kexec kernel loaded, make sure it is unloaded.", 255);
      }
      return call("kexec_call_load", {
        segments: [{ mem: 0, memsz: 0, bufsz: 0, buffer: [] }],
        entry: options.entry ?? 0,
        flags: KEXEC_FLAG.preserveContext,
      });
    case "load":
      return call(options.argsNone ? "kexec_load_memory" : "kexec_load_kernel", {
        options: { ...options },
        ...(vars["verify"] === undefined ? {} : { verify: vars["verify"] }),
      });
  }
}

/** `program:kexec` {argv, verify?: sums of 64 KiB}. */
const kexec = procedure("program:kexec", [
  {
    name: "run",
    run: (kernel, vars) => {
      const argv = Array.isArray(vars["argv"]) ? vars["argv"].map(String) : [];
      const parsed = parseKexec(argv.slice(1));
      if (parsed.kind === "refused") return die(kernel, parsed.message, parsed.status);
      return dispatch(kernel, vars, parsed.options);
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of the tool. */
export const KEXEC_PROCEDURES: readonly Procedure[] = [
  kexec,
  execute,
  load,
  loadKernel,
  loadMemory,
  readFile,
];
