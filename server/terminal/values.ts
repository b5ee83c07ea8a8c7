/**
 * Values as they are typed and printed: sizes, durations, counts, virtual times. What is typed is
 * either understood or a UsageError that shows how to write it.
 *
 * @module
 */
import { UsageError } from "../../machine/errors.ts";

export { sizeText } from "../../machine/size_text.ts";

const KIB = 1024;
const UNITS: Readonly<Record<string, number>> = { K: KIB, M: KIB ** 2, G: KIB ** 3 };
const SECOND_NS = 1_000_000_000;
const DURATIONS: Readonly<Record<string, number>> = {
  ms: SECOND_NS / 1000,
  s: SECOND_NS,
  m: 60 * SECOND_NS,
  h: 3600 * SECOND_NS,
  d: 86_400 * SECOND_NS,
};

/**
 * Bytes of a size such as `64M`, `512K`, `1G` (also with `iB` behind the letter).
 *
 * @throws {UsageError} if it is none.
 */
export function parseSize(text: string): number {
  const match = /^([0-9]{1,9})([KMG])(?:i?B)?$/i.exec(text);
  const unit = UNITS[(match?.[2] ?? "").toUpperCase()];
  if (match === null || unit === undefined) {
    throw new UsageError(`'${text}' is no size; write a number and K, M or G, as in 64M or 1G`);
  }
  return Number(match[1]) * unit;
}

/**
 * Nanoseconds of a duration such as `90s`, `15m`, `8h`, `2d`, `500ms`.
 *
 * @throws {UsageError} if it is none.
 */
export function parseDuration(text: string): number {
  const match = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = DURATIONS[match?.[2] ?? ""];
  const value = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  if (!Number.isSafeInteger(value)) {
    throw new UsageError(
      `'${text}' is no duration; write a number and ms, s, m, h or d (104 days at most), ` +
        "as in 90s or 8h",
    );
  }
  return value;
}

/**
 * A whole number, decimal or hexadecimal with `0x`.
 *
 * @throws {UsageError} if it is none.
 */
export function parseWhole(text: string): number {
  const value = /^(?:[0-9]{1,16}|0x[0-9a-f]{1,13})$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new UsageError(`'${text}' is no whole number`);
  return value;
}

/** Digits in groups of three: `12,254`. */
export function countText(value: number): string {
  return String(value).replace(/\B(?=(?:[0-9]{3})+$)/g, ",");
}

/** `1 page`, `2 pages`. */
export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** Virtual time for people: `1.006 s`, `3 h 20 m`, `412 us`. */
export function timeText(ns: number): string {
  if (ns < 1_000_000) return `${(ns / 1000).toFixed(0)} us`;
  if (ns < 600 * SECOND_NS) return `${(ns / SECOND_NS).toFixed(3)} s`;
  const minutes = Math.round(ns / (60 * SECOND_NS));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  const parts = [[days, "d"], [hours, "h"], [minutes % 60, "m"]] as const;
  return parts.filter(([value]) => value > 0).map(([value, unit]) => `${value} ${unit}`).join(" ");
}

/** A hexadecimal number with `0x`. */
export function hexText(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
