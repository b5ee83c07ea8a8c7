/**
 * Pseudo-files as a person at the console reads them, in A before and after a load and in B.
 *
 * @module
 */
import { type } from "../../actors/scenario/script_words.ts";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { runMainline, settingsOf } from "./run_kit.ts";

Deno.test("cat shows the pseudo-files of the kernel that runs it", () => {
  const { mainline } = settingsOf({});
  strictEqual(mainline.profile, kernelProfile("2.6.27"));
  const run = runMainline({
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      type("A", "cat /sys/kernel/kexec_loaded"),
      type("A", "cat /proc/iomem /proc/mounts"),
      type("A", loadCommand(mainline)),
      type("A", "cat /sys/kernel/kexec_loaded"),
      type("A", "cat /nowhere"),
      type("A", "kexec -e"),
      type("B", "cat /proc/cmdline"),
      { do: "prompt", at: "B" },
      { do: "finish", outcome: "read" },
    ],
  });
  strictEqual(run.outcome, "read");
  const said = run.lines.slice(run.lines.indexOf("A: A: ready") + 1);
  const load = said.filter((line) => line === "A: 0" || line === "A: 1");
  deepStrictEqual(load, ["A: 0", "A: 1"]);
  ok(said.includes("A: 00000000-0009fbff : System RAM"), said.join("\n"));
  ok(said.includes("A: /dev/sda2 / ext2 rw 0 0"));
  ok(said.includes("A: cat: /nowhere: No such file or directory"));
  match(said.at(-1) ?? "", /^B: hostname=B root=\/dev\/ram0 maxcpus=1 memmap=exact/);
});
