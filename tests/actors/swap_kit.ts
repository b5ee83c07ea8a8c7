/**
 * A disk with a swap area, and image pages to put on it: what the tests of swsusp's storage side
 * have in common.
 */
import assert from "node:assert/strict";
import { FlatStore } from "../../machine/flat_store.ts";
import { emitMbr } from "../../machine/formats/mbr.ts";
import type { PageRun } from "../../machine/formats/page_runs.ts";
import {
  emitSwapHeader,
  newSwapHeader,
  parseSwapHeader,
  type SwapHeader,
} from "../../machine/formats/swap_header.ts";
import { parseMapPage } from "../../machine/formats/swsusp_image.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { type KernelProfile, kernelProfile } from "../../actors/kernel/profiles.ts";
import { done, fail, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import { SWSUSP_IO_PROCEDURES } from "../../actors/kernel/swsusp_io.ts";
import { type Call, type KernelPlan, type KernelRun, noise, runKernel } from "./kernel_kit.ts";

const MIB = 1024 ** 2;

/** Where the swap partition, number 2, begins. */
export const SWAP_START = 2 * MIB;
/** Frames of the tests' images: copies lie here, from 12 MiB on. */
export const COPY_PFN = 3072;

/** A disk with an empty first partition and a swap area of so many MiB. */
export function swapDisk(mib: number): MemoryMedium {
  const medium = new MemoryMedium(FlatStore.make((mib + 2) * MIB));
  const partitions = [
    { bootable: false, type: 0x83, firstSector: 2048, sectorCount: 2048 },
    { bootable: false, type: 0x82, firstSector: 4096, sectorCount: mib * 2048 },
  ];
  medium.write(0, emitMbr({ diskSignature: 1, partitions }));
  const uuid = new Uint8Array(16).fill(7);
  medium.write(SWAP_START, emitSwapHeader(newSwapHeader({ pages: mib * 256, uuid })));
  return medium;
}

/** A page of the area. */
export function swapPage(medium: MemoryMedium, page: number): Uint8Array {
  const bytes = new Uint8Array(4096);
  medium.read(SWAP_START + page * 4096, bytes);
  return bytes;
}

/** The area's header as it is on the medium. */
export function headerOn(medium: MemoryMedium): SwapHeader {
  return parseSwapHeader(swapPage(medium, 0));
}

/** A copy of a medium, as after a power cycle that lost nothing. */
export function copyOf(medium: MemoryMedium): MemoryMedium {
  const copy = new MemoryMedium(FlatStore.make(medium.byteLength));
  copy.write(0, medium.store.view(0, medium.byteLength).slice());
  return copy;
}

/** Content of page `index` of a test image: zeros, text, noise by turns of some pages. */
export function pageContent(index: number): Uint8Array {
  const kind = Math.floor(index / 5) % 3;
  if (kind === 0) return new Uint8Array(4096);
  if (kind === 1) return new Uint8Array(4096).fill(index & 255);
  return noise(4096, index + 1);
}

/** An image of so many pages, in runs of odd lengths, its copies in RAM from COPY_PFN on. */
export function testImage(pages: number) {
  const saved: PageRun[] = [];
  for (let at = 0, pfn = 3; at < pages;) {
    const count = Math.min(pages - at, 1 + (at * 7) % 90);
    saved.push({ pfn, count });
    pfn += count + 1 + at % 3;
    at += count;
  }
  const half = Math.floor(pages / 2);
  // The copies lie in two runs, the second one first in RAM.
  const copies = [
    { pfn: COPY_PFN + pages - half, count: half },
    { pfn: COPY_PFN, count: pages - half },
  ].filter(({ count }) => count > 0);
  const fillRam = (ram: FlatStore) => {
    let index = 0;
    for (const { pfn, count } of copies) {
      for (let at = 0; at < count; at++) {
        ram.write((pfn + at) * 4096, pageContent(index++));
      }
    }
  };
  return { saved, copies, fillRam };
}

/** The call that writes a test image. */
export function writeCall(pages: number, more: Record<string, unknown> = {}): Call {
  const { saved, copies } = testImage(pages);
  return ["swsusp_write", {
    device: "/dev/sda2",
    saved: saved.map((run) => ({ ...run })),
    copies: copies.map((run) => ({ ...run })),
    flags: 0,
    record: "11".repeat(40),
    memoryPages: 8192,
    ...JSON.parse(JSON.stringify(more)),
  }];
}

/** Runs calls on a kernel of a profile with the swap area's procedures. */
export function runSwap(plan: Omit<KernelPlan, "free"> & { readonly profile?: string }): KernelRun {
  const { profile = "6.1-cured", procedures = [], state = {}, ...rest } = plan;
  const { name }: KernelProfile = kernelProfile(profile);
  return runKernel({
    ...rest,
    free: [{ pfn: 256, count: 2500 }],
    state: { profile: name, ...state },
    procedures: [...SWSUSP_IO_PROCEDURES, ...procedures],
  });
}

/** What a reader's two callbacks do: refuse, or put the image's pages into these frames. */
export interface ReaderAnswers {
  readonly check?: number;
  readonly place?: number;
  readonly frames?: readonly PageRun[];
}

/** Reads what is on the area: the call's value is that of the last procedure that ran. */
export function readerOf(answers: ReaderAnswers = {}): Procedure[] {
  const { check = 0, place = 0, frames = [] } = answers;
  return [
    procedure("test_check", [{
      name: "check",
      run: (kernel, vars) => {
        const { record, imagePages } = vars;
        kernel.print(`header ${imagePages} ${String(record).slice(70, 90)}`);
        return check < 0 ? fail(-check) : done(0);
      },
    }]),
    procedure("test_place", [{
      name: "place",
      run: (kernel, vars) => {
        kernel.print(`saved ${JSON.stringify(vars["saved"])}`);
        return place < 0 ? fail(-place) : done({ frames: frames.map((run) => ({ ...run })) });
      },
    }]),
    procedure("test_read", [
      {
        name: "check",
        run: (_kernel, vars) => ({ do: "call", procedure: "swsusp_check", vars }),
        then: (_kernel, vars, answer) => {
          vars["image"] = answer;
          return typeof answer === "number" && answer < 0 ? done(answer) : { do: "next" };
        },
      },
      {
        name: "read",
        run: (_kernel, vars) => ({
          do: "call",
          procedure: "swsusp_read",
          vars: { image: vars["image"] ?? 0, check: "test_check", place: "test_place" },
        }),
        then: (_kernel, _vars, answer) => done(answer),
      },
    ]),
  ];
}

/** The call that takes the area into use. */
export const ON = ["swap_on", { device: "/dev/sda2" }] as const;
/** The call that checks and reads. */
export const READ = ["test_read", { device: "8:2" }] as const;
/** An image that needs two map pages in either mode. */
export const PAGES = 1500;

/** Pages of the area in the order of the map, as the formats' own functions read them. */
export function mapped(medium: MemoryMedium): number[] {
  const pages: number[] = [];
  for (let at = headerOn(medium).image; at !== 0;) {
    const { entries, next } = parseMapPage(swapPage(medium, at));
    pages.push(...entries.filter((entry) => entry !== 0));
    at = next;
  }
  return pages;
}

/** A disk on which an image of so many pages was written. */
export function written(
  pages: number,
  more: Record<string, unknown> = {},
  profile = "6.1-cured",
): { readonly medium: MemoryMedium; readonly run: KernelRun } {
  const medium = swapDisk(16);
  const { fillRam } = testImage(pages);
  const run = runSwap({ medium, profile, fillRam, calls: [[...ON], writeCall(pages, more)] });
  return { medium, run };
}

/** Reads an image and compares its pages, unless it cannot be read. */
export function restored(medium: MemoryMedium, pages: number, profile = "6.1-cured"): KernelRun {
  const frames = [{ pfn: 5000, count: 700 }, { pfn: 3500, count: 1000 }, {
    pfn: 6000,
    count: 2000,
  }];
  let left = pages;
  const given = frames.map(({ pfn, count }) => {
    const part = Math.min(count, left);
    left -= part;
    return { pfn, count: part };
  }).filter(({ count }) => count > 0);
  const run = runSwap({
    medium: copyOf(medium),
    profile,
    procedures: readerOf({ frames: given }),
    calls: [[...READ]],
  });
  const [result] = run.results;
  if (typeof result === "number") return run;
  let index = 0;
  for (const { pfn, count } of given) {
    for (let at = 0; at < count; at++, index++) {
      const found = run.ram.view((pfn + at) * 4096, 4096).slice();
      assert.deepEqual(found, pageContent(index), `page ${index}`);
    }
  }
  return run;
}

/** Lines on the console with these words. */
export function lines(run: KernelRun, words: string): string[] {
  return run.printed().filter((line) => line.includes(words));
}

/** What the disk was told and what was said of the image, in order. */
export function order(run: KernelRun): string[] {
  return run.events.flatMap(({ type, summary }) => {
    const fields = { ...summary };
    if (type === "fact.disk_write") {
      const page = (Number(fields["block"]) * 512 - SWAP_START) / 4096;
      return [page === 0 ? "signature" : `${page}`];
    }
    if (type === "fact.flush" && fields["op"] === "done") return ["flush"];
    if (type === "fact.image" && fields["op"] !== "page") return [String(fields["op"])];
    return [];
  });
}
