/**
 * An element that scrolls over very many rows, of which only those that are seen exist: its scroll
 * bar, the wheel, and the row that stands at its top.
 *
 * @module
 */
/// <reference lib="dom" />
import { VirtualScroll } from "./virtual_scroll.ts";

/** See the module's header. */
export class RowScroller {
  readonly #element: HTMLElement;
  readonly #scroll: VirtualScroll;
  readonly #changed: () => void;
  #top = 0;
  #viewPixels = 0;
  /** Where the scroll bar stands, in px. */
  #bar = 0;

  /** @param changed asks to be drawn again. */
  constructor(element: HTMLElement, rowPixels: number, changed: () => void) {
    this.#element = element;
    this.#scroll = new VirtualScroll(rowPixels);
    this.#changed = changed;
    element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** First row that is seen, with its part. */
  get top(): number {
    return this.#top;
  }

  /** Takes the number of rows and the height in px of what is seen of them. */
  size(count: number, viewPixels: number): void {
    this.#viewPixels = viewPixels;
    this.#scroll.size(count, viewPixels);
  }

  /** Goes back to the first row. */
  rewind(): void {
    this.#top = 0;
  }

  /** Moves so that a row is seen. */
  reveal(row: number): void {
    this.#top = this.#scroll.reveal(row, this.#top);
  }

  /** Stays among the rows there are. */
  stay(): void {
    this.#top = this.#scroll.topOf(this.#scroll.scrollOf(this.#top));
  }

  /** Puts the scroll bar where it belongs; `box` is what makes the element so high. */
  place(box: HTMLElement | null): void {
    const rest = Math.max(0, this.#scroll.boxPixels - this.#viewPixels);
    if (box !== null) box.style.height = `${rest}px`;
    const wanted = this.#scroll.scrollOf(this.#top);
    // Asking the element where it stands would have the browser lay everything out at once.
    if (Math.abs(this.#bar - wanted) >= 1) this.#element.scrollTop = this.#bar = wanted;
  }

  #scrolled(): void {
    this.#bar = this.#element.scrollTop;
    // Where the script put the bar, it stands already: only px are lost on the way.
    if (Math.abs(this.#scroll.scrollOf(this.#top) - this.#bar) < 1) return;
    this.#top = this.#scroll.topOf(this.#bar);
    this.#changed();
  }

  #wheel(event: WheelEvent): void {
    if (!this.#scroll.scaled || event.deltaY === 0 || event.ctrlKey) return;
    event.preventDefault();
    this.#top = Math.max(0, this.#top + event.deltaY / this.#scroll.rowPixels);
    this.#changed();
  }
}
