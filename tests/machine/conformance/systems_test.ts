/** Rules that several systems share, on the stories of those that are not mainline jump. */
import assert from "node:assert/strict";
import { collectGarbage } from "../../collect_garbage.ts";
import { Checker } from "../../../machine/conformance/checker.ts";
import {
  alterEvents,
  type EventTest,
  isFact,
  nth,
  seal,
  type StoredTrace,
} from "../../../machine/conformance/mutation.ts";
import { idsWith, type Report } from "../../../machine/conformance/report.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import type { FactName } from "../../../machine/protocol/facts.ts";
import {
  after,
  all,
  before,
  blob,
  type Change,
  drop,
  fact,
  type Fields,
  move,
  set,
} from "./bad_kit.ts";
import { BLOBS, GOOD, good } from "./stories.ts";
import { sums } from "./story.ts";

function judge(trace: StoredTrace, systems?: string): Report {
  const options = systems === undefined ? {} : { systems };
  const checker = new Checker(ALL_RULES, { blobs: BLOBS, ...options });
  checker.begin(trace.header);
  for (const event of trace.events) checker.event(event);
  checker.finishTrace(trace.footer);
  return checker.report();
}

const at = (index: number, name: FactName, fields: Fields = {}): EventTest =>
  nth(isFact(name, fields), index);
const first = (name: FactName, fields: Fields = {}): EventTest => at(0, name, fields);

/** A change of a story and the rules that it breaks, no others. */
type Broken = readonly [what: string, ids: string, story: string, change: () => Change];

const SWSUSP: readonly Broken[] = [
  ["a copy with no CPU state saved", "F31", "swsusp", () => drop(first("save", { what: "cpu" }))],
  [
    "other CPU state after the restore",
    "F30",
    "swsusp",
    () => set(at(1, "restore", { k: "A", what: "cpu" }), { digest: "x" }),
  ],
  [
    "interrupts before the CPU state is restored",
    "F31 F32",
    "swsusp",
    () => after(first("resumed"), fact("interrupts", { k: "A", enabled: true })),
  ],
  [
    "interrupts on at the copy",
    "F32",
    "swsusp",
    () => drop(first("interrupts", { enabled: false })),
  ],
  [
    "interrupts on at the final copy",
    "F32",
    "swsusp",
    () => drop(first("interrupts", { k: "C", enabled: false })),
  ],
  ["two CPUs at the copy", "F33", "swsusp", () => drop(first("cpus", { online: "0" }))],
  [
    "system devices before noirq",
    "F34",
    "swsusp",
    () =>
      move(first("syscore", { op: "suspend" }), "before", first("phase", { name: "freeze_noirq" })),
  ],
  [
    "a loader that does not quiesce",
    "F34",
    "swsusp",
    () => drop(isFact("phase", { message: "QUIESCE" })),
  ],
  [
    "devices up before system devices",
    "F35",
    "swsusp",
    () =>
      move(
        at(1, "syscore", { k: "A", op: "resume" }),
        "after",
        first("phase", { name: "restore_noirq" }),
      ),
  ],
  ["devices not thawed", "F35", "swsusp", () => drop(isFact("phase", { message: "THAW" }))],
  ["a parent frozen first", "F36", "swsusp", () =>
    move(
      first("phase", { device: "pci", name: "freeze" }),
      "before",
      first("phase", { device: "ide", name: "freeze" }),
    )],
  [
    "a transfer after the copy",
    "F37",
    "swsusp",
    () => before(first("snapshot"), fact("dma", { k: "A", device: "ide" })),
  ],
  [
    "low power in a freeze phase",
    "F38",
    "swsusp",
    () => set(first("phase", { name: "freeze_late" }), { powered: false }),
  ],
  [
    "RECOVER after a copy",
    "F39",
    "swsusp",
    () => set(first("phase", { name: "thaw" }), { message: "RECOVER" }),
  ],
  [
    "THAW after a restore",
    "F39 F104",
    "swsusp",
    () => set(first("phase", { name: "restore" }), { message: "THAW" }),
  ],
  [
    "THAW after a failure",
    "F39",
    "swsusp_failures",
    () => set(first("phase", { name: "thaw" }), { message: "THAW" }),
  ],
  [
    "a phase that is not undone",
    "F40",
    "swsusp_failures",
    () => drop(first("phase", { name: "thaw" })),
  ],
  [
    "tasks frozen before the console",
    "F45",
    "swsusp",
    () => move(first("console", { op: "prepare" }), "after", first("freeze")),
  ],
  [
    "the console restored before the thaw",
    "F44 F45",
    "swsusp",
    () => move(first("console", { op: "restore" }), "before", first("thaw")),
  ],
];

const IMAGES: readonly Broken[] = [
  [
    "a page that is not saved",
    "F46",
    "swsusp",
    () => set(first("image", { op: "page" }), { runs: "2+9e,100+60" }),
  ],
  [
    "a page after the commit",
    "F51",
    "swsusp",
    () => after(first("image", { op: "commit" }), fact("image", { k: "A", op: "page", id: "s1" })),
  ],
  ["a sleep without a commit", "F53", "swsusp", () => drop(first("image", { op: "commit" }))],
  ["success without an image", "F53", "swsusp_failures", () =>
    after(
      first("console", { op: "restore" }),
      fact("tool", { k: "A", program: "pm-hibernate", arguments: "platform", status: 0 }),
    )],
  [
    "a commit after a failure",
    "F46 F51 F54 F55",
    "swsusp_failures",
    () =>
      after(
        first("image", { op: "abort" }),
        fact("image", { k: "A", op: "commit", id: "s1", of: "A" }),
      ),
  ],
  ["a foreign mount", "F58", "swsusp", () =>
    before(
      first("image", { op: "load" }),
      fact("mount", { k: "C", fs: "hda2", read_only: true, clean: false, mounts: 4 }),
    )],
  ["an image that stays valid", "F60", "swsusp", () => drop(first("image", { op: "invalidate" }))],
  [
    "the wall clock set back",
    "F95",
    "swsusp",
    () => set(at(1, "clock", { op: "enter" }), { real: 1 }),
  ],
  [
    "_WAK twice",
    "F82",
    "swsusp",
    () =>
      after(
        at(1, "acpi", { method: "_WAK" }),
        fact("acpi", { k: "A", method: "_WAK", argument: 4 }),
      ),
  ],
  ["a dead device", "F30 F104", "swsusp", () => set(first("selftest"), { actual: "-5" })],
];

