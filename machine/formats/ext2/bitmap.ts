/**
 * Bits of an ext2 bitmap block: bit n is bit n mod 8 of byte n div 8. Searches pass over whole
 * bytes, so that they cost a few thousand steps for a group of 32768 blocks at most.
 *
 * @module
 */

/** The first bit with this value in `from` … `limit` - 1, or `limit` if there is none. */
export function nextBit(
  bitmap: Uint8Array,
  value: 0 | 1,
  from: number,
  limit: number,
): number {
  const uninteresting = value === 1 ? 0x00 : 0xff;
  let bit = from;
  while (bit < limit) {
    const byte = bitmap[bit >> 3] ?? uninteresting;
    if (byte === uninteresting) bit = (bit | 7) + 1;
    else if (((byte >> (bit & 7)) & 1) === value) return bit;
    else bit++;
  }
  return limit;
}

/** Gives `count` bits from `from` on the same value. */
export function fillBits(bitmap: Uint8Array, value: 0 | 1, from: number, count: number): void {
  const end = from + count;
  let bit = from;
  while (bit < end) {
    const at = bit >> 3;
    if ((bit & 7) === 0 && end - bit >= 8) {
      const bytes = (end - bit) >> 3;
      bitmap.fill(value === 1 ? 0xff : 0x00, at, at + bytes);
      bit += bytes * 8;
      continue;
    }
    const mask = 1 << (bit & 7);
    const byte = bitmap[at] ?? 0;
    bitmap[at] = value === 1 ? byte | mask : byte & ~mask;
    bit++;
  }
}

/** How many of the first `limit` bits are 0. */
export function countZeros(bitmap: Uint8Array, limit: number): number {
  let count = 0;
  for (let bit = nextBit(bitmap, 0, 0, limit); bit < limit;) {
    const end = nextBit(bitmap, 1, bit, limit);
    count += end - bit;
    bit = nextBit(bitmap, 0, end, limit);
  }
  return count;
}
