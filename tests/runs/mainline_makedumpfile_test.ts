import assert from "node:assert/strict";
import { readKdump } from "../actors/kdump_kit.ts";
import { pagesOf } from "../actors/image_kit.ts";
import { fileOn } from "./dump_kit.ts";
import { dumpAll } from "./makedumpfile_kit.ts";
import { brokenRules, fieldsOf, judge } from "./run_kit.ts";

const NOT_ELF = "kdump-compressed, not ELF (makedumpfile -E)";

for (const [profile, memoryMiB, bits] of [["2.6.27", 64, 4], ["6.1-cured", 256, 8]] as const) {
  Deno.test(`makedumpfile of ${profile} writes one memory in all formats; kexec takes only ELF`, () => {
    const run = dumpAll(profile, memoryMiB, [
      "kexec -l --args-none --entry=0x1000 /mnt/d16z.kdump",
      "kexec -l /mnt/d31l.kdump",
    ]);
    assert.equal(run.outcome, "dumped", run.lines.slice(-5).join("\n"));
    const file = (path: string) => fileOn(run, memoryMiB, path);
    const elf = pagesOf(file("/d16.elf"));
    const frames = [...elf.keys()].toSorted((a, b) => a - b);
    for (
      const [path, status] of [["/d16.kdump", 0], ["/d16z.kdump", 1], ["/d16l.kdump", 2]] as const
    ) {
      const { header, pages, lost } = readKdump(file(path));
      assert.deepEqual([...pages.keys()], frames, path);
      assert.deepEqual(lost, []);
      assert.equal(header.status, status);
      assert.equal(header.word, bits);
      for (const [pfn, page] of pages) {
        if (!page.every((byte, at) => byte === elf.get(pfn)?.[at])) assert.fail(`${path} ${pfn}`);
      }
    }
    const [plain = 0, zlib = 0, lzo = 0] = ["/d16.kdump", "/d16z.kdump", "/d16l.kdump"]
      .map((path) => file(path).length);
    assert.ok(zlib < plain / 2 && lzo < plain / 2, `${zlib} ${lzo} ${plain}`);
    const statuses = fieldsOf(run, "tool").filter(({ program }) => program === "kexec");
    assert.deepEqual(statuses.slice(-2).map(({ status }) => status), [1, 1]);
    assert.equal(run.lines.filter((line) => line.endsWith(NOT_ELF)).length, 2);
    assert.equal(brokenRules(judge(run)).reasons, "");
  });
}
