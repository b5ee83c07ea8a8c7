/**
 * When the page is drawn: in the next frame, however often that is asked for. Where very much is
 * new, each part has a frame of its own, and the next one to be painted in, so that none is long.
 *
 * Promises: what is asked for while it is being drawn is drawn once more; what {@linkcode
 * Drawn.begin} itself asks for is not.
 *
 * @module
 */

/** What is drawn. */
export interface Drawn {
  /** The parts, drawn in this order; each says whether there was anything to do. */
  readonly parts: readonly (() => boolean)[];
  /** Called before the first of them. */
  begin(): void;
  /** Whether each part has a frame of its own. */
  isApart(): boolean;
  /** Called behind the last of them. */
  done(): void;
}

/** See the module's header. */
export class Drawing {
  readonly #frame: (then: () => void) => unknown;
  readonly #drawn: Drawn;
  #asked = false;
  #again = false;
  #beginning = false;
  #underWay = false;
  #waiting: (() => void)[] = [];

  /** @param frame calls back in the next frame. */
  constructor(frame: (then: () => void) => unknown, drawn: Drawn) {
    this.#frame = frame;
    this.#drawn = drawn;
  }

  /** Whether parts are still to be drawn, each in a frame of its own. */
  get underWay(): boolean {
    return this.#underWay;
  }

  /** Resolves when nothing is under way. */
  over(): Promise<void> {
    if (!this.#underWay) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Asks for it to be drawn. */
  ask(): void {
    if (this.#beginning) return;
    if (this.#asked) this.#again = true;
    else {
      this.#asked = true;
      this.#frame(() => this.#draw());
    }
  }

  #draw(): void {
    // What was asked for up to now is in what is drawn now.
    this.#again = false;
    this.#beginning = true;
    try {
      this.#drawn.begin();
    } finally {
      this.#beginning = false;
    }
    this.#parts(0, this.#drawn.isApart());
  }

  #parts(from: number, isApart: boolean): void {
    const { parts } = this.#drawn;
    let next = from;
    try {
      let didMuch = false;
      while (next < parts.length && !didMuch) didMuch = parts[next++]?.() === true && isApart;
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#underWay = next < parts.length;
    if (this.#underWay) {
      // The frame between is for the browser: it paints what was drawn.
      this.#frame(() => this.#frame(() => this.#parts(next, isApart)));
    } else {
      this.#drawn.done();
      this.#end();
    }
  }

  #end(): void {
    this.#asked = this.#underWay = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    if (!this.#again) return;
    this.#again = false;
    this.ask();
  }
}
