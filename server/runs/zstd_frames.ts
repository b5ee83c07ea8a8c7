/**
 * Whether a zstd file is whole: its frames and blocks (RFC 8878, 3.1) are walked through by their
 * lengths, nothing is unpacked. The host's own unpacker takes a file that was cut off for a shorter
 * one and says nothing.
 *
 * @module
 */

const FRAME = 0xfd2f_b528;
/** The last hexadecimal digit of a frame to be skipped is free. */
const SKIPPED = 0x184d_2a50;
const WINDOW_BYTES = 0x1_0000;
/** Bytes of a dictionary's id, and of the content's size, by their flags. */
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const SIZE_BYTES = [0, 2, 4, 8] as const;

/** Numbers anywhere in a file, read through a window. */
class Numbers {
  readonly #file: Deno.FsFile;
  readonly bytes: number;
  readonly #window: Uint8Array = new Uint8Array(WINDOW_BYTES);
  #from = 0;
  #filled = 0;

  constructor(file: Deno.FsFile) {
    this.#file = file;
    this.bytes = file.statSync().size;
  }

  /** A little-endian number; 0 for what lies behind the end. */
  at(offset: number, count: number): number {
    if (offset < this.#from || offset + count > this.#from + this.#filled) this.#move(offset);
    let value = 0;
    for (let index = count - 1; index >= 0; index--) {
      value = value * 256 + (this.#window[offset - this.#from + index] ?? 0);
    }
    return value;
  }

  #move(offset: number): void {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    this.#window.fill(0);
    this.#from = offset;
    this.#filled = 0;
    while (this.#filled < WINDOW_BYTES) {
      const count = this.#file.readSync(this.#window.subarray(this.#filled));
      if (count === null) return;
      this.#filled += count;
    }
  }
}

/** Offset behind a frame's header, and what follows its blocks. */
function headerAt(numbers: Numbers, offset: number): { blocks: number; checksumBytes: number } {
  const flags = numbers.at(offset + 4, 1);
  const isSingle = (flags & 0x20) !== 0;
  const sizeFlag = flags >> 6;
  const sizeBytes = sizeFlag === 0 && isSingle ? 1 : SIZE_BYTES[sizeFlag] ?? 0;
  const dictionaryBytes = DICTIONARY_BYTES[flags & 3] ?? 0;
  return {
    blocks: offset + 5 + (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes,
    checksumBytes: (flags & 4) === 0 ? 0 : 4,
  };
}

/**
 * Whether a file consists of whole zstd frames.
 *
 * @param turn called now and then; may throw to stop.
 */
export async function isWholeZstd(path: string, turn: () => Promise<void>): Promise<boolean> {
  using file = Deno.openSync(path, { read: true });
  const numbers = new Numbers(file);
  let offset = 0;
  let steps = 0;
  while (offset < numbers.bytes) {
    const word = numbers.at(offset, 4);
    if ((word & ~0xf) === SKIPPED) {
      offset += 8 + numbers.at(offset + 4, 4);
      continue;
    }
    if (word !== FRAME) return false;
    const { blocks, checksumBytes } = headerAt(numbers, offset);
    offset = blocks;
    for (let isLast = false; !isLast;) {
      if (offset + 3 > numbers.bytes) return false;
      const block = numbers.at(offset, 3);
      isLast = (block & 1) === 1;
      // A block of one repeated byte holds that byte.
      offset += 3 + ((block >> 1 & 3) === 1 ? 1 : block >> 3);
      if (++steps % 4096 === 0) await turn();
    }
    offset += checksumBytes;
  }
  return offset === numbers.bytes;
}
