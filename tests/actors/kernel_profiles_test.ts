/**
 * Where kernel profiles differ, as whole runs: what the stock 6.1 does is what was recorded of it,
 * what is cured works.
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { parsePairRuns } from "../../machine/formats/page_runs.ts";
import { brokenRules, facts, fieldsOf, judge, type Run, runMainline } from "../runs/run_kit.ts";
import { boot, longText, type, until } from "./kernel_hooks.ts";

const WINDOW = "--mem-min=0x4000000 --mem-max=0x7ffffff";
const EXACT = "memmap=exactmap memmap=444K@4K memmap=65536K@65536K";

/** A loads B into the window of 6.1 and jumps; B does what is typed. */
function jumped(profile: string, append: string, ...typed: readonly string[]): Run {
  const load = `kexec --load-preserve-context /boot/bzImage ${WINDOW} --initrd=/boot/rootfs.gz ` +
    `--append="hostname=B root=/dev/ram0 ${append}"`;
  const script = [
    ...boot("A"),
    type("A", load),
    type("A", "kexec -e"),
    ...typed.map((line) => type("B", line)),
    ...until("A"),
  ];
  return runMainline({ profile, script });
}

const panics = (run: Run) => fieldsOf(run, "panic").map(({ k, reason }) => `${k}: ${reason}`);
const GP = "#GP(0x18) on a segment load: the GDT has base 0 and limit 0";

