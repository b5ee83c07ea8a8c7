/**
 * Whether an image that came back can be entered again (protocol.md F27, C.7 P1 and P3). What the
 * kernel has as its start is the word found on the stack, and where nobody pushed one that is any
 * word of memory: a real machine would run whatever stands there.
 *
 * The tool looks at the bytes that will stand at the address once the pages are exchanged: they
 * must begin with the stamp of something that can be entered.
 *
 * @module
 */
import { endOf, ramRanges } from "../../machine/formats/e820.ts";
import { FormatError } from "../../machine/errors.ts";
import { pairRuns, walkEntryList } from "../../machine/formats/kimage.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { parseStamp, STAMP_BYTES, STAMP_KIND } from "../../machine/formats/stamp.ts";
import { fromHex } from "../../machine/digest.ts";
import type { Access } from "../../machine/access.ts";
import type { Kernel } from "../kernel/kernel_context.ts";
import { numberOf, textOf } from "../kernel/kernel_context.ts";
import { ask, done, goto, next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { KexecImage, Vars } from "../kernel/state.ts";
import { fieldOf } from "../kernel/values.ts";
import { dies } from "./kexec_messages.ts";

const ENTERED: ReadonlySet<number> = new Set([
  STAMP_KIND.kernel,
  STAMP_KIND.purgatory,
  STAMP_KIND.reentry,
  STAMP_KIND.physicalMode,
]);

/** Where the bytes are now that will stand at the image's start. */
function placeNow(kernel: Kernel, image: KexecImage, access: Access): number {
  const pages = new Map(
    image.indirection.map((pfn) => [pfn, access.read(pfn * PAGE_BYTES, PAGE_BYTES)] as const),
  );
  const start = Math.floor(image.start / PAGE_BYTES);
  const runs = pairRuns(
    walkEntryList(kernel.profile.arch, image.head, (pfn) => pages.get(pfn) ?? new Uint8Array()),
  );
  const run = runs.find(({ destination, count }) =>
    destination <= start && start < destination + count
  );
  if (run === undefined) return image.start;
  return image.start + (run.source - run.destination) * PAGE_BYTES;
}

function refuse(kernel: Kernel, start: number) {
  const why = start === 0
    ? "kexec: the loaded image was entered and left no way back; load it again"
    : `kexec: the call left 0x${start.toString(16)}, where nobody's entry is; load the image again`;
  return dies(kernel, 1, why);
}

/** Looks at the image's start; gives 0, or the status the tool exits with. */
const checkStart = procedure("kexec_check_start", [
  {
    name: "image",
    run(kernel) {
      const { image } = kernel.state;
      if (image === null) return done();
      if (image.start === 0) return refuse(kernel, 0);
      return image.returned === true ? next : done();
    },
  },
  {
    name: "list",
    run(kernel, vars) {
      const { image } = kernel.state;
      if (image === null) return done();
      vars["place"] = image.start;
      if (image.indirection.length === 0) return goto("bytes");
      const ranges = image.indirection.map((pfn) => ({
        start: pfn * PAGE_BYTES,
        length: PAGE_BYTES,
      }));
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then(kernel, vars: Vars, _answer, access) {
      const { image } = kernel.state;
      if (image !== null) vars["place"] = placeNow(kernel, image, access);
      return next;
    },
  },
  {
    name: "bytes",
    run(kernel, vars) {
      const address = numberOf(vars["place"]);
      // The other kernel's memory is no RAM of this one, but memory of the machine.
      const isMemory = ramRanges(kernel.state.firmwareMap).some((range) =>
        range.start <= address && address + STAMP_BYTES <= endOf(range)
      );
      if (!isMemory) return refuse(kernel, kernel.state.image?.start ?? 0);
      const length = STAMP_BYTES;
      return ask("memory", "memory.read", { by: kernel.name, address, length });
    },
    then(kernel, _vars, answer) {
      try {
        const stamp = parseStamp(fromHex(textOf(fieldOf(answer, "bytes"))));
        if (stamp !== undefined && ENTERED.has(stamp.kind)) return done();
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
      return refuse(kernel, kernel.state.image?.start ?? 0);
    },
  },
]);

/** Procedures of this module. */
export const KEXEC_START_PROCEDURES: readonly Procedure[] = [checkStart];
