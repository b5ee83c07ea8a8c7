import { deepStrictEqual, match, notStrictEqual, strictEqual } from "node:assert/strict";
import { parsePairRuns } from "../../machine/formats/page_runs.ts";
import { brokenRules, fieldsOf, judge, runMainline } from "../runs/run_kit.ts";
import { boot, flipInRam, longText, runHooked, type, until } from "./kernel_hooks.ts";

const LOAD_B = "kexec --load-preserve-context /boot/bzImage --mem-min=0x100000 " +
  '--mem-max=0xffffff --initrd=/boot/rootfs.gz --append="hostname=B root=/dev/ram0"';
const JUMP = [...boot("A"), type("A", LOAD_B), type("A", "kexec -e"), ...until("B")];

/** Where a destination page's content stands until the jump. */
function sourceOf(pairs: string, destination: number): number {
  const run = parsePairRuns(pairs).find((each) =>
    each.destination <= destination && destination < each.destination + each.count
  );
  if (run === undefined) throw new Error(`No pair for page 0x${destination.toString(16)}`);
  return run.source + destination - run.destination;
}

/** Destinations of the segments with content, first pages; the largest first. */
function filled(list: string): number[] {
  return list.split(",")
    .map((text) => /^([0-9a-f]+)\+[0-9a-f]+\/([0-9a-f]+)$/.exec(text)?.slice(1) ?? [])
    .map(([mem = "", bufsz = ""]) => ({ mem: parseInt(mem, 16), bufsz: parseInt(bufsz, 16) }))
    .filter(({ bufsz }) => bufsz > 0)
    .sort((one, other) => other.bufsz - one.bufsz)
    .map(({ mem }) => mem / 4096);
}

/** Loads B, has a bit of a page of segment `index` flipped before the jump, and jumps. */
function damaged(index: number, bit: number) {
  let list = "";
  return runHooked({ script: JUMP }, (event, scheduler, blobs) => {
    if (event.type === "fact.load") list = longText(event, "list", blobs);
    if (event.type !== "fact.kimage") return;
    const destination = filled(list)[index] ?? 0;
    const source = sourceOf(longText(event, "pairs", blobs), destination);
    flipInRam(scheduler, source * 4096 + (bit >> 3), bit & 7);
  });
}

for (const [index, what] of ["kernel", "initramfs", "boot parameters"].entries()) {
  Deno.test(`purgatory stops when one bit of the ${what} was flipped after the load (F101)`, () => {
    const run = damaged(index, 8 * 100 + index);
    const [fact] = fieldsOf(run, "purgatory");
    notStrictEqual(fact?.["expected"], fact?.["actual"]);
    deepStrictEqual(fieldsOf(run, "panic"), [
      { k: "purgatory", reason: "purgatory: segments do not match their SHA-256" },
    ]);
    deepStrictEqual(fieldsOf(run, "boot").map(({ k }) => k), ["A"], "B never starts");
    match(run.outcome, /^stuck: expected prompt of B, saw nothing/);
    const report = judge(run);
    deepStrictEqual(brokenRules(report), { ids: [], reasons: "" });
    strictEqual(report.rules.find(({ id }) => id === "F101")?.verdict, "held");
  });
}

Deno.test("purgatory hands the word at SP on as kexec_jump_back_entry= (F29)", () => {
  const run = runMainline({ script: JUMP });
  const jump = fieldsOf(run, "jump").find(({ to }) => to === "purgatory");
  const [, b] = fieldsOf(run, "boot");
  strictEqual(b?.["k"], "B");
  const entry = / kexec_jump_back_entry=(0x[0-9a-f]+)$/.exec(String(b?.["cmdline"]))?.[1];
  strictEqual(entry, jump?.["word"]);
  deepStrictEqual([jump?.["preserve"], entry === "0x0"], [true, false]);
});

Deno.test("purgatory appends nothing when the word is 0: a plain kexec", () => {
  const script = [
    ...boot("A"),
    type("A", 'kexec -l /boot/bzImage --initrd=/boot/rootfs.gz --append="hostname=D quiet"'),
    type("A", "kexec -e"),
    ...until("D"),
  ];
  const run = runMainline({ script });
  strictEqual(run.outcome, "done");
  const jump = fieldsOf(run, "jump").find(({ to }) => to === "purgatory");
  deepStrictEqual([jump?.["preserve"], jump?.["word"]], [false, "0x0"]);
  deepStrictEqual(fieldsOf(run, "boot").map(({ k }) => k), ["A", "D"]);
  strictEqual(fieldsOf(run, "boot", "D")[0]?.["cmdline"], "hostname=D quiet");
  const ended = run.events.filter(({ kind }) => kind === "end").map(({ actor }) => actor);
  deepStrictEqual(ended.filter((actor) => actor === "A"), ["A"], "a plain kexec ends A (F01)");
  deepStrictEqual(brokenRules(judge(run)).reasons, "");
});
