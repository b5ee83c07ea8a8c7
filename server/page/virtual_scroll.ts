/**
 * Where a scroller of very many rows stands. Browsers know no boxes of more than some million px;
 * beyond that the scroll bar is scaled, and the wheel still moves row by row.
 *
 * @module
 */

/** Highest box in px. */
export const SCROLL_PIXELS_MAX = 8_000_000;

/** See the module's header. */
export class VirtualScroll {
  readonly rowPixels: number;
  #count = 0;
  #view = 0;

  constructor(rowPixels: number) {
    this.rowPixels = rowPixels;
  }

  /** Takes the number of rows and the height in px of what is seen of them. */
  size(count: number, viewPixels: number): void {
    this.#count = count;
    this.#view = viewPixels;
  }

  /** Height in px of the box. */
  get boxPixels(): number {
    return Math.min(SCROLL_PIXELS_MAX, this.#count * this.rowPixels);
  }

  /** Whether a px of the scroll bar is more than a px of the rows. */
  get scaled(): boolean {
    return this.#count * this.rowPixels > SCROLL_PIXELS_MAX;
  }

  /** First row seen, with its part, for a position of the scroll bar in px. */
  topOf(scrollPixels: number): number {
    return Math.min(Math.max(0, scrollPixels * this.#ratio()), this.#topMax());
  }

  /** Position of the scroll bar in px at which a row is the first that is seen. */
  scrollOf(top: number): number {
    return Math.min(Math.max(0, top), this.#topMax()) / this.#ratio();
  }

  /** First row to be seen so that a row is well in sight; the same where it is already. */
  reveal(row: number, top: number): number {
    const seen = this.#view / this.rowPixels;
    const margin = Math.min(3, seen / 4);
    if (row < top + margin) return Math.max(0, Math.round(row - Math.max(margin, seen * 0.3)));
    if (row > top + seen - margin - 1) return Math.round(row - seen + Math.max(margin, seen * 0.4));
    return top;
  }

  #topMax(): number {
    return Math.max(0, this.#count - this.#view / this.rowPixels);
  }

  /** Rows for each px of the scroll bar. */
  #ratio(): number {
    const way = this.boxPixels - this.#view;
    return way <= 0 ? 1 / this.rowPixels : this.#topMax() / way;
  }
}
