/**
 * Measures how long frames take, by the page itself: the longest since the last reset.
 *
 * @module
 */
/// <reference lib="dom" />

/** See the module's header. */
export class FrameWatch {
  #before = 0;
  #longest = 0;
  #frames = 0;
  #until: () => boolean = () => false;
  #running = false;
  #goesOn = false;

  /** Measures while something goes on. */
  watch(goesOn: () => boolean): void {
    this.#until = goesOn;
    this.#before = 0;
    this.#longest = 0;
    this.#frames = 0;
    this.#goesOn = true;
    if (this.#running) return;
    this.#running = true;
    const frame = (now: number): void => {
      if (this.#before > 0) this.#longest = Math.max(this.#longest, now - this.#before);
      this.#before = now;
      this.#frames++;
      // How long the last frame took is known when the next one begins.
      const goesOn = this.#until();
      this.#running = goesOn || this.#goesOn;
      this.#goesOn = goesOn;
      if (this.#running) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Longest frame in ms, and how many there were. */
  get measured(): { readonly longest: number; readonly frames: number } {
    return { longest: this.#longest, frames: this.#frames };
  }
}
