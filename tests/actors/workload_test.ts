import assert from "node:assert/strict";
import fc from "fast-check";
import { sha256 } from "../../machine/digest.ts";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { fillPage, generationOf } from "../../actors/kernel/workload.ts";
import { fieldOf } from "../../actors/kernel/values.ts";
import { type Call, diskWith, noise, runKernel } from "./kernel_kit.ts";

const program = (...argv: string[]): Call => [`program:${argv[0]}`, { argv }];
const PAYLOAD = noise(2_500_000, 3);
const files = [{ path: "/root/payload", mode: 0o644, data: PAYLOAD }];
const mount: Call = ["fs_mount", { path: "/", partition: 1, readOnly: false }];
const DRIVERS = ["disk", "rtc"].map((device) => ({
  device,
  probed: true,
  program: {},
  phase: "",
}));

Deno.test("fillPage gives every page and generation another content, always the same", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 3; seed++) {
    for (let page = 0; page < 4; page++) {
      for (let generation = 0; generation < 4; generation++) {
        const bytes = new Uint8Array(4096);
        fillPage(bytes, seed, page, generation);
        const again = new Uint8Array(4096);
        fillPage(again, seed, page, generation);
        assert.deepEqual(bytes, again);
        seen.add(sha256(bytes));
      }
    }
  }
  assert.equal(seen.size, 48);
});

Deno.test("generationOf counts how often each page was written, one page each quantum", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 0, max: 100 }),
    (pages, quanta) => {
      const written = new Array<number>(pages).fill(0);
      for (let quantum = 0; quantum < quanta; quantum++) {
        written[quantum % pages] = (written[quantum % pages] ?? 0) + 1;
      }
      assert.deepEqual(written.map((_, page) => generationOf(page, pages, quanta)), written);
    },
  ));
});

Deno.test("work and check: processes write their pages and find them as they must be", () => {
  const { results, state, facts, printed } = runKernel({
    medium: diskWith([{ mib: 8, files }]),
    state: { drivers: DRIVERS },
    calls: [
      mount,
      program("work", "300", "3", "7"),
      program("cp", "/root/payload", "/tmp/payload"),
      ["test_sleep", { ns: 3_000_000_000 }],
      ["device_probe"],
      program("check"),
    ],
    procedures: [{
      name: "device_probe",
      steps: [{
        name: "probe",
        run: (kernel) => ({
          do: "ask",
          target: "rtc",
          type: "device.probe",
          body: { by: kernel.name, registers: { rate: 1 } },
        }),
      }],
    }],
  });
  assert.deepEqual(results, [0, 0, 0, 0, 0, 0], printed().join("\n"));
  const tests = facts("selftest");
  assert.deepEqual(tests.map(({ what }) => what), [
    "process",
    "process",
    "process",
    "file",
    "device",
    "device",
  ]);
  assert.ok(tests.every(({ expected, actual }) => expected === actual));
  assert.deepEqual(printed().at(-1), "check: 3 processes, 1 files, 2 devices: all well");
  const quanta = state.processes.flatMap(({ frames }) => frames)
    .filter((frame) => frame.procedure === "worker").map((frame) => frame.vars["quanta"]);
  assert.ok(quanta.length === 3 && quanta.every((count) => Number(count) > 50), `${quanta}`);
  assert.equal(
    state.owned.filter((run) => run.flags === 8).reduce((n, run) => n + run.count, 0),
    900,
  );
});

