/**
 * `kexec -l` and `kexec --load-preserve-context` of a kernel (protocol.md B.4.3 step 3).
 *
 * @module
 */
import { fromHex, toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { bzImageLoadBytes } from "../../machine/formats/bzimage.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { list, oneOf, record, text } from "../../machine/messages/shape.ts";
import { USER_SEGMENTS } from "../kernel/kexec_load.ts";
import type { Kernel } from "../kernel/kernel_context.ts";
import { KEXEC_FLAG } from "../kernel/load_checks.ts";
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
import { plainRuns, readAs, runRanges } from "../kernel/values.ts";
import {
  fileOf,
  gather,
  optionsOf,
  scatter,
  takeFile,
  tooLarge,
  type UserFile,
  userPages,
} from "./kexec_files.ts";
import { notLoadable } from "./image_type.ts";
import { dies } from "./kexec_messages.ts";
import type { KexecOptions } from "./kexec_options.ts";
import { buildImage, type ToolSegment } from "./kexec_image.ts";

/** Where a segment's content comes from: a file, or hexadecimal bytes of the tool's making. */
const CONTENTS = list(
  record({ from: oneOf("kernel", "initrd", "tool", "nothing"), bytes: text }),
);

function initrdOf(vars: Vars): UserFile | undefined {
  return vars["initrd"] === undefined ? undefined : fileOf(vars, "initrd");
}

function fileRanges(vars: Vars): { start: number; length: number }[] {
  return runRanges([...fileOf(vars, "kernel").runs, ...initrdOf(vars)?.runs ?? []]);
}

function contentOf(segment: ToolSegment): { from: string; bytes: string } {
  if (segment.content === undefined) return { from: "nothing", bytes: "" };
  if (segment.name === "kernel" || segment.name === "initrd") {
    return { from: segment.name, bytes: "" };
  }
  return { from: "tool", bytes: toHex(segment.content) };
}

function build(kernel: Kernel, vars: Vars, image: Uint8Array, initrd: Uint8Array): Next {
  const options = optionsOf(vars);
  let built;
  try {
    built = buildImage(kernel, options, image, initrd);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const why = `Cannot determine the file type of ${options.file}: ${
      notLoadable(image, error.message)
    }`;
    return dies(kernel, 1, why);
  }
  if (built.kind === "refused") return dies(kernel, 1, ...built.message.split("\n"));
  const segments = [];
  for (const segment of built.segments) {
    const pages = Math.ceil((segment.content?.length ?? 0) / PAGE_BYTES);
    const buffer = userPages(kernel, pages, segment.name);
    if (buffer === undefined) return tooLarge(kernel, options, pages);
    const { mem, memsz, bufsz } = segment;
    segments.push({ mem, memsz, bufsz, buffer: plainRuns(buffer) });
  }
  vars["segments"] = segments;
  vars["contents"] = built.segments.map(contentOf);
  vars["entry"] = built.entry;
  return next;
}

/** Flags of a load; v7 names all state that is to be kept, later kernels have one flag for it. */
function loadFlags({ profile }: Kernel, { flags, crash, preserve }: KexecOptions): number {
  if (crash) return KEXEC_FLAG.onCrash;
  return flags ?? (preserve ? profile.stateFlags || KEXEC_FLAG.preserveContext : 0);
}

/** `kexec -l` of a kernel: vars {argv}. */
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
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", { by: kernel.name, ranges: fileRanges(vars), write: false }),
    then: (kernel, vars, _answer, access) => {
      const initrd = initrdOf(vars);
      return build(
        kernel,
        vars,
        gather(access, fileOf(vars, "kernel")),
        initrd === undefined ? new Uint8Array() : gather(access, initrd),
      );
    },
  },
  {
    name: "fill",
    run: (kernel, vars) => {
      const buffers = readAs(USER_SEGMENTS, vars["segments"]).flatMap(({ buffer }) =>
        runRanges(buffer)
      );
      const ranges = [...fileRanges(vars), ...buffers];
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (_kernel, vars, _answer, access) => {
      const segments = readAs(USER_SEGMENTS, vars["segments"]);
      readAs(CONTENTS, vars["contents"]).forEach(({ from, bytes }, index) => {
        const buffer = segments[index]?.buffer ?? [];
        const initrd = initrdOf(vars);
        if (from === "kernel") {
          scatter(access, buffer, bzImageLoadBytes(gather(access, fileOf(vars, "kernel"))));
        } else if (from === "initrd" && initrd !== undefined) {
          scatter(access, buffer, gather(access, initrd));
        } else if (from === "tool") scatter(access, buffer, fromHex(bytes));
      });
      return next;
    },
  },
  {
    name: "load",
    run: (kernel, vars) =>
      call("kexec_call_load", {
        segments: vars["segments"] ?? [],
        entry: vars["entry"] ?? 0,
        flags: loadFlags(kernel, optionsOf(vars)),
      }),
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of this module. */
export const KEXEC_KERNEL_PROCEDURES: readonly Procedure[] = [loadKernel];
