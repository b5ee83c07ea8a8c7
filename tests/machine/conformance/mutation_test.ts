import assert from "node:assert/strict";
import {
  alterFields,
  cutBefore,
  dropEvents,
  insertEvent,
  isFact,
  moveEvent,
  nth,
  seal,
  traceText,
} from "../../../machine/conformance/mutation.ts";
import { readTraceSync } from "../../../machine/trace/reader.ts";
import { good } from "./stories.ts";

function isReadable(text: string): boolean {
  return [...readTraceSync(text.split(/(?<=\n)/), { lineFeeds: true })].at(-1)?.record === "footer";
}

Deno.test("mutation keeps a trace readable whatever is done to it", () => {
  const trace = good("hibernate");
  const jump = () => nth(isFact("jump"), 0);
  const changed = [
    dropEvents(trace, (event) => event.kind === "send"),
    alterFields(trace, jump(), { word: "0x0" }),
    insertEvent(trace, "before", jump(), { kind: "timer", actor: "A" }),
    insertEvent(trace, "after", jump(), { kind: "timer", actor: "A" }),
    moveEvent(trace, jump(), "before", isFact("boot")),
    cutBefore(trace, jump()),
  ];
  for (const result of changed) {
    assert.ok(isReadable(traceText(result)));
    assert.notEqual(result.footer.sha256, trace.footer.sha256);
  }
});

Deno.test("seal carries links over and lets go of those whose event is gone", () => {
  const trace = good("hibernate");
  const plain = seal(trace.header, trace.events, trace.footer);
  assert.equal(traceText(plain), traceText(trace));
  const without = dropEvents(trace, (event) => event.kind === "send");
  assert.ok(without.events.every(({ msg }) => msg === undefined));
  const shifted = insertEvent(trace, "before", () => true, { kind: "timer", actor: "A" });
  const delivery = shifted.events.find(({ kind }) => kind === "deliver");
  assert.equal(shifted.events[delivery?.msg ?? -1]?.kind, "send");
});

Deno.test("mutation refuses to do nothing", () => {
  const trace = good("hibernate");
  const never = () => false;
  assert.throws(() => dropEvents(trace, never), RangeError);
  assert.throws(() => alterFields(trace, never, {}), RangeError);
  assert.throws(() => moveEvent(trace, never, "before", () => true), RangeError);
  assert.throws(() => cutBefore(trace, never), RangeError);
});