Deno.test("check names the address of a bit that is wrong in a process, and the file that is", () => {
  const base: readonly Call[] = [
    mount,
    program("work", "40", "2"),
    program("cp", "/root/payload", "/tmp"),
  ];
  const medium = diskWith([{ mib: 8, files }]);
  const before = runKernel({ medium, calls: base });
  const worker = before.state.processes.findLast(({ name }) => name === "worker");
  const heap = (worker?.memory[0]?.runs[0]?.pfn ?? 0) * 4096;
  const file = (before.state.files[0]?.runs[0]?.pfn ?? 0) * 4096;
  const address = heap + 39 * 4096 + 123;
  const flipped = ((before.ram.view(address, 1)[0] ?? 0) ^ 1).toString(16).padStart(2, "0");
  const poke = (at: number, bytes: string): Call => ["test_poke", { address: at, bytes }];
  const fresh = () => diskWith([{ mib: 8, files }]);
  const process = runKernel({
    medium: fresh(),
    calls: [...base, poke(address, flipped), program("check")],
  });
  assert.equal(process.results.at(-1), 1);
  const line = process.printed().find((each) => each.includes("wrong content")) ?? "";
  assert.ok(line.endsWith(`wrong content at address 0x${address.toString(16)}`), line);
  const data = runKernel({
    medium: fresh(),
    calls: [...base, poke(file + 1_000_000, "00ff"), program("check")],
  });
  assert.equal(data.results.at(-1), 1);
  const [selftest] = data.facts("selftest").filter(({ what }) => what === "file");
  assert.equal(selftest?.["expected"], sha256(PAYLOAD));
  assert.notEqual(selftest?.["actual"], sha256(PAYLOAD));
  const free = runKernel({
    medium: fresh(),
    calls: [...base, poke(30 * 1024 ** 2, "00ff"), program("check")],
  });
  assert.equal(free.results.at(-1), 0, "a free page is nobody's");
});

Deno.test("work without memory fails and gives back what it took", () => {
  const { results, printed, state } = runKernel({
    medium: diskWith([{ mib: 8, files }]),
    free: [{ pfn: 256, count: 100 }],
    calls: [program("work", "80", "2"), program("work", "none")],
  });
  assert.deepEqual(results, [1, 1]);
  assert.equal(printed()[0], "work: Cannot allocate memory");
  assert.equal(state.free.reduce((sum, run) => sum + run.count, 0), 20);
});

Deno.test("tmpfs_copy_in copies, replaces and notes the digest of the bytes in RAM", () => {
  const medium = diskWith([{ mib: 8, files: [...files, { path: "/e", mode: 0o644, size: 0 }] }]);
  const run = runKernel({
    medium,
    calls: [
      mount,
      ["tmpfs_copy_in", { from: "/root/payload", to: "/tmp/a" }],
      ["tmpfs_digest", { path: "/tmp/a" }],
      ["tmpfs_copy_in", { from: "/e", to: "/tmp/b" }],
      ["tmpfs_digest", { path: "/tmp/b" }],
      ["tmpfs_copy_in", { from: "/tmp/a", to: "/tmp/b" }],
      ["tmpfs_digest", { path: "/tmp/b" }],
      ["fs_stat", { path: "/tmp/a" }],
      ["fs_read", { path: "/tmp/a", offset: 8192, length: 5000, runs: [{ pfn: 8000, count: 2 }] }],
      ["tmpfs_remove", { path: "/tmp/a" }],
      ["tmpfs_digest", { path: "/tmp/a" }],
      ["tmpfs_copy_in", { from: "/none", to: "/tmp/c" }],
      program("cp", "/none", "/tmp/c"),
      program("cp", "/root/payload", "/root/copy"),
    ],
    free: [{ pfn: 256, count: 4000 }],
  });
  const sum = sha256(PAYLOAD);
  const { results } = run;
  assert.deepEqual(results.slice(1, 7), [0, sum, 0, sha256(""), 0, sum]);
  assert.equal(fieldOf(results[7], "size"), PAYLOAD.length);
  assert.deepEqual(results.slice(8), [0, 0, -ERRNO.ENOENT, -ERRNO.ENOENT, 1, 0]);
  assert.deepEqual(run.ram.view(8000 * 4096, 5000).slice(), PAYLOAD.slice(8192, 13_192));
  assert.ok(run.ram.view(8000 * 4096 + 5000, 8192 - 5000).every((byte) => byte === 0));
  assert.equal(run.printed()[0], "cp: cannot stat '/none': No such file or directory");
  assert.deepEqual(run.state.files.map((file) => [file.path, file.digest]), [["/tmp/b", sum]]);
});

Deno.test("tmpfs_copy_in without room gives ENOSPC and keeps no page", () => {
  const { results, state } = runKernel({
    medium: diskWith([{ mib: 8, files }]),
    free: [{ pfn: 256, count: 200 }],
    calls: [mount, ["tmpfs_copy_in", { from: "/root/payload", to: "/tmp/a" }]],
  });
  assert.deepEqual(results, [0, -ERRNO.ENOSPC]);
  assert.equal(state.free.reduce((pages, run) => pages + run.count, 0), 200 - 67);
});
