import assert from "node:assert/strict";
import { fieldOf } from "../../actors/kernel/values.ts";
import { runKernel, volumeOn } from "./kernel_kit.ts";
import { ENTRY, inB, inC, save, saved } from "./image_kit.ts";

const MIB = 1024 ** 2;

Deno.test("restore-image loads the image, takes its name away for good, and enters", () => {
  const { medium } = inB({ calls: [save] });
  const run = inC(medium);
  assert.deepEqual(run.printed(), [
    `KEXEC kexec,-l,--args-none,--entry=${ENTRY},/mnt/dump.elf true`,
    "KEXEC kexec,-e false",
  ]);
  const files = saved(run);
  assert.equal(files.inodeAt("/dump.elf"), undefined);
  assert.ok(files.inodeAt("/dump.elf.used") !== undefined);
  const steps = run.events.flatMap(({ type, summary }) => {
    if (type === "fact.image") return [String(summary?.["op"])];
    if (type === "fact.flush" && summary?.["op"] === "done") return ["flushed"];
    return type === "fact.mount" ? ["mount"] : [];
  });
  assert.deepEqual(steps, ["mount", "check", "load", "invalidate", "flushed", "flushed"]);
  const again = inC(medium);
  assert.deepEqual(again.results, [1]);
  const message = "restore-image: no image: /mnt/dump.elf: No such file or directory";
  assert.deepEqual(again.printed(), [message]);
  assert.deepEqual(again.facts("image"), [{ k: "K", op: "check", id: "none" }]);
});

Deno.test("restore-image with a flipped bit loads nothing and leaves the image, unless told not to look", () => {
  const { medium } = inB({ calls: [save] });
  const files = volumeOn(medium, 17, 40);
  const stat = runKernel({
    medium,
    calls: [
      ["fs_mount", { path: "/mnt", partition: 3, readOnly: true }],
      ["fs_stat", { path: "/mnt/dump.elf" }],
    ],
  }).results[1];
  const extents = fieldOf(stat, "extents");
  const block = Number(fieldOf(Array.isArray(extents) ? extents[0] : null, "block"));
  const at = 17 * MIB + (block + 40) * 4096 + 9;
  const byte = new Uint8Array(1);
  medium.read(at, byte);
  medium.write(at, new Uint8Array([(byte[0] ?? 0) ^ 16]));
  const run = inC(medium);
  assert.deepEqual(run.results, [1]);
  assert.ok(run.printed().includes('DAMAGED [{"fileOffset":131072}]'), run.printed().join("\n"));
  assert.ok(!run.printed().some((line) => line.startsWith("KEXEC kexec,-e")));
  assert.equal(
    volumeOn(medium, 17, 40).inodeAt("/dump.elf")?.size,
    files.inodeAt("/dump.elf")?.size,
  );
  const blind = inC(medium, "--no-verify", "--no-invalidate");
  assert.equal(blind.printed().at(-1), "KEXEC kexec,-e false");
  assert.ok(volumeOn(medium, 17, 40).inodeAt("/dump.elf") !== undefined);
});

Deno.test("restore-image looks whether sums, entry and manifest belong together", () => {
  const damage = (path: string, text: string) => {
    const { medium } = inB({ calls: [save] });
    runKernel({
      medium,
      calls: [
        ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }],
        ["fs_write_small", { path: `/mnt/${path}`, text }],
        ["fs_unmount", { path: "/mnt" }],
      ],
    });
    const run = inC(medium);
    assert.deepEqual(run.results, [1]);
    return run.printed().at(-1) ?? "";
  };
  assert.match(damage("kexec_jump_back_entry", "0x1000\n"), /entry 0x1000 is not the one/);
  assert.match(damage("kexec_jump_back_entry", "nowhere\n"), /holds no address: 'nowhere'/);
  assert.match(damage("dump.elf.sum", `0 ${"00".repeat(32)}\n`), /dump\.elf\.sum has SHA-256 /);
  assert.match(damage("dump.elf.sum", "?\n"), /Invalid argument \(--no-verify/);
  assert.match(damage("manifest", "{}\n"), /manifest is missing or damaged/);
});
