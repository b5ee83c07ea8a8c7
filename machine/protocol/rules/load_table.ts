/**
 * The checks of `kexec_load` that follow from the call alone (protocol.md C.2, S1 to S8), in the
 * order in which a kernel makes them.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import type { Fact } from "../facts.ts";
import { pagesOf, wideNumber } from "./hex.ts";

/** Errors as the negative values of results. */
export const ERRNO = {
  EPERM: -1,
  ENOENT: -2,
  ENOMEM: -12,
  EFAULT: -14,
  EBUSY: -16,
  ENODEV: -19,
  EINVAL: -22,
  ENODATA: -61,
  EOVERFLOW: -75,
  EADDRNOTAVAIL: -99,
} as const;

/** Most segments one call may have (KEXEC_SEGMENT_MAX). */
export const SEGMENTS_MAX = 16;

const FLAGS_KNOWN = 0x3n;
const ARCH_MASK = 0xffff0000n;
const ARCH_FLAGS = { i386: 3n << 16n, x86_64: 62n << 16n } as const;
const PAGE = 4096n;

/** One segment of a call. */
export interface Segment {
  readonly mem: bigint;
  readonly memsz: bigint;
  readonly bufsz: bigint;
}

/**
 * Segments of `mem+memsz/bufsz,…`.
 *
 * @throws {FormatError} if the text is not that.
 */
export function parseSegments(text: string): Segment[] {
  if (text === "") return [];
  return text.split(",").map((item) => {
    const match = /^([^+]+)\+([^/]+)\/(.+)$/.exec(item);
    const [, mem, memsz, bufsz] = match ?? [];
    if (mem === undefined || memsz === undefined || bufsz === undefined) {
      throw new FormatError("segment list", 0, `cannot read '${item}'`);
    }
    return { mem: wideNumber(mem), memsz: wideNumber(memsz), bufsz: wideNumber(bufsz) };
  });
}

/** What the table says of a call: 0, or the error with the check that gives it. */
export interface Expectation {
  readonly result: number;
  readonly check: string;
  /** The check comes after the lock and the copying of the list, which may fail first. */
  readonly late: boolean;
}

const OK: Expectation = { result: 0, check: "none fails", late: false };

function early(result: number, check: string): Expectation {
  return { result, check, late: false };
}

function late(result: number, check: string): Expectation {
  return { result, check, late: true };
}

/** S8a to S8c for every segment. */
export function placeFault(
  segments: readonly Segment[],
  load: Pick<Fact<"load">, "arch" | "limit" | "half_ram">,
): string | undefined {
  const wrap = load.arch === "i386" ? 1n << 32n : 1n << 64n;
  const limit = wideNumber(load.limit);
  for (const { mem, memsz } of segments) {
    const end = mem + memsz;
    // Kernels without the half-of-RAM rule do not look for a wrap either (protocol.md C.2).
    if (end >= wrap && load.half_ram) return "S8a: a segment's end wraps";
    if (mem % PAGE !== 0n || end % PAGE !== 0n) return "S8b: a segment is not page-aligned";
    if (end % wrap >= limit) return "S8c: a segment reaches past the limit";
  }
  return undefined;
}

/** S8d: touching is fine, and an empty segment overlaps only strictly inside another. */
export function overlaps(segments: readonly Segment[]): boolean {
  return segments.some((one, index) =>
    segments.slice(0, index).some((other) =>
      one.mem + one.memsz > other.mem && one.mem < other.mem + other.memsz
    )
  );
}

/** S8f and S8g, in whole pages against half of RAM. */
export function isOverHalf(segments: readonly Segment[], ramPages: number): boolean {
  const half = BigInt(ramPages) / 2n;
  let total = 0n;
  for (const { memsz } of segments) {
    const pages = pagesOf(memsz);
    if (pages > half) return true;
    total += pages;
  }
  return total > half;
}

/** The checks that need no list: S1 to S5. */
export function earlyExpectation(load: Fact<"load">): Expectation {
  const flags = wideNumber(load.flags);
  if (!load.capable || load.disabled) return early(ERRNO.EPERM, "S1: not permitted");
  const known = FLAGS_KNOWN | wideNumber(load.more_flags ?? "0x0");
  if ((flags & ~ARCH_MASK & ~known) !== 0n) return early(ERRNO.EINVAL, "S3: unknown flag");
  if (load.segments > SEGMENTS_MAX) return early(ERRNO.EINVAL, "S4: too many segments");
  const arch = flags & ARCH_MASK;
  if (arch !== 0n && arch !== ARCH_FLAGS[load.arch]) {
    return early(ERRNO.EINVAL, "S5: another architecture");
  }
  return OK;
}

/** All checks up to S8g. */
export function expectation(load: Fact<"load">, segments: readonly Segment[]): Expectation {
  const first = earlyExpectation(load);
  if (first.result !== 0) return first;
  const place = placeFault(segments, load);
  if (place !== undefined) return late(ERRNO.EADDRNOTAVAIL, place);
  if (overlaps(segments)) return late(ERRNO.EINVAL, "S8d: segments overlap");
  if (segments.some(({ bufsz, memsz }) => bufsz > memsz)) {
    return late(ERRNO.EINVAL, "S8e: more bytes than room");
  }
  if (load.half_ram && isOverHalf(segments, load.ram_pages)) {
    return late(ERRNO.EINVAL, "S8f: over half of RAM");
  }
  return OK;
}
