/** What preparing B once is worth: the normal way against the accelerated one (B.3.3, B.3.4, H). */
import { ok, strictEqual } from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { hardwareProfile } from "../../machine/hardware_profile.ts";
import { boot, factAt, LOAD_B, LOAD_IMAGE, PREPARE, runV7, type, typedAt } from "./kimgcore_kit.ts";
import { bytesOf, fieldsOf, type Run } from "./run_kit.ts";
import { HIBERNATE, loadB } from "./v7_kit.ts";

const HARDWARE = "t42";

const SAVE: readonly OperatorStep[] = [
  type("B", "save-image"),
  { do: "off" },
  { do: "finish", outcome: "saved" },
];

/** 1 load; 2 jump; 3 B boots; 4 back; 6 jump; 7 write; 8 off (5, A's ACPI methods, is v7's). */
const NORMAL: readonly OperatorStep[] = [
  ...boot("A"),
  type("A", "work 64 2"),
  type("A", LOAD_B),
  type("A", "kexec -e"),
  type("B", "jump-back"),
  type("A", "kexec -e"),
  ...SAVE,
];

const ACCELERATED: readonly OperatorStep[] = [
  ...boot("A"),
  type("A", "work 64 2"),
  type("A", LOAD_IMAGE),
  type("A", "kexec -e"),
  ...SAVE,
];

/** From the command that loads to the end of the power. */
function duration(run: Run, command: string): number {
  const [from] = typedAt(run, command);
  const off = run.events.findLast(({ type: name, summary }) =>
    name === "fact.power" && summary?.["op"] === "off"
  );
  ok(from !== undefined && off !== undefined);
  return off.vt - from;
}

/** From that command to the next one. */
function loading(run: Run, command: string): number {
  const [from = 0] = typedAt(run, command);
  const next = typedAt(run, "kexec -e").find((at) => at > from);
  return (next ?? from) - from;
}

Deno.test("an accelerated run is shorter than a normal one by B's boot (B.3.4, H)", () => {
  const prepared = runV7([
    ...boot("A"),
    ...PREPARE,
    type("A", "sync"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "prepared" },
  ], { hardware: HARDWARE, memoryMiB: 64 });
  strictEqual(prepared.outcome, "prepared");
  const disk = bytesOf(prepared.medium);
  const normal = runV7(NORMAL, { hardware: HARDWARE, disk });
  const fast = runV7(ACCELERATED, { hardware: HARDWARE, disk });
  strictEqual(normal.outcome, "saved");
  strictEqual(fast.outcome, "saved");
  strictEqual(fieldsOf(normal, "boot", "B").length, 1);
  strictEqual(fieldsOf(fast, "boot", "B").length, 0);

  // Purgatory is entered, then B: from there to B's prompt is its boot.
  const bootStart =
    normal.events.find(({ type: name, summary }) =>
      name === "fact.jump" && summary?.["to"] === "purgatory"
    )?.vt ?? 0;
  const [backTyped = 0] = typedAt(normal, "jump-back");
  const bootTime = backTyped - bootStart;
  const profile = hardwareProfile(HARDWARE);
  ok(bootTime >= profile.kernelBootNs + 5 * profile.probeNs, `${bootTime} ns`);

  const gain = duration(normal, LOAD_B) - duration(fast, LOAD_IMAGE);
  // T_normal - T_kimg = T_load - T_load(kimg) + T_boot(B) + 2 T_jump, the way back among these.
  const loadMore = loading(fast, LOAD_IMAGE) - loading(normal, LOAD_B);
  const back = factAt(normal, "exec_done", "A") - backTyped;
  const again = factAt(normal, "resumed", "B") - factAt(normal, "exec_done", "A");
  const model = bootTime - loadMore + back + again;
  ok(loadMore > 0, "an image of 16 MiB takes longer to load than a kernel");
  ok(Math.abs(gain - model) < gain / 100, `${gain} ns, by the model ${model}`);
  ok(gain > bootTime - loadMore);
});

Deno.test("the command-driven run of v7 is shorter by B's boot as well, ACPI's part alike (B.3.4)", () => {
  const commanded = { profile: "2.6.24-v7", hardware: HARDWARE, layout: "workshop" } as const;
  const off: OperatorStep[] = [{ do: "off" }, { do: "finish", outcome: "saved" }];
  const prepared = runV7([
    ...boot("A"),
    type("A", loadB()),
    type("A", "kexec -e"),
    type("A", "cp /proc/kimgcore ."),
    type("A", "sync"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "prepared" },
  ], commanded);
  strictEqual(prepared.outcome, "prepared", prepared.lines.slice(-3).join("; "));
  const disk = bytesOf(prepared.medium);
  const begin = [...boot("A"), type("A", "work 64 2")];
  const normal = runV7([
    ...begin,
    type("A", loadB()),
    type("A", "kexec -e"),
    type("A", HIBERNATE),
    ...off,
  ], { ...commanded, disk });
  const fast = runV7([...begin, type("A", LOAD_IMAGE), type("A", HIBERNATE), ...off], {
    ...commanded,
    disk,
  });
  for (const run of [normal, fast]) {
    strictEqual(run.outcome, "saved", run.lines.slice(-3).join("; "));
    // One jump of A that saves, its ACPI methods before it (B.3.4, F91).
    const prepares = run.events.findIndex(({ type: name, summary }) =>
      name === "fact.acpi" && summary?.["method"] === "_PTS" && summary["k"] === "A"
    );
    const jumps = run.events.findLastIndex(({ type: name, summary }) =>
      name === "fact.jump" && summary?.["from"] === "A"
    );
    ok(0 < prepares && prepares < jumps);
  }
  strictEqual(fieldsOf(normal, "boot", "B").length, 1);
  strictEqual(fieldsOf(fast, "boot", "B").length, 0);
  strictEqual(fieldsOf(fast, "jump").filter(({ from }) => from === "A").length, 1);
  const sleepAt = (run: Run): number =>
    run.events.findLast(({ type: name, summary }) =>
      name === "fact.power" && (summary?.["op"] === "sleep" || summary?.["op"] === "off")
    )?.vt ?? 0;
  const spent = (run: Run, line: string): number => sleepAt(run) - (typedAt(run, line)[0] ?? 0);
  const gain = spent(normal, loadB()) - spent(fast, LOAD_IMAGE);
  const profile = hardwareProfile(HARDWARE);
  const bootNs = profile.kernelBootNs + 5 * profile.probeNs;
  // An image of 16 MiB is read where a kernel was: at the drive's speed.
  const loadNs = 17 * 1024 ** 2 / profile.diskReadBytesPerSecond * 1e9;
  ok(gain > bootNs - loadNs, `${gain} ns against ${bootNs} - ${loadNs}`);
});
