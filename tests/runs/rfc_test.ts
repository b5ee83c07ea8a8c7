import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { idsWith } from "../../machine/conformance/report.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { fieldsOf, judgeAs, type Run } from "./run_kit.ts";
import {
  BOOT,
  boot,
  expectClean,
  exportedBy,
  finish,
  hibernate,
  jumpBufferPfn,
  loadB,
  menu,
  RESTORE,
  runRfc,
  statuses,
  toD,
  type,
} from "./rfc_kit.ts";

/** Facts of a kernel in the order of protocol.md B.7.1, by what names them. */
function story(run: Run): string[] {
  const said: string[] = [];
  for (const { kind, type: name, summary } of run.events) {
    if (kind !== "note") continue;
    const fields: Record<string, unknown> = { ...summary };
    const k = String(fields["k"]);
    switch (name) {
      case "fact.exec":
        said.push(`${k} exec ${fields["slot"]}`);
        break;
      case "fact.freeze":
        said.push(`${k} freeze`);
        break;
      case "fact.phase":
        if (fields["device"] === "disk") said.push(`${k} ${fields["name"]}`);
        break;
      case "fact.save":
      case "fact.restore":
        if (fields["what"] === "cpu") said.push(`${k} ${name.slice(5)} cpu`);
        break;
      case "fact.jump":
        said.push(`${fields["from"]} -> ${fields["to"]}`);
        break;
      case "fact.boot":
        said.push(`${k} boots`);
        break;
      case "fact.jump_buffer":
        said.push(`${k} jump buffer ${fields["op"]}`);
        break;
      case "fact.image":
        if (fields["op"] !== "page") said.push(`${k} image ${fields["op"]}`);
        break;
      case "fact.thaw":
        said.push(`${k} thaw`);
        break;
      case "fact.exec_done":
        said.push(`${k} exec ${fields["result"]}`);
    }
  }
  return said;
}

const DOWN = (k: string): string[] => [
  `${k} prepare`,
  `${k} suspend`,
  `${k} suspend_late`,
  `${k} suspend_noirq`,
];
const OUT = (k: string): string[] => [
  `${k} exec crash`,
  `${k} freeze`,
  ...DOWN(k),
  `${k} save cpu`,
  `${k} -> purgatory`,
];
const BACK = (k: string): string[] => [
  `${k} restore cpu`,
  `${k} resume_noirq`,
  `${k} resume_early`,
  `${k} resume`,
  `${k} complete`,
  `${k} thaw`,
  `${k} exec 0`,
];

Deno.test("RFC: A is saved whole by B, and restored by D that C jumped to (B.1.1, B.1.2)", () => {
  const pfn = jumpBufferPfn();
  const run = runRfc([...hibernate({ pfn }), ...toD({ pfn }), ...RESTORE]);
  expectClean(run, "resumed");
  deepStrictEqual(
    story(run),
    [
      "A boots",
      "A jump buffer export",
      ...OUT("A"),
      "B boots",
      "B image begin",
      "B image commit",
      "B jump buffer save",
      "B shutdown",
      "C boots",
      "C jump buffer export",
      ...OUT("C"),
      "D boots",
      "D jump buffer write",
      "D image check",
      "D image load",
      "D freeze",
      ...DOWN("D"),
      "D jump buffer use",
      "D -> A",
      ...BACK("A"),
    ].filter((line) => line !== "A boots" || true),
  );
  deepStrictEqual(statuses(run, "A", "kexec"), [0, 0]);
  deepStrictEqual(statuses(run, "A", "check"), [0]);
});

Deno.test("RFC: the rules that are about it are exercised by a whole cycle", () => {
  const pfn = jumpBufferPfn();
  const run = runRfc([...hibernate({ pfn }), ...toD({ pfn }), ...RESTORE]);
  const held = idsWith(judgeAs("R", run), "held");
  for (const id of ["F01", "F02", "F18", "F24", "F30", "F48", "F76", "F77", "F78", "F79"]) {
    ok(held.includes(id), `${id} is not held: ${held.join(" ")}`);
  }
  for (const id of ["F80", "F88"]) ok(held.includes(id), `${id} is not held`);
});

const snapshot = (pfn: number): OperatorStep[] => [
  loadB({ pfn }),
  type("A", "kexec -j"),
  type("B", "cp /proc/vmcore ."),
  type("B", "kexec -b"),
  type("A", "check"),
];

