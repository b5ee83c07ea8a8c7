/**
 * The swap area's own header, as swsusp changes it: the signature that says an image is there
 * (protocol.md B.5.6 steps 6 and 7), and its removal before anything of the image is read (B.5.7
 * step 3). The contract stands in swsusp_io.ts.
 *
 * The image's id is ours: eight bytes before the hardware signature, where Linux has nothing, so
 * that who reads an image can say which one it is.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { fromHex, toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import {
  emitSwapHeader,
  parseSwapHeader,
  SWAP_SIGNATURE,
  type SwapHeader,
  SWSUSP_FLAG,
} from "../../machine/formats/swap_header.ts";
import { emitMapPage } from "../../machine/formats/swsusp_image.ts";
import {
  giveScratch,
  isMounted,
  partitionName,
  partitionOf,
  PLACE,
  takeScratch,
} from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { freeImagePages, swapAreaOf } from "./swap_areas.ts";
import { MAP_CURSOR } from "./swsusp_stream.ts";
import { isError, plainRuns, readAs, resultOf, RUNS } from "./values.ts";

const ID_BYTES = 8;

function frameStart(vars: Vars): number {
  return (readAs(RUNS, vars["scratch"])[0]?.pfn ?? 0) * PAGE_BYTES;
}

function deviceOf(vars: Vars): string {
  return partitionName(readAs(PLACE, vars["place"]).partition);
}

function hexWord(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Moves the scratch page to or from a page of the area. */
function movePage(vars: Vars, page: number, write: boolean): Next {
  const frames = plainRuns(readAs(RUNS, vars["scratch"]));
  return call("partition_pages", { place: vars["place"] ?? 0, page, frames, write });
}

