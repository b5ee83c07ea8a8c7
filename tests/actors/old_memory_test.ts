import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { OLD_MEMORY_PROCEDURES } from "../../actors/kernel/old_memory.ts";
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { type Call, diskWith, runKernel } from "./kernel_kit.ts";

const PAGE = 4096;
const MAP = [{ start: 0, length: 16 * 1024 ** 2, type: E820_TYPE.ram }];
const USER = [{ pfn: 300, count: 2 }, { pfn: 310, count: 1 }];

function run(profile: string, calls: readonly Call[]) {
  return runKernel({
    medium: diskWith([{ mib: 1, files: [] }]),
    calls,
    procedures: OLD_MEMORY_PROCEDURES,
    ramBytes: 16 * 1024 ** 2,
    state: { profile, firmwareMap: MAP, map: MAP },
    fillRam: (ram) => {
      for (const pfn of [300, 301, 310]) ram.view(pfn * PAGE, PAGE).fill(pfn & 0xff);
      for (const pfn of [500, 501, 502]) ram.view(pfn * PAGE, PAGE).fill(pfn & 0xff);
    },
  });
}

const write = (pfn: number): Call => ["oldmem_write", { pfn, runs: USER }];
const read = (pfn: number): Call => ["oldmem_read", { pfn, runs: USER }];

Deno.test("oldmem_write puts the caller's pages to physical addresses, in order (A.3)", () => {
  const { ram, results, facts } = run("2.6.23-rfc", [write(600)]);
  deepStrictEqual(results, [0]);
  deepStrictEqual([600, 601, 602].map((pfn) => ram.view(pfn * PAGE, 1)[0]), [44, 45, 54]);
  strictEqual(facts("memory_write").some((fact) => fact["runs"] === "258+3"), true);
});

Deno.test("oldmem_read brings what stands at physical addresses", () => {
  const { ram, results } = run("2.6.27", [read(500)]);
  deepStrictEqual(results, [0]);
  deepStrictEqual([300, 301, 310].map((pfn) => ram.view(pfn * PAGE, 1)[0]), [244, 245, 246]);
});

Deno.test("oldmem is not writable without the patches, and 6.1 has none", () => {
  deepStrictEqual(run("2.6.27", [write(600)]).results, [-ERRNO.EINVAL]);
  deepStrictEqual(run("6.1", [read(500), write(600)]).results, [-ERRNO.ENOENT, -ERRNO.ENOENT]);
});

Deno.test("oldmem ends with memory: EFAULT behind it, and nothing is written", () => {
  const { results } = run("2.6.24-v7", [write(4094), write(4093), read(5000)]);
  deepStrictEqual(results, [-ERRNO.EFAULT, 0, -ERRNO.EFAULT]);
});