Deno.test("RFC: B jumps back without a power-off, A goes on, and again (B.1.3)", () => {
  const pfn = jumpBufferPfn();
  const run = runRfc([
    ...boot("A"),
    type("A", "work 64 2"),
    ...snapshot(pfn),
    ...snapshot(pfn),
    ...finish("A", "returned"),
  ]);
  expectClean(run, "returned");
  deepStrictEqual(statuses(run, "A", "check"), [0, 0]);
  strictEqual(fieldsOf(run, "boot", "B").length, 2);
});

Deno.test("RFC: B is entered a second time without a load, and boots again from what is left", () => {
  const pfn = jumpBufferPfn();
  const run = runRfc([
    ...boot("A"),
    ...snapshot(pfn),
    type("A", "kexec -j"),
    type("B", "kexec -b"),
    ...finish("A", "returned"),
  ], { tolerant: true });
  // What B left in the region decides: its own text and parameters are as they were loaded.
  strictEqual(run.outcome, "returned", run.lines.at(-1) ?? "silent");
  strictEqual(fieldsOf(run, "boot", "B").length, 2);
});

Deno.test("RFC: the crash kernel is in /proc/iomem, its files say what is loaded and how large", () => {
  const pfn = jumpBufferPfn();
  const run = runRfc([
    ...boot("A"),
    type("A", "cat /proc/iomem /sys/kernel/kexec_crash_size /sys/kernel/kexec_crash_loaded"),
    loadB({ pfn }),
    type("A", "cat /sys/kernel/kexec_crash_loaded /sys/kernel/kexec_loaded"),
    type("A", "kexec -p -u"),
    type("A", "cat /sys/kernel/kexec_crash_loaded"),
    ...finish("A", "looked"),
  ]);
  expectClean(run, "looked");
  const said = run.lines.filter((line) => /^A: (?:\d+| .*Crash kernel)$/.test(line));
  deepStrictEqual(said, [
    "A:   02000000-02ffffff : Crash kernel",
    "A: 16777216",
    "A: 0",
    "A: 1",
    "A: 0",
    "A: 0",
  ]);
});

Deno.test("RFC: the last crashkernel= counts, and a region in use is not reserved (D.4)", () => {
  const reserved = (a: string) => {
    const run = runRfc([...boot("A"), ...finish("A", "booted")], { menu: menu({ a }) });
    return run.lines.filter((line) => /crashkernel/.test(line) && !/Command line/.test(line));
  };
  deepStrictEqual(reserved(`${BOOT} crashkernel=8M@16M`), [
    "A: Reserving 8MB of memory at 16MB for crashkernel",
  ]);
  deepStrictEqual(reserved(`${BOOT} crashkernel=8M@0M`), [
    "A: crashkernel reservation failed - memory is in use",
  ]);
});

Deno.test("RFC: more processors and more memory change nothing", () => {
  const options = { cpus: 2, memoryMiB: 128, menu: menu() };
  const first = runRfc([...boot("A"), ...finish("A", "booted")], options);
  const pfn = exportedBy(first, "A");
  const run = runRfc([...hibernate({ pfn }), ...toD({ pfn }), ...RESTORE], options);
  expectClean(run, "resumed");
  deepStrictEqual(fieldsOf(run, "cpus", "A").map(({ online }) => online), ["0-1", "0", "0-1"]);
});

Deno.test("RFC: with free pages left in, the image is all memory but the region (F48, limit 4)", () => {
  const pfn = jumpBufferPfn();
  const run = runRfc([...hibernate({ pfn }), { do: "finish", outcome: "hibernated" }]);
  expectClean(run, "hibernated");
  const [committed] = fieldsOf(run, "image", "B").filter(({ op }) => op === "commit");
  // 64 MiB less the region, less what is firmware's, and a page of headers.
  ok(Number(committed?.["bytes"]) > 47 * 2 ** 20, String(committed?.["bytes"]));
  match(run.lines.join("\n"), /B: B: ready/);
});

Deno.test("RFC: three roots on the workshop's disk, under the names of IDE (A.4)", () => {
  const pfn = jumpBufferPfn();
  const options = { layout: "workshop", menu: menu({ c: BOOT }) } as const;
  const root = "/dev/hda5";
  const run = runRfc([...hibernate({ pfn, root }), ...toD({ pfn, root }), ...RESTORE], options);
  expectClean(run, "resumed");
  deepStrictEqual(fieldsOf(run, "mount").map(({ k, fs }) => `${k} ${fs}`), [
    "A sda2",
    "B sda5",
    "C sda1",
    "D sda5",
  ]);
});