const JUMPS: readonly Broken[] = [
  ["a jump by an unloaded crash image", "F01", "rfc", () =>
    before(
      first("exec", { loaded: true }),
      fact("unload", { k: "A", slot: "crash", result: 0 }),
    )],
  [
    "a crash image that outlives a failed load",
    "F02 F19",
    "rfc",
    () => set(at(2, "loaded_check"), { value: 1 }),
  ],
  [
    "a write outside the region",
    "F24",
    "rfc",
    () => set(first("memory_write", { k: "B" }), { runs: "0+a0,17f+41" }),
  ],
  [
    "other memory at the return",
    "F23 F78",
    "kimgcore",
    () => blob(sums(8), at(1, "frames", { k: "A", when: "return" })),
  ],
  ["a process that changed", "F23", "jump", () =>
    after(
      first("resumed", { k: "A" }),
      fact("selftest", { k: "A", what: "process", name: "w/1", expected: "1", actual: "2" }),
    )],
  [
    "no notifier at the end",
    "F44",
    "kimgcore",
    () => drop(first("notifier", { event: "PM_POST_HIBERNATION" })),
  ],
  [
    "a sleep without its methods",
    "F81 F91",
    "kimgcore",
    () => drop(first("acpi", { method: "_PTS" })),
  ],
  [
    "page set 2 that is never read again",
    "F99",
    "tuxonice",
    () => drop(first("pageset", { set: "2", op: "read" })),
  ],
  ["a sync over page set 2, and a jump with interrupts on", "F32 F99", "tuxonice", () =>
    all(
      after(first("pageset", { set: "1", op: "copy" }), fact("sync", { k: "A" })),
      drop(first("interrupts", { enabled: false })),
    )],
];

for (const [what, ids, story, change] of [...SWSUSP, ...IMAGES, ...JUMPS]) {
  Deno.test(`${ids.replaceAll(" ", " and ")} notices ${what} in '${story}'`, () => {
    const report = judge(change()(good(story)));
    const reasons = report.rules.flatMap(({ id, violations }) =>
      violations.map(({ reason }) => `${id}: ${reason}`)
    );
    assert.deepEqual(idsWith(report, "violated"), ids.split(" "), reasons.join("; "));
  });
}

Deno.test("ALL_RULES hold nothing in the facts of another system", () => {
  // Rules of S look at facts that a jump does not have, and the other way round.
  const held = (story: string, systems: string) => idsWith(judge(good(story), systems), "held");
  const foreign = held("jump", "S").filter((id) => !held("jump", "M").includes(id));
  assert.deepEqual(foreign, []);
  for (const id of ["F01", "F03", "F04", "F22", "F23", "F25", "F96", "F101"]) {
    assert.ok(!held("swsusp", "RVGM").includes(id), id);
  }
});

Deno.test("ALL_RULES take a boot kernel for another one, though it has the name of the saved one", () => {
  const named = (name: string) => name === "C" ? "A" : name;
  const trace = alterEvents(good("swsusp"), () => true, (event) => {
    const { summary } = event;
    const names = Object.entries(summary ?? {}).map(([field, value]) =>
      ["k", "from", "to"].includes(field) ? [field, named(String(value))] : [field, value]
    );
    const fields = summary === undefined ? {} : { summary: Object.fromEntries(names) };
    return { ...event, actor: named(event.actor), ...fields };
  });
  const facts = seal(
    trace.header,
    trace.events.filter(({ kind }) => kind === "note"),
    trace.footer,
  );
  const report = judge(facts);
  assert.deepEqual(idsWith(report, "violated"), []);
  for (const id of ["F30", "F31", "F39", "F44", "F45", "F58", "F60", "F82", "F95", "F104"]) {
    assert.ok(idsWith(report, "held").includes(id), id);
  }
  const other = set(at(1, "restore", { k: "A", what: "cpu" }), { digest: "x" })(facts);
  assert.deepEqual(idsWith(judge(other), "violated"), ["F30"]);
});

Deno.test("ALL_RULES keep their memory over a long stream of every system", () => {
  const checker = new Checker(ALL_RULES, { systems: "RVGMST", blobs: BLOBS });
  const traces = GOOD.flatMap(({ traces }) => traces).map(({ trace }) => trace);
  const [one] = traces;
  assert.ok(one !== undefined);
  checker.begin(one.header);
  const round = () => {
    for (const { events } of traces) {
      for (const event of events) checker.event(event);
    }
  };
  const used = () => {
    collectGarbage();
    return Deno.memoryUsage().heapUsed;
  };
  for (let index = 0; index < 20; index++) round();
  const start = used();
  for (let index = 0; index < 100; index++) round();
  // 200 000 events; without a collector at hand its own slack is tens of megabytes.
  const slack = Reflect.get(globalThis, "gc") === undefined ? 96_000_000 : 4_000_000;
  const more = used() - start;
  assert.ok(more < slack, `${more} bytes more`);
});
