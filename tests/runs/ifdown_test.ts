import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { boot, finish, type } from "./rfc_kit.ts";
import { runMachine } from "./machine_kit.ts";
import type { Run } from "./run_kit.ts";

const LOAD_B = "kexec --load-preserve-context /boot/bzImage --mem-min=0x100000 " +
  '--mem-max=0xffffff --initrd=/boot/rootfs.gz --append="hostname=B root=/dev/ram0"';

/** Rings that a kernel programs into the network card, and packets that come, in order. */
function network(run: Run, k: string): string[] {
  return run.events.flatMap(({ kind, type: name, target, source, summary }) => {
    const fields: Record<string, unknown> = { ...summary };
    if (kind === "note" && name === "fact.dma" && fields["k"] === k) return ["packet"];
    if (kind === "send" && source === k && target === "network" && name === "device.probe") {
      const ringSize = /ringSize\D*(\d+)/.exec(JSON.stringify(fields["registers"]))?.[1];
      return [`ring of ${ringSize}`];
    }
    return [];
  }).filter((line, index, all) => line !== all[index - 1]);
}

Deno.test("kexec -e takes the network down before the jump, and it stays down until ifup (A.7)", () => {
  const run = runMachine({
    profile: "2.6.27",
    script: [
      ...boot("A"),
      type("A", LOAD_B),
      type("A", "kexec -e"),
      type("B", "jump-back"),
      type("A", "check"),
      type("A", "ifup eth0"),
      type("A", "work 16 1"),
      type("A", LOAD_B),
      ...finish("A", "returned"),
    ],
  });
  strictEqual(run.outcome, "returned", run.lines.at(-1) ?? "silent");
  const seen = network(run, "A");
  deepStrictEqual(seen.filter((line) => line !== "packet"), [
    "ring of 8",
    "ring of 0",
    "ring of 8",
  ]);
  // Whatever packets came, none did while the interface was down.
  const down = seen.indexOf("ring of 0");
  ok(seen[down + 1] === "ring of 8" || seen.length === down + 1, seen.join(", "));
});
