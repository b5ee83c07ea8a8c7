/**
 * Swap areas: taken into use and given up, and the map of which of their pages hold something.
 * Nothing is paged out here; what swap holds are hibernation images.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { FormatError } from "../../machine/errors.ts";
import { countPages, PAGE_BYTES, subtract, union } from "../../machine/formats/page_runs.ts";
import { isSwapArea, parseSwapHeader, type SwapHeader } from "../../machine/formats/swap_header.ts";
import {
  giveScratch,
  isMounted,
  partitionName,
  partitionOf,
  PLACE,
  takeScratch,
} from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, textOf } from "./kernel_context.ts";
import { ask, call, done, fail, type Next, next, type Procedure, procedure } from "./procedure.ts";
import type { SwapArea, Vars } from "./state.ts";
import { isError, readAs, RUNS } from "./values.ts";

/** The area in use that a device name means. */
export function swapAreaOf(kernel: Kernel, device: string): SwapArea | undefined {
  const partition = partitionOf(device);
  return kernel.state.swaps?.find(({ place }) => place.partition === partition);
}

/** Pages of an area that hold nothing. */
export function freeSwapPages(area: SwapArea): number {
  return area.pages - countPages(area.used);
}

/** The lowest free page of an area, which from now on holds a part of an image. */
export function takeImagePage(area: SwapArea): number | undefined {
  const [first] = area.used;
  const page = first === undefined || first.pfn > 0 ? 0 : first.count;
  if (page >= area.pages) return undefined;
  area.used = union([{ pfn: page, count: 1 }], area.used);
  area.image = union([{ pfn: page, count: 1 }], area.image);
  return page;
}

/** Gives an image's pages back; how many there were. */
export function freeImagePages(area: SwapArea): number {
  const blocks = countPages(area.image);
  area.used = subtract(area.used, area.image);
  area.image = [];
  return blocks;
}

/** The text of /proc/swaps. */
export function swapsText(kernel: Kernel): string {
  const lines = (kernel.state.swaps ?? []).map((area, index) => {
    const kib = (pages: number) => String(pages * (PAGE_BYTES / 1024));
    const device = `/dev/${partitionName(area.place.partition)}`.padEnd(39);
    const size = kib(area.pages - 1);
    const used = kib(countPages(area.used) - 1);
    return `${device} partition\t${size}\t\t${used}\t\t${-2 - index}\n`;
  });
  return `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n${lines.join("")}`;
}

function headerIn(vars: Vars, access: Access): SwapHeader | undefined {
  const [page] = readAs(RUNS, vars["scratch"]);
  try {
    return parseSwapHeader(access.read((page?.pfn ?? 0) * PAGE_BYTES, PAGE_BYTES));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function takeIntoUse(kernel: Kernel, vars: Vars, header: SwapHeader | undefined): Next {
  const place = readAs(PLACE, vars["place"]);
  const room = Math.floor(place.sectorCount * 512 / PAGE_BYTES);
  if (header === undefined || !isSwapArea(header)) {
    kernel.print("Unable to find swap-space signature");
    return fail(ERRNO.EINVAL);
  }
  const pages = header.lastPage + 1;
  if (pages < 2 || pages > room) {
    kernel.print(pages < 2 ? "Empty swap-file" : "Swap area shorter than signature indicates");
    return fail(ERRNO.EINVAL);
  }
  const area: SwapArea = { place, pages, used: [{ pfn: 0, count: 1 }], image: [] };
  kernel.state.swaps = [...kernel.state.swaps ?? [], area];
  const device = partitionName(place.partition);
  const kib = (pages - 1) * (PAGE_BYTES / 1024);
  kernel.print(`Adding ${kib}k swap on /dev/${device}.  Priority:-2 extents:1 across:${kib}k`);
  kernel.fact("swap_area", { device, op: "on", blocks: pages - 1, result: 0 });
  giveScratch(kernel, vars);
  return done(0);
}

function sayRefused(kernel: Kernel, vars: Vars, op: "on" | "off", errno: number): Next {
  const partition = partitionOf(textOf(vars["device"]));
  const device = partition === undefined ? textOf(vars["device"]) : partitionName(partition);
  kernel.fact("swap_area", { device, op, result: -errno });
  return fail(errno);
}

/**
 * `swap_on {device}`, the system call: 0; -ENOENT without such a partition, -EBUSY where it is in
 * use as swap or mounted, -EINVAL without a signature, with an image on it, or longer than it is.
 */
const SWAP_ON = procedure("swap_on", [
  {
    name: "device",
    run(kernel, vars) {
      const device = textOf(vars["device"]);
      const partition = partitionOf(device);
      if (partition === undefined) return sayRefused(kernel, vars, "on", ERRNO.ENOENT);
      const taken = swapAreaOf(kernel, device) !== undefined || isMounted(kernel, partition);
      if (taken) return sayRefused(kernel, vars, "on", ERRNO.EBUSY);
      return call("partition_place", { partition });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) {
        const errno = answer === -ERRNO.ENODEV ? ERRNO.ENOENT : -answer;
        return sayRefused(kernel, vars, "on", errno);
      }
      vars["place"] = answer;
      return next;
    },
  },
  takeScratch(1),
  {
    name: "header",
    run: (_kernel, vars) =>
      call("partition_pages", {
        place: vars["place"] ?? 0,
        page: 0,
        frames: vars["scratch"] ?? [],
        write: false,
      }),
    then: (kernel, vars, answer) =>
      isError(answer) ? sayRefused(kernel, vars, "on", -answer) : next,
  },
  {
    name: "signature",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: [{
          start: (readAs(RUNS, vars["scratch"])[0]?.pfn ?? 0) * PAGE_BYTES,
          length: PAGE_BYTES,
        }],
        write: false,
      }),
    then(kernel, vars, _answer, access) {
      const wanted = takeIntoUse(kernel, vars, headerIn(vars, access));
      return wanted.do === "fail" ? sayRefused(kernel, vars, "on", wanted.errno) : wanted;
    },
  },
]);

/** `swap_off {device}`, the system call: 0, -ENOENT, or -EINVAL where it is not in use. */
const SWAP_OFF = procedure("swap_off", [
  {
    name: "give up",
    run(kernel, vars) {
      const device = textOf(vars["device"]);
      const partition = partitionOf(device);
      if (partition === undefined) return sayRefused(kernel, vars, "off", ERRNO.ENOENT);
      const area = swapAreaOf(kernel, device);
      if (area === undefined) return sayRefused(kernel, vars, "off", ERRNO.EINVAL);
      kernel.state.swaps = kernel.state.swaps?.filter((other) => other !== area) ?? [];
      kernel.fact("swap_area", { device: partitionName(partition), op: "off", result: 0 });
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const SWAP_AREA_PROCEDURES: readonly Procedure[] = [SWAP_ON, SWAP_OFF];
