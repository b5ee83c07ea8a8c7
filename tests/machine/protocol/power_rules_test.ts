import assert from "node:assert/strict";
import type { RuleContext } from "../../../machine/conformance/rule.ts";
import { POWER_RULES } from "../../../machine/protocol/rules/power_rules.ts";
import type { TraceEvent } from "../../../machine/trace/event.ts";

const EVENT: TraceEvent = { seq: 1, vt: 0, lamport: 0, kind: "note", actor: "cpu" };
const RANGES = "0x0-0x1000";

/** What F100 says of a kernel A that is entered from B, where `booted` booted after the loss. */
function judged(booted: readonly string[]): readonly string[] {
  const said: string[] = [];
  const context: RuleContext = {
    held: () => void said.push("held"),
    violated: (reason) => void said.push(reason),
    bytes: () => undefined,
    text: () => undefined,
    trace: 0,
  };
  const rule = POWER_RULES.find(({ id }) => id === "F100");
  assert.ok(rule !== undefined);
  const { facts = {}, end } = rule.open(context);
  const away = () => {
    facts.jump?.({ from: "A", to: "B", entry: "0x1000", preserve: true }, EVENT);
  };
  const mount = (k: string) => {
    facts.mount?.({ k, fs: "sda2", read_only: false, clean: true, mounts: 1 }, EVENT);
  };
  mount("A");
  away();
  facts.power?.({ op: "loss" }, EVENT);
  facts.power?.({ op: "on" }, EVENT);
  for (const k of booted) {
    facts.boot?.({ k, release: "", ranges: RANGES, cmdline: "" }, EVENT);
    mount(k);
  }
  if (booted.includes("A")) away();
  facts.jump?.({ from: "B", to: "A", entry: "0x1000", preserve: true }, EVENT);
  facts.exec_done?.({ k: "A", result: 0 }, EVENT);
  end?.();
  return said;
}

Deno.test("F100 takes a jump back to a kernel that booted after the loss for no resume", () => {
  assert.deepEqual(judged(["A"]), ["held"]);
});

Deno.test("F100 takes a jump to a kernel that was away at the loss for a resume", () => {
  assert.match(judged(["C"]).join(), /another kernel used its file system 'sda2'/);
});
