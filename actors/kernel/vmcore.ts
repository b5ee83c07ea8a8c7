/**
 * /proc/vmcore: the previous kernel's memory as its core headers describe it (protocol.md E.2),
 * rebuilt by the kernel that was started beside it.
 *
 * @module
 */
import { cutRanges } from "../../machine/grant_ranges.ts";
import type { Access } from "../../machine/access.ts";
import { fromHex, toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { parseElf } from "../../machine/formats/elf.ts";
import { findVmcoreinfo, notesLength, parseNotes } from "../../machine/formats/elf_notes.ts";
import {
  coreNoteBuffers,
  type LayoutSegment,
  type NoteBuffer,
  vmcoreLayout,
} from "../../machine/formats/vmcore.ts";
import {
  type Infer,
  list,
  natural,
  type Plain,
  record,
  type Shape,
  text,
} from "../../machine/messages/shape.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import { ask, call, done, next, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { RANGES, readAs } from "./values.ts";

const E820_RAM = 1;

/** Shape of {@linkcode Vmcore}. */
export const VMCORE = record({
  /** ELF class and machine of the core headers. */
  class: natural,
  machine: natural,
  /** ELF header and program headers of the file, in hexadecimal. */
  header: text,
  /** All notes, merged, in hexadecimal, and where in the file they are. */
  notes: text,
  noteOffset: natural,
  /** Length of the file it would be. */
  fileLength: natural,
  /** Where each stretch of the file has its bytes. */
  segments: list(
    record({ fileOffset: natural, physical: natural, length: natural, source: natural }),
  ),
});

/** What `vmcore_open` gives. */
export type Vmcore = Infer<typeof VMCORE>;

const BUFFERS: Shape<readonly NoteBuffer[]> = list(record({ paddr: natural, size: natural }));

/** A procedure's value as a vmcore. */
export function vmcoreOf(value: Plain | undefined): Vmcore {
  return readAs(VMCORE, value);
}

/** The VMCOREINFO pairs of a vmcore's notes, if there are any. */
export function vmcoreinfoIn(vmcore: Vmcore): Map<string, string> | undefined {
  return findVmcoreinfo(parseNotes(fromHex(vmcore.notes)));
}

/** Where the content of a physical range is now; `undefined` if the vmcore does not have it. */
export function sourceRanges(
  vmcore: { readonly segments: readonly LayoutSegment[] },
  start: number,
  length: number,
): Range[] | undefined {
  const found: Range[] = [];
  for (let at = start; at < start + length;) {
    const here = at;
    const segment = vmcore.segments.find((each) =>
      here >= each.physical && here < each.physical + each.length
    );
    if (segment === undefined) return undefined;
    const end = Math.min(start + length, segment.physical + segment.length);
    found.push({ start: segment.source + at - segment.physical, length: end - at });
    at = end;
  }
  return found;
}

function headerRange(kernel: Kernel): Range | undefined {
  const { vmcore } = kernel.state;
  return vmcore === undefined ? undefined : { start: vmcore.address, length: vmcore.bytes };
}

function joined(access: Access, ranges: readonly Range[]): Uint8Array {
  const bytes = new Uint8Array(ranges.reduce((sum, range) => sum + range.length, 0));
  let at = 0;
  for (const { start, length } of ranges) {
    bytes.set(access.read(start, length), at);
    at += length;
  }
  return bytes;
}

/** Whether all of a range is memory of the machine. */
function isMemory(kernel: Kernel, { start, length }: Range): boolean {
  return kernel.state.firmwareMap.some((entry) =>
    entry.type === E820_RAM && entry.start <= start && start + length <= entry.start + entry.length
  );
}

/** Whether a range can be read as the previous kernel's: some kernels cannot map their own RAM. */
function isReadable(kernel: Kernel, range: Range): boolean {
  if (!isMemory(kernel, range)) return false;
  if (!kernel.profile.vmcoreNotInRam) return true;
  const { start, length } = range;
  return !kernel.state.map.some((entry) =>
    entry.type === E820_RAM && entry.start < start + length && start < entry.start + entry.length
  );
}

/** Reads what the core headers say of the notes; 0 or a negative errno. */
function takeBuffers(kernel: Kernel, vars: Vars, bytes: Uint8Array): number {
  try {
    const buffers = coreNoteBuffers(bytes).filter((buffer) => buffer.size > 0);
    vars["buffers"] = buffers.map(({ paddr, size }) => ({ paddr, size }));
    const ranges = buffers.map(({ paddr, size }) => ({ start: paddr, length: size }));
    vars["ranges"] = ranges;
    return ranges.every((range) => isReadable(kernel, range)) ? 0 : -ERRNO.EFAULT;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    kernel.note(`vmcore: Core image elf header is not sane: ${error.message}`);
    return -ERRNO.EINVAL;
  }
}

/** All notes, merged: of each buffer what stands before its end. */
function mergedNotes(vars: Vars, access: Access): Uint8Array {
  const buffers = readAs(BUFFERS, vars["buffers"]);
  const notes = buffers.map(({ paddr, size }) => {
    const buffer = joined(access, cutRanges([{ start: paddr, length: size }]));
    return buffer.subarray(0, notesLength(buffer));
  });
  const merged = new Uint8Array(notes.reduce((sum, note) => sum + note.length, 0));
  let at = 0;
  for (const note of notes) {
    merged.set(note, at);
    at += note.length;
  }
  return merged;
}

function rangeText(segments: readonly LayoutSegment[]): string {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  return segments.map(({ physical, length }) => `${hex(physical)}-${hex(physical + length)}`)
    .join(",");
}

function rebuild(kernel: Kernel, vars: Vars, access: Access): Plain {
  const header = headerRange(kernel);
  if (header === undefined) return -ERRNO.ENOENT;
  try {
    const coreHeaders = joined(access, cutRanges([header]));
    const notes = mergedNotes(vars, access);
    if (notes.length === 0) {
      if (vars["quiet"] === true) kernel.print("Warning: Zero PT_NOTE entries found");
      if (!kernel.profile.vmcoreWithoutNote) return -ERRNO.ENOMEM;
    }
    const layout = vmcoreLayout(coreHeaders, notes);
    const elf = parseElf(coreHeaders).header;
    if (vars["quiet"] !== true) kernel.fact("vmcore", { ranges: rangeText(layout.segments) });
    return {
      class: elf.class,
      machine: elf.machine,
      header: toHex(layout.header),
      notes: toHex(notes),
      noteOffset: layout.noteOffset,
      fileLength: layout.fileLength,
      segments: layout.segments.map((segment) => ({ ...segment })),
    };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    kernel.note(`vmcore: Core image elf header is not sane: ${error.message}`);
    return -ERRNO.EINVAL;
  }
}

/**
 * `vmcore_open {}`: a {@linkcode Vmcore}, or a negative errno: -ENOENT without `elfcorehdr=`,
 * -EINVAL for core headers that are not sane, -EFAULT for headers or notes that are not in memory
 * or, where the kernel's profile cannot read those, in its own RAM; -ENOMEM without any note where
 * the profile wants one (real recordings, fact 23).
 */
const OPEN = procedure("vmcore_open", [
  {
    name: "core headers",
    run(kernel) {
      const header = headerRange(kernel);
      if (header === undefined) return done(-ERRNO.ENOENT);
      if (!isReadable(kernel, header)) return done(-ERRNO.EFAULT);
      const ranges = cutRanges([header]);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then(kernel, vars, _answer, access) {
      const header = headerRange(kernel);
      if (header === undefined) return done(-ERRNO.ENOENT);
      const taken = takeBuffers(kernel, vars, joined(access, cutRanges([header])));
      return taken < 0 ? done(taken) : next;
    },
  },
  {
    name: "notes",
    run(kernel, vars) {
      const header = headerRange(kernel);
      if (header === undefined) return done(-ERRNO.ENOENT);
      const ranges = cutRanges([header, ...readAs(RANGES, vars["ranges"])]);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then: (kernel, vars, _answer, access) => done(rebuild(kernel, vars, access)),
  },
]);

/**
 * `vmcore_init {}` at boot: looks whether there will be a /proc/vmcore, and says why not (real
 * recordings, fact 23). Gives 0 or the errno; a kernel without `elfcorehdr=` has nothing to say.
 */
const INIT = procedure("vmcore_init", [
  {
    name: "open",
    run: (kernel) =>
      kernel.state.vmcore === undefined ? done() : call("vmcore_open", { quiet: true }),
    then(kernel, _vars, answer) {
      if (typeof answer !== "number" || answer >= 0) return done();
      kernel.print("Kdump: vmcore not initialized");
      kernel.note(`initcall vmcore_init returned ${answer}`);
      // There is no such file then; the pages of the headers stay reserved.
      delete kernel.state.vmcore;
      return done(answer);
    },
  },
]);

/** Procedures of this file. */
export const VMCORE_PROCEDURES: readonly Procedure[] = [OPEN, INIT];
