import { strictEqual } from "node:assert/strict";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { imagePartition } from "../actors/kernel_hooks.ts";
import { boot, type, until } from "../runs/kimgcore_kit.ts";
import { runMachine } from "../runs/machine_kit.ts";
import { bytesOf, settingsOf } from "../runs/run_kit.ts";
import { hasTool, run } from "./tools.ts";

Deno.test({
  name: "the boot loader's own change of names leaves a file system that e2fsck likes",
  ignore: !hasTool("e2fsck"),
  fn: async () => {
    const resumed = runMachine({
      profile: "2.6.27",
      menu: [
        { name: "A", append: "hostname=A root=/dev/sda2 console=ttyS0" },
        { name: "R", append: "", resume: "/dump.elf" },
      ],
      script: [
        ...boot("A"),
        type("A", loadCommand(settingsOf().mainline)),
        type("A", "kexec -e"),
        type("B", "save-image"),
        { do: "off" },
        ...boot("R"),
        ...until("A", "resumed"),
      ],
    });
    strictEqual(resumed.outcome, "resumed");
    const { start, length } = imagePartition(64);
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/hibernate.img`;
      await Deno.writeFile(path, bytesOf(resumed.medium).subarray(start, start + length));
      const { code, stdout, stderr } = await run("e2fsck", ["-fn", path]);
      strictEqual(code, 0, stdout + stderr);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
