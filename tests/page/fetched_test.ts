import assert from "node:assert/strict";
import { type Delay, Fetched } from "../../server/page/panels/fetched.ts";

/** A source that is answered by hand and a clock that is wound by hand. */
function kit() {
  const asked: number[] = [];
  const answers = new Map<number, PromiseWithResolvers<string>>();
  const timers: { milliseconds: number; then: () => void; on: boolean }[] = [];
  const delay: Delay = (milliseconds, then) => {
    const timer = { milliseconds, then, on: true };
    timers.push(timer);
    return () => {
      timer.on = false;
    };
  };
  const ask = (_run: string, at: number) => {
    asked.push(at);
    const answer = Promise.withResolvers<string>();
    answers.set(at, answer);
    return answer.promise;
  };
  /** Lets the timers fire that run no longer than that. */
  const fire = (most: number) => {
    for (const timer of timers.filter(({ on, milliseconds }) => on && milliseconds <= most)) {
      timer.on = false;
      timer.then();
    }
  };
  /** Lets only those fire that run longer than that. */
  const fireLong = (least: number) => {
    for (const timer of timers.filter(({ on, milliseconds }) => on && milliseconds >= least)) {
      timer.on = false;
      timer.then();
    }
  };
  let refreshed = 0;
  const fetched = new Fetched(ask, delay);
  const want = (at: number, run = "r") => fetched.want(run, at, () => refreshed++);
  return { asked, answers, fire, fireLong, fetched, want, refreshed: () => refreshed };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

Deno.test("Fetched asks once when the cursor rests, not for each moment it passes", async () => {
  const { asked, answers, fire, want, refreshed } = kit();
  for (let at = 0; at < 5; at++) want(at);
  assert.deepEqual(asked, []);
  fire(200);
  assert.deepEqual(asked, [4]);
  answers.get(4)?.resolve("four");
  await settle();
  assert.equal(refreshed(), 1);
  assert.deepEqual(want(4), { value: "four", at: 4, waiting: false, problem: "" });
});

Deno.test("Fetched asks now and then while the cursor never rests", () => {
  const { asked, fireLong, want } = kit();
  want(1);
  want(2);
  want(3);
  fireLong(500);
  assert.deepEqual(asked, [3]);
});

Deno.test("Fetched forgets a refusal of a moment that nobody looks at any more", async () => {
  const { answers, fire, want } = kit();
  want(1);
  fire(200);
  want(2);
  answers.get(1)?.reject(new Error("A newer question came."));
  await settle();
  assert.equal(want(1).problem, "");
});

Deno.test("Fetched keeps the last answer until the new one comes, and then the one before", async () => {
  const { answers, fire, want } = kit();
  want(1);
  fire(200);
  answers.get(1)?.resolve("one");
  await settle();
  want(1);
  assert.deepEqual(want(2), { value: "one", at: 1, waiting: true, problem: "" });
  fire(200);
  answers.get(2)?.resolve("two");
  await settle();
  assert.deepEqual(want(2), { value: "two", at: 2, earlier: "one", waiting: false, problem: "" });
});

Deno.test("Fetched shows nothing of another run", async () => {
  const { answers, fire, want } = kit();
  want(1);
  fire(200);
  answers.get(1)?.resolve("one");
  await settle();
  assert.deepEqual(want(1, "s"), { at: -1, waiting: true, problem: "" });
});

Deno.test("Fetched says what went wrong and asks again only when told", async () => {
  const { asked, answers, fire, fetched, want } = kit();
  want(1);
  fire(200);
  answers.get(1)?.reject(new Error("The replay ran into a limit."));
  await settle();
  assert.equal(want(1).problem, "The replay ran into a limit.");
  fire(10_000);
  assert.deepEqual(asked, [1]);
  fetched.again();
  assert.deepEqual(asked, [1, 1]);
  assert.equal(want(1).waiting, true);
});
