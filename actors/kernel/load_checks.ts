/**
 * The checks of kexec_load in their order, with the errno of the first that fails
 * (protocol.md C.2; the recorded facts 1 to 8).
 *
 * @module
 */
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { ERRNO } from "./errno.ts";
import type { ImageSegment } from "./state.ts";

/** Flags of kexec_load (protocol.md A.6). */
export const KEXEC_FLAG = { onCrash: 1, preserveContext: 2 } as const;

/** Most segments of one call. */
export const SEGMENTS_MAX = 16;

const ARCH_386 = 3 << 16;
const ARCH_X86_64 = 62 << 16;

/** What is looked at. */
export interface LoadRequest {
  readonly arch: "i386" | "x86_64";
  readonly capable: boolean;
  readonly disabled: boolean;
  readonly flags: number;
  readonly segments: readonly ImageSegment[];
  readonly limit: number;
  readonly ramPages: number;
  /** The kernel has the half-of-RAM rule, and with it (6.1) the check for a wrap. */
  readonly halfRam: boolean;
  /** Flags of {@linkcode KEXEC_FLAG} this kernel knows: all unless given. */
  readonly flagsKnown?: number;
  /** Range of the crash reservation, if there is one. */
  readonly crash?: { readonly start: number; readonly end: number };
  readonly entry: number;
  /** Flags this kernel knows besides those of {@linkcode KEXEC_FLAG}: none unless given. */
  readonly moreFlags?: number;
}

/** S1 to S5, which come before the lock is asked for: the errno of the first that fails, or 0. */
export function checkArguments(request: LoadRequest): number {
  const { flags, arch } = request;
  if (!request.capable || request.disabled) return ERRNO.EPERM;
  const arches = flags & 0xffff_0000;
  const usual = KEXEC_FLAG.onCrash | KEXEC_FLAG.preserveContext;
  const known = (request.flagsKnown ?? usual) | (request.moreFlags ?? 0);
  const rest = flags & 0xffff & ~known;
  if (rest !== 0) return ERRNO.EINVAL;
  if (request.segments.length > SEGMENTS_MAX) return ERRNO.EINVAL;
  if (arches !== 0 && arches !== (arch === "i386" ? ARCH_386 : ARCH_X86_64)) return ERRNO.EINVAL;
  return 0;
}

/** Where a segment ends as the kernel computes it: in words of the architecture. */
function endIn(arch: LoadRequest["arch"], { mem, memsz }: ImageSegment): number {
  // No address of ours is near 2^64, so that only 32-bit words can wrap.
  return arch === "i386" ? (mem + memsz) % 2 ** 32 : mem + memsz;
}

function checkPlaces(request: LoadRequest): number {
  const { arch, halfRam } = request;
  for (const segment of request.segments) {
    const { mem, memsz } = segment;
    const wraps = !Number.isSafeInteger(mem + memsz) || mem > endIn(arch, segment);
    // 2.6.27 and 2.6.28 did not look: there a segment may end behind the last address.
    if (wraps && (halfRam || arch === "x86_64")) return ERRNO.EADDRNOTAVAIL;
    const end = endIn(arch, segment);
    if (mem % PAGE_BYTES !== 0 || end % PAGE_BYTES !== 0) return ERRNO.EADDRNOTAVAIL;
    if (end >= request.limit) return ERRNO.EADDRNOTAVAIL;
  }
  return 0;
}

function checkOverlap(arch: LoadRequest["arch"], segments: readonly ImageSegment[]): number {
  for (let left = 0; left < segments.length; left++) {
    for (let right = 0; right < left; right++) {
      const one = segments[left];
      const other = segments[right];
      if (one === undefined || other === undefined) continue;
      if (one.mem < endIn(arch, other) && other.mem < endIn(arch, one)) return ERRNO.EINVAL;
    }
  }
  return segments.some(({ bufsz, memsz }) => bufsz > memsz) ? ERRNO.EINVAL : 0;
}

function checkSizes(request: LoadRequest): number {
  if (!request.halfRam) return 0;
  const half = Math.floor(request.ramPages / 2);
  let total = 0;
  for (const { memsz } of request.segments) {
    const pages = Math.ceil(memsz / PAGE_BYTES);
    if (pages > half) return ERRNO.EINVAL;
    total += pages;
  }
  return total > half ? ERRNO.EINVAL : 0;
}

function checkCrashEntry({ flags, crash, entry }: LoadRequest): number {
  if ((flags & KEXEC_FLAG.onCrash) === 0) return 0;
  const inside = crash !== undefined && entry >= crash.start && entry < crash.end;
  return inside ? 0 : ERRNO.EADDRNOTAVAIL;
}

function checkCrashSegments({ flags, crash, segments }: LoadRequest): number {
  if ((flags & KEXEC_FLAG.onCrash) === 0 || crash === undefined) return 0;
  const inside = segments.every(({ mem, memsz }) => mem >= crash.start && mem + memsz <= crash.end);
  return inside ? 0 : ERRNO.EADDRNOTAVAIL;
}

/** S7a and S8, which come behind the lock; no segments are an unload and need no checks. */
export function checkSegments(request: LoadRequest): number {
  if (request.segments.length === 0) return 0;
  return checkCrashEntry(request) || checkPlaces(request) ||
    checkOverlap(request.arch, request.segments) ||
    checkSizes(request) || checkCrashSegments(request);
}

/** The errno (positive) of the first check that fails, or 0; lock and memory it leaves out. */
export function checkLoad(request: LoadRequest): number {
  return checkArguments(request) || checkSegments(request);
}