/** A step with the scratch page's bytes for writing. */
function withPage(
  name: string,
  use: (kernel: Kernel, vars: Vars, page: Uint8Array, access: Access) => Next,
  skip: (kernel: Kernel) => string | undefined = () => undefined,
): Step {
  return {
    name,
    run(kernel, vars) {
      const target = skip(kernel);
      if (target !== undefined) return goto(target);
      const ranges = [{ start: frameStart(vars), length: PAGE_BYTES }];
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (kernel, vars, _answer, access) =>
      use(kernel, vars, access.writable(frameStart(vars), PAGE_BYTES), access),
  };
}

function flush(name: string): Step {
  return {
    name,
    run: (kernel) =>
      kernel.profile.swapBarriers ? ask("disk", "disk.flush", { by: kernel.name }) : next,
    then(_kernel, _vars, answer) {
      const result = resultOf(answer);
      return result < 0 ? fail(-result) : next;
    },
  };
}

function writeLastMap(_kernel: Kernel, vars: Vars, page: Uint8Array): Next {
  const { entries } = readAs(MAP_CURSOR, vars["map"]);
  page.set(emitMapPage({ entries, next: 0 }));
  return next;
}

/** The header, or `undefined` where it cannot be one. */
function headerOf(page: Uint8Array): SwapHeader | undefined {
  try {
    return parseSwapHeader(page);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function withId(header: SwapHeader, id: string): Uint8Array {
  const rest = header.rest.slice();
  rest.set(fromHex(id), rest.length - ID_BYTES);
  return rest;
}

function markHeader(kernel: Kernel, vars: Vars, page: Uint8Array): Next {
  const header = headerOf(page);
  const known = [SWAP_SIGNATURE.current, SWAP_SIGNATURE.old] as readonly string[];
  if (header === undefined || !known.includes(header.signature)) {
    kernel.print("PM: Swap header not found!");
    return fail(ERRNO.ENODEV);
  }
  const { hardwareSignature } = vars;
  const carries = hardwareSignature !== undefined;
  const flags = numberOf(vars["flags"]) | (carries ? SWSUSP_FLAG.hardwareSignature : 0);
  page.set(emitSwapHeader({
    ...header,
    rest: withId(header, textOf(vars["id"])),
    originalSignature: header.signature,
    signature: SWAP_SIGNATURE.suspended,
    image: numberOf(vars["firstMap"]),
    imageFlags: flags,
    crc32: (flags & SWSUSP_FLAG.crc32) === 0 ? 0 : numberOf(vars["crc"]),
    hardwareSignature: carries ? numberOf(hardwareSignature) : header.hardwareSignature,
  }));
  return next;
}

function sayCommitted(kernel: Kernel, vars: Vars): void {
  kernel.fact("image", {
    op: "commit",
    id: textOf(vars["id"]),
    of: kernel.name,
    device: deviceOf(vars),
    bytes: numberOf(vars["bytes"]),
    digest: hexWord(numberOf(vars["crc"])),
  });
}

/** The last map page counts as one of the image's pages: without it nothing behind it is found. */
function sayMapWritten(kernel: Kernel, vars: Vars): void {
  const bytes = numberOf(vars["bytes"]);
  kernel.fact("image", { op: "page", id: textOf(vars["id"]), device: deviceOf(vars), bytes });
}

function mapPage(vars: Vars): number {
  return readAs(MAP_CURSOR, vars["map"]).page;
}

/**
 * `swsusp_mark {place, scratch, id, map, firstMap, flags, crc, bytes, hardwareSignature?}`: writes
 * the last map page and the signature, in the profile's order.
 */
const MARK = procedure("swsusp_mark", [
  withPage(
    "last map",
    writeLastMap,
    ({ profile }) => profile.swapBarriers ? undefined : "read header",
  ),
  {
    name: "write last map",
    run: (_kernel, vars) => movePage(vars, mapPage(vars), true),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      sayMapWritten(kernel, vars);
      return next;
    },
  },
  flush("flush before"),
  {
    name: "read header",
    run: (_kernel, vars) => movePage(vars, 0, false),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  withPage("mark", markHeader),
  {
    name: "write header",
    run: (_kernel, vars) => movePage(vars, 0, true),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      sayCommitted(kernel, vars);
      return next;
    },
  },
  flush("flush after"),
  { name: "in order", run: ({ profile }) => profile.swapBarriers ? done(0) : next },
  withPage("late map", writeLastMap),
  {
    name: "write late map",
    run: (_kernel, vars) => movePage(vars, mapPage(vars), true),
    // Nobody looks at how that ended (quirk Q3).
    then(kernel, vars, answer) {
      if (!isError(answer)) sayMapWritten(kernel, vars);
      return done(0);
    },
  },
]);

/** Looks at the header of an area; puts the original signature back into it. */
function takeSignature(kernel: Kernel, vars: Vars, page: Uint8Array): Next {
  const header = headerOf(page);
  const { suspended } = SWAP_SIGNATURE;
  const found = header?.signature ?? "";
  const is = found === suspended;
  const result = is ? 0 : -ERRNO.EINVAL;
  kernel.fact("header_check", { what: "signature", stored: found, found: suspended, result });
  kernel.fact("image_device", {
    device: deviceOf(vars),
    kind: "swap",
    signature: found,
    active: swapAreaOf(kernel, deviceOf(vars)) !== undefined,
    mounted: isMounted(kernel, readAs(PLACE, vars["place"]).partition),
  });
  if (header === undefined || !is) return fail(ERRNO.EINVAL);
  vars["id"] = toHex(header.rest.slice(-ID_BYTES));
  vars["firstMap"] = header.image;
  vars["flags"] = header.imageFlags;
  vars["crc"] = header.crc32;
  vars["storedHardware"] = header.hardwareSignature;
  const id = textOf(vars["id"]);
  kernel.fact("image", { op: "check", id, device: deviceOf(vars) });
  page.set(emitSwapHeader({ ...header, signature: header.originalSignature }));
  return next;
}

function checkHardware(kernel: Kernel, vars: Vars): Next {
  const { hardwareSignature } = vars;
  if ((numberOf(vars["flags"]) & SWSUSP_FLAG.hardwareSignature) !== 0) {
    const stored = numberOf(vars["storedHardware"]);
    const found = hardwareSignature === undefined ? 0 : numberOf(hardwareSignature);
    const result = stored === found ? 0 : -ERRNO.EINVAL;
    kernel.fact("header_check", {
      what: "hardware",
      stored: hexWord(stored),
      found: hexWord(found),
      result,
      obeyed: true,
    });
    if (result !== 0) {
      kernel.print("PM: Suspend image hardware signature mismatch!");
      return fail(ERRNO.EINVAL);
    }
  }
  giveScratch(kernel, vars);
  return done({
    id: textOf(vars["id"]),
    place: { ...readAs(PLACE, vars["place"]) },
    firstMap: numberOf(vars["firstMap"]),
    flags: numberOf(vars["flags"]),
    crc32: numberOf(vars["crc"]),
  });
}

/** Steps that find the area's partition and read its header into a scratch page. */
const READ_HEADER: readonly Step[] = [
  {
    name: "device",
    run(kernel, vars) {
      const partition = partitionOf(textOf(vars["device"]));
      if (partition === undefined) return fail(ERRNO.ENODEV);
      const { exclusive, device } = vars;
      // The device is opened for nobody else.
      const taken = swapAreaOf(kernel, textOf(device)) !== undefined ||
        isMounted(kernel, partition);
      if (exclusive === true && taken) return fail(ERRNO.EBUSY);
      return call("partition_place", { partition });
    },
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      vars["place"] = answer;
      return next;
    },
  },
  takeScratch(1),
  {
    name: "read header",
    run: (_kernel, vars) => movePage(vars, 0, false),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
];

/** Writes the page back with the area's own signature: nobody finds the image any more. */
const RESTORE_SIGNATURE: Step = {
  name: "restore signature",
  run: (_kernel, vars) => movePage(vars, 0, true),
  then(kernel, vars, answer) {
    if (isError(answer)) return fail(-answer);
    // Said before the flush: what stands in the drive's cache is not gone for good (F60).
    kernel.fact("image", {
      op: "invalidate",
      id: textOf(vars["id"]),
      device: deviceOf(vars),
    });
    return next;
  },
};

/** `swsusp_check {device, hardwareSignature?}`. */
const CHECK = procedure("swsusp_check", [
  {
    name: "open",
    run(_kernel, vars) {
      vars["exclusive"] = true;
      return next;
    },
  },
  ...READ_HEADER,
  withPage("signature", takeSignature),
  RESTORE_SIGNATURE,
  flush("flush"),
  {
    name: "hardware",
    run: (kernel, vars) => checkHardware(kernel, vars),
  },
]);

function unmarkHeader(kernel: Kernel, vars: Vars, page: Uint8Array): Next {
  const header = headerOf(page);
  if (header === undefined || header.signature !== SWAP_SIGNATURE.suspended) {
    kernel.print("PM: Cannot find swsusp signature!");
    return fail(ERRNO.ENODEV);
  }
  vars["id"] = toHex(header.rest.slice(-ID_BYTES));
  page.set(emitSwapHeader({ ...header, signature: header.originalSignature }));
  return next;
}

/**
 * `swsusp_unmark {device}`: takes the signature off again, after a sleep that did not happen, and
 * gives the image's blocks back; 0, -ENODEV, -EIO.
 */
const UNMARK = procedure("swsusp_unmark", [
  ...READ_HEADER,
  withPage("signature", unmarkHeader),
  RESTORE_SIGNATURE,
  flush("flush"),
  {
    name: "blocks",
    run(kernel, vars) {
      const device = deviceOf(vars);
      const area = swapAreaOf(kernel, device);
      if (area !== undefined) {
        const blocks = freeImagePages(area);
        kernel.fact("swap_area", { device, op: "free", blocks, result: 0 });
      }
      giveScratch(kernel, vars);
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const SWSUSP_MARK_PROCEDURES: readonly Procedure[] = [MARK, CHECK, UNMARK];
