import { deepEqual, equal, throws } from "node:assert/strict";
import { Drawing, type Drawn } from "../../server/page/drawing.ts";

/** A drawing whose frames are begun by hand, and what it did. */
class Easel {
  readonly done: string[] = [];
  readonly frames: (() => void)[] = [];
  apart = false;
  /** Called by the part of that name. */
  readonly acts: Map<string, () => void> = new Map();
  readonly drawing: Drawing;

  constructor(idle: readonly string[] = []) {
    const part = (name: string) => (): boolean => {
      this.done.push(name);
      this.acts.get(name)?.();
      return !idle.includes(name);
    };
    const drawn: Drawn = {
      parts: ["a", "b", "c"].map(part),
      begin: () => void part("begin")(),
      isApart: () => this.apart,
      done: () => void part("done")(),
    };
    this.drawing = new Drawing((then) => this.frames.push(then), drawn);
  }

  /** Does the next frame and gives what was done in it. */
  frame(): string {
    const from = this.done.length;
    const waiting = this.frames.splice(0);
    for (const then of waiting) then();
    return this.done.slice(from).join(" ");
  }
}

Deno.test("Drawing draws once in the next frame, however often it is asked", () => {
  const easel = new Easel();
  for (let time = 0; time < 3; time++) easel.drawing.ask();
  equal(easel.frame(), "begin a b c done");
  equal(easel.frames.length, 0);
});

Deno.test("Drawing gives each part that has something to do a frame of its own, and one to be painted in", async () => {
  const easel = new Easel(["b"]);
  easel.apart = true;
  easel.drawing.ask();
  equal(easel.frame(), "begin a");
  equal(easel.drawing.underWay, true);
  equal(easel.frame(), "");
  const over = easel.drawing.over().then(() => easel.done.push("over"));
  equal(easel.frame(), "b c done");
  equal(easel.drawing.underWay, false);
  await over;
  equal(easel.done.at(-1), "over");
  await easel.drawing.over();
});

Deno.test("Drawing draws again what is asked for while it draws, and not what begins it", () => {
  const easel = new Easel();
  easel.acts.set("begin", () => easel.drawing.ask());
  easel.drawing.ask();
  equal(easel.frame(), "begin a b c done");
  equal(easel.frames.length, 0);
  easel.acts.set("b", () => easel.drawing.ask());
  easel.drawing.ask();
  equal(easel.frame(), "begin a b c done");
  easel.acts.clear();
  deepEqual([easel.frame(), easel.frame()], ["begin a b c done", ""]);
});

Deno.test("Drawing goes on with the next frame when a part throws", () => {
  const easel = new Easel();
  easel.apart = true;
  easel.acts.set("b", () => {
    throw new Error("torn");
  });
  easel.drawing.ask();
  equal(easel.frame() + easel.frame(), "begin a");
  throws(() => easel.frame(), /torn/);
  equal(easel.drawing.underWay, false);
  easel.acts.clear();
  easel.apart = false;
  easel.drawing.ask();
  equal(easel.frame(), "begin a b c done");
});
