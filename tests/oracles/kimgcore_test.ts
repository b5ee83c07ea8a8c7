import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EM_386, EM_X86_64 } from "../../machine/formats/elf.ts";
import { emitKimgcore } from "../../machine/formats/kimgcore.ts";
import { hasTool, run } from "./tools.ts";

const SEGMENTS = [{ mem: 0x10_0000, memsz: 0x2000 }, { mem: 0xff_b000, memsz: 0x1000 }];

async function withFile(machine: number, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/kimgcore`;
    const header = emitKimgcore({ machine, entry: 0x36_40c0, segments: SEGMENTS });
    const bytes = new Uint8Array(header.length + 0x3000);
    bytes.set(header);
    await Deno.writeFile(path, bytes);
    await use(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "emitKimgcore makes what readelf reads as a core file of class 64 for an i386",
  ignore: !hasTool("readelf"),
  fn: () =>
    withFile(EM_386, async (path) => {
      const { code, stdout, stderr } = await run("readelf", ["-h", "-l", "-W", path]);
      deepStrictEqual([code, stderr], [0, ""]);
      match(stdout, /Class:\s+ELF64/);
      match(stdout, /Type:\s+CORE/);
      match(stdout, /Machine:\s+Intel 80386/);
      match(stdout, /Entry point address:\s+0x3640c0/);
      match(stdout, /Number of section headers:\s+0/);
      const loads = stdout.split("\n").filter((line) => line.trim().startsWith("LOAD"))
        .map((line) => line.trim().split(/\s+/).slice(1, 6).map(Number));
      deepStrictEqual(loads, [
        [176, 0, 0x10_0000, 0x2000, 0x2000],
        [176 + 0x2000, 0, 0xff_b000, 0x1000, 0x1000],
      ]);
      strictEqual((stdout.match(/RWE 0x1000/g) ?? []).length, 2);
    }),
});

Deno.test({
  name: "emitKimgcore makes what file(1) calls a core file",
  ignore: !hasTool("file"),
  fn: () =>
    withFile(EM_X86_64, async (path) => {
      const { stdout } = await run("file", ["-b", path]);
      match(stdout, /^ELF 64-bit LSB core file, x86-64/);
    }),
});