Deno.test("profile 6.1: the stock tool gives B all RAM, and B has no /proc/vmcore (recorded up1)", () => {
  const run = jumped("6.1", "maxcpus=1", "save-image");
  const [a, b] = fieldsOf(run, "boot");
  strictEqual(b?.["ranges"], a?.["ranges"]);
  match(run.lines.at(-1) ?? "", /Can't open the dum/);
  match(run.outcome, /^stuck: expected prompt of A, saw prompt of B/);
});

Deno.test("profile 6.1: B with all RAM jumps into itself, where the GDT kills it (b_all_ram, up1)", () => {
  const run = jumped("6.1", "maxcpus=1", "jump-back");
  const jump = fieldsOf(run, "jump").at(-1);
  deepStrictEqual([jump?.["from"], jump?.["to"]], ["B", "B"], "A is gone without a trace");
  deepStrictEqual(panics(run), [`B: ${GP}`]);
  deepStrictEqual(fieldsOf(run, "power").map(({ op }) => op), ["on", "reset", "on"]);
  match(run.outcome, /^stuck: expected prompt of A, saw a reset/);
});

Deno.test("profile 6.1: with an exact map by hand the jump back reaches A, and faults there (up4)", () => {
  const run = jumped("6.1", `maxcpus=1 ${EXACT}`, "jump-back");
  strictEqual(fieldsOf(run, "boot", "B")[0]?.["ranges"], "0x1000-0x70000,0x4000000-0x8000000");
  const jump = fieldsOf(run, "jump").at(-1);
  deepStrictEqual([jump?.["from"], jump?.["to"]], ["B", "A"]);
  deepStrictEqual(panics(run), [`A: ${GP}`]);
  match(run.outcome, /saw a reset/);
  strictEqual(fieldsOf(run, "restore", "A").filter(({ what }) => what === "cpu").length, 0);
});

Deno.test("profile 6.1: the default jump ends with a reset, and says so", () => {
  const run = runMainline({ profile: "6.1", part: "jump" });
  deepStrictEqual(fieldsOf(run, "power").map(({ op }) => op).slice(0, 2), ["on", "reset"]);
  match(run.outcome, /^stuck: .*saw a reset/);
  strictEqual(fieldsOf(run, "boot").length, 2);
});

Deno.test("profile 6.1-cured: the same jump comes back, twice, and breaks no rule", () => {
  const run = runMainline({ profile: "6.1-cured", part: "jump" });
  strictEqual(run.outcome, "returned");
  strictEqual(fieldsOf(run, "boot", "B")[0]?.["ranges"], "0x1000-0x70000,0x4000000-0x7ffc000");
  deepStrictEqual(brokenRules(judge(run)), { ids: [], reasons: "" });
  const stale = run.lines.filter((line) => line.endsWith("kexec failed: Bad file descriptor"));
  strictEqual(stale.length, 3, "every return is reported as a failure (recorded fact 19)");
});

/** Frames of the image that A loaded, which a jump exchanges. */
function exchanged(run: Run): readonly number[] {
  const [event] = facts(run.events, "kimage");
  if (event === undefined) throw new Error("No image was loaded");
  return parsePairRuns(longText(event, "pairs", run.blobs)).flatMap(({ destination, count }) => [
    destination,
    destination + count - 1,
  ]);
}

Deno.test("profile 2.6.27 exchanges low memory by a segment of its own, 6.1 leaves it alone", () => {
  const low = (profile: string) =>
    exchanged(runMainline({ profile, part: "jump" })).filter((pfn) => pfn < 0x100);
  deepStrictEqual(low("2.6.27"), [0, 0x9e]);
  deepStrictEqual(low("6.1-cured"), []);
});

Deno.test("profile 6.1 takes other processors offline after the late phase, 2.6.27 before it", () => {
  const order = (profile: string) => {
    const run = runMainline({ profile, part: "jump", cpus: 2 });
    const jump = run.events.findIndex(({ type }) => type === "fact.jump");
    const before = run.events.slice(0, jump);
    const off = before.findLastIndex(({ type, summary }) =>
      type === "fact.cpus" && summary?.["online"] === "0"
    );
    const late = before.findIndex(({ summary }) => summary?.["name"] === "freeze_late");
    return off < late ? "before" : "after";
  };
  deepStrictEqual([order("2.6.27"), order("6.1-cured")], ["before", "after"]);
});

Deno.test("restore-image of more than C can hold says both figures and leaves C running", () => {
  // 2.6.27: the file alone fits, file and source pages do not.
  const script = [
    ...boot("A"),
    type("A", "work 3700 2"),
    type(
      "A",
      "kexec --load-preserve-context /boot/bzImage --mem-min=0x100000 --mem-max=0xffffff " +
        '--initrd=/boot/rootfs.gz --append="hostname=B root=/dev/ram0"',
    ),
    type("A", "kexec -e"),
    type("B", "save-image"),
    { do: "off" } as const,
    ...boot("C"),
    type("C", "restore-image"),
    ...until("C"),
  ];
  const run = runMainline({ script });
  strictEqual(run.outcome, "done");
  const tool = fieldsOf(run, "tool").find(({ program }) => program === "restore-image");
  strictEqual(tool?.["status"], 255);
  match(
    String(tool?.["message"]),
    /^kexec_load failed: Cannot allocate memory \([0-9.]+ MiB of source pages wanted, [0-9.]+ MiB free\)/,
  );
  strictEqual(fieldsOf(run, "image").some(({ op }) => op === "invalidate"), false);
  deepStrictEqual(brokenRules(judge(run)), { ids: [], reasons: "" });
});

Deno.test("restore-image on 6.1 is refused above half of RAM, with both figures (fact 8)", () => {
  const script = [
    ...boot("A"),
    type("A", "work 33000 2"),
    type(
      "A",
      `kexec --load-preserve-context /boot/bzImage ${WINDOW} --initrd=/boot/rootfs.gz ` +
        '--append="hostname=B root=/dev/ram0 maxcpus=1"',
    ),
    type("A", "kexec -e"),
    type("B", "save-image"),
    { do: "off" } as const,
    ...boot("C"),
    type("C", "restore-image --no-verify"),
    ...until("C"),
  ];
  const run = runMainline({ profile: "6.1-cured", script });
  strictEqual(run.outcome, "done");
  const tool = fieldsOf(run, "tool").find(({ program }) => program === "restore-image");
  strictEqual(tool?.["status"], 255);
  match(
    String(tool?.["message"]),
    /^kexec_load failed: Invalid argument \([0-9.]+ MiB in segments, half of RAM is 255\.\d MiB\)/,
  );
});
