/**
 * What one read of /proc/kimgcore copies from where to where: header first, then the image's
 * source pages in list order, through a bounce page where the kernel has no mapping of its own
 * (protocol.md B.3.1, B.3.2). Plans over plain values; the copying itself is the caller's.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import type { KimageArch } from "../../machine/formats/kimage.ts";
import { sourcesInPage } from "../../machine/formats/kimgcore.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { numberOf } from "./kernel_context.ts";
import type { Vars } from "./state.ts";
import { NUMBERS, readAs } from "./values.ts";

/** First frame an i386 kernel has no mapping of: 896 MiB. */
const HIGHMEM_PFN_I386 = 0x3_8000;
/** Most pages one copy takes. */
const BATCH_PAGES = 256;

/** Where a read stands. */
export interface ReadState {
  readonly headerStart: number;
  readonly headerBytes: number;
  /** The file's position, and where this read ends. */
  readonly position: number;
  readonly end: number;
  /** What of the user's buffer is mapped, from its start. */
  readonly buffer: readonly Range[];
  /** Bytes of the buffer that are filled. */
  readonly used: number;
  /** First frame the kernel has no mapping of. */
  readonly highmemPfn: number;
}

/** A copy of bytes: physical addresses. */
export interface ByteCopy {
  readonly to: number;
  readonly from: number;
  readonly length: number;
}

/** What is copied now. */
export interface CopyPlan {
  readonly copies: readonly ByteCopy[];
  /** How far the position moves. */
  readonly bytes: number;
  /** Whether the copy behind these meets memory that is not mapped. */
  readonly fault: boolean;
  readonly needsBounce: boolean;
}

/** The first frame that kernels of an architecture have no mapping of. */
export function highmemPfn(arch: KimageArch): number {
  return arch === "i386" ? HIGHMEM_PFN_I386 : Infinity;
}

/** The buffer's bytes `at` … `at + length`; fewer where it ends. */
function bufferAt(buffer: readonly Range[], at: number, length: number): Range[] {
  const ranges: Range[] = [];
  let passed = 0;
  for (const range of buffer) {
    const from = Math.max(at, passed);
    const to = Math.min(at + length, passed + range.length);
    if (from < to) ranges.push({ start: range.start + from - passed, length: to - from });
    passed += range.length;
  }
  return ranges;
}

/** Copies from one place to the buffer; `undefined` where the buffer is not mapped so far. */
function toUser(
  buffer: readonly Range[],
  at: number,
  from: number,
  length: number,
): ByteCopy[] | undefined {
  const ranges = bufferAt(buffer, at, length);
  if (ranges.reduce((sum, range) => sum + range.length, 0) < length) return undefined;
  let done = 0;
  return ranges.map((range) => {
    const copy = { to: range.start, from: from + done, length: range.length };
    done += range.length;
    return copy;
  });
}

/** The header's part of a read. */
export function planHeader(state: ReadState): CopyPlan {
  const { headerStart, headerBytes, position, end, buffer, used } = state;
  const bytes = Math.max(0, Math.min(headerBytes, end) - position);
  const copies = toUser(buffer, used, headerStart + position, bytes);
  if (copies === undefined) return { copies: [], bytes: 0, fault: true, needsBounce: false };
  return { copies, bytes, fault: false, needsBounce: false };
}

/** Index of the first source page that is wanted now, and how many. */
export function wantedPages(state: ReadState): { readonly first: number; readonly count: number } {
  const { headerBytes, position, end } = state;
  if (position >= end) return { first: 0, count: 0 };
  const first = Math.floor((position - headerBytes) / PAGE_BYTES);
  const last = Math.ceil((end - headerBytes) / PAGE_BYTES);
  return { first, count: Math.min(BATCH_PAGES, last - first) };
}

/**
 * Takes what a page of the entry list has of the wanted sources into `vars.sources`; `vars.page`
 * is the next page of the list. "bad" for words that lead out of memory or a page without end.
 */
export function takeListPage(
  arch: KimageArch,
  bytes: Uint8Array,
  vars: Vars,
  wanted: { readonly first: number; readonly count: number },
  frames: number,
): "more" | "enough" | "bad" {
  try {
    const { sources, next } = sourcesInPage(arch, bytes);
    const seen = numberOf(vars["seen"]);
    const have = readAs(NUMBERS, vars["sources"]);
    const from = Math.max(0, wanted.first - seen);
    const taken = sources.slice(from, Math.max(from, wanted.first + wanted.count - seen));
    if (taken.some((pfn) => pfn >= frames)) return "bad";
    const all = [...have, ...taken];
    vars["sources"] = all;
    vars["seen"] = seen + sources.length;
    if (next === undefined || all.length >= wanted.count) return "enough";
    vars["page"] = next;
    return "more";
  } catch (error) {
    if (error instanceof FormatError) return "bad";
    throw error;
  }
}

/**
 * The pages' part, of those in `vars.sources`: whole pieces up to the first that the buffer does
 * not take. `bounce` is the frame that pages of high memory go through; without one the
 * plan says that it is needed.
 */
export function planPages(state: ReadState, vars: Vars, bounce: number | null): CopyPlan {
  const { headerBytes, buffer } = state;
  const { first } = wantedPages(state);
  const copies: ByteCopy[] = [];
  let { position, used } = state;
  let fault = false;
  let needsBounce = false;
  for (const [index, pfn] of readAs(NUMBERS, vars["sources"]).entries()) {
    const pageEnd = headerBytes + (first + index + 1) * PAGE_BYTES;
    const length = Math.min(pageEnd, state.end) - position;
    if (length <= 0) break;
    const offset = PAGE_BYTES - (pageEnd - position);
    const high = pfn >= state.highmemPfn;
    if (high && bounce === null) needsBounce = true;
    const page = (high ? bounce ?? pfn : pfn) * PAGE_BYTES;
    const piece = toUser(buffer, used, page + offset, length);
    if (piece === undefined) {
      fault = true;
      break;
    }
    if (high) copies.push({ to: page, from: pfn * PAGE_BYTES, length: PAGE_BYTES });
    copies.push(...piece);
    position += length;
    used += length;
  }
  return { copies, bytes: position - state.position, fault, needsBounce };
}
