import assert from "node:assert/strict";
import { sha256 } from "../../machine/digest.ts";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { parseSums } from "../../actors/kernel/small_files.ts";
import { fieldOf, listOf } from "../../actors/kernel/values.ts";
import { type Call, diskWith, noise, partitionBytes, runKernel, volumeOn } from "./kernel_kit.ts";

const MIB = 1024 ** 2;
const mount: Call = ["fs_mount", { path: "/mnt", partition: 1, readOnly: false }];
const unmount: Call = ["fs_unmount", { path: "/mnt" }];
const change = (operation: string, path: string, more = {}): Call => [
  "fs_change",
  { operation, path, ...more },
];

/** A file whose extents are cut by others of odd sizes. */
function fragmented(path: string, mib: number): Call[] {
  const calls: Call[] = [];
  const pages = mib * 256;
  calls.push(change("createFile", path, { size: 4096 * 3 }));
  for (let at = 3; at < pages; at += 37) {
    calls.push(change("createFile", `${path}.gap${at}`, { size: 4096 }));
    calls.push(change("setSize", path, { size: Math.min(pages, at + 37) * 4096 - 100 }));
  }
  return calls;
}

Deno.test("fs_write and fs_read move a fragmented file between scattered pages, with sums", () => {
  const medium = diskWith([{ mib: 16, files: [] }]);
  const length = 3 * MIB - 100;
  const content = noise(length, 5);
  const at = 16 * MIB;
  // Memory in runs of 8, 9, 10 … pages with a page between them.
  const pieces: { start: number; length: number }[] = [];
  for (let done = 0, pages = 8, start = at; done < length; pages++) {
    const piece = Math.min(pages * 4096, length - done);
    pieces.push({ start, length: piece });
    done += piece;
    start += (pages + 1) * 4096;
  }
  const fillRam = (ram: { write(start: number, bytes: Uint8Array): void }) => {
    let done = 0;
    for (const piece of pieces) {
      ram.write(piece.start, content.subarray(done, done + piece.length));
      done += piece.length;
    }
    const last = pieces.at(-1);
    if (last !== undefined) ram.write(last.start + last.length, noise(100, 1));
  };
  const sums: string[] = [];
  for (let from = 0; from < length; from += 65_536) {
    sums.push(sha256(content.subarray(from, Math.min(length, from + 65_536))));
  }
  const target = [{ pfn: 6400, count: 5 }, { pfn: 6500, count: 1000 }];
  const read = (verify: readonly string[]): Call => [
    "fs_read",
    { path: "/mnt/f", offset: 0, length, runs: target, verify },
  ];
  const free = [{ pfn: 256, count: 1024 }];
  const written = runKernel({
    medium,
    free,
    fillRam,
    calls: [
      mount,
      ...fragmented("/mnt/f", 3),
      ["fs_write", { path: "/mnt/f", offset: 0, pieces, sums: true }],
      read(sums),
      read(sums.with(7, sums[0] ?? "")),
      ["fs_stat", { path: "/mnt/f" }],
      unmount,
    ],
  });
  const [sumList, same, other, stat, last] = written.results.slice(-5);
  assert.ok(listOf(fieldOf(stat, "extents")).length > 15, "the file is in pieces");
  assert.deepEqual(sumList, sums);
  assert.deepEqual(same, { mismatches: [] });
  assert.deepEqual(other, { mismatches: [{ fileOffset: 7 * 65_536 }] });
  assert.equal(last, 0);
  assert.deepEqual(volumeOn(medium, 1, 16).fileAt("/f"), content);
  const back = new Uint8Array(length + 100);
  back.set(written.ram.view(6400 * 4096, 5 * 4096));
  back.set(written.ram.view(6500 * 4096, length + 100 - 5 * 4096), 5 * 4096);
  assert.deepEqual(back.subarray(0, length), content);
  assert.ok(back.subarray(length).every((byte) => byte === 0), "the tail is cleared");
});

Deno.test("fs_read names the 64 KiB in which the disk holds another bit", () => {
  const content = noise(300_000, 9);
  const medium = diskWith([{ mib: 8, files: [{ path: "/f", mode: 0o644, data: content }] }]);
  const sums = [0, 1, 2, 3, 4].map((index) =>
    sha256(content.subarray(index * 65_536, (index + 1) * 65_536))
  );
  const whole = partitionBytes(medium, 0, 9);
  const at = whole.findIndex((_, index) =>
    whole[index] === content[200_000] && whole[index + 1] === content[200_001] &&
    whole[index + 2] === content[200_002] && whole[index + 3] === content[200_003]
  );
  medium.write(at, new Uint8Array([(whole[at] ?? 0) ^ 4]));
  const read: Call = ["fs_read", {
    path: "/mnt/f",
    offset: 0,
    length: content.length,
    runs: [{ pfn: 4096, count: 80 }],
    verify: sums,
  }];
  const { results } = runKernel({ medium, calls: [mount, read] });
  assert.deepEqual(results[1], { mismatches: [{ fileOffset: 196_608 }] });
});

Deno.test("fs_read and fs_write refuse what does not fit, and pass on what the disk says", () => {
  const content = noise(50_000, 1);
  const files = [{ path: "/f", mode: 0o644, data: content }];
  const medium = diskWith([{ mib: 8, files }]);
  const runs = [{ pfn: 4096, count: 13 }];
  const read = (more: object): Call => [
    "fs_read",
    { path: "/mnt/f", offset: 0, length: 50_000, runs, ...more },
  ];
  const write = (more: object): Call => [
    "fs_write",
    { path: "/mnt/f", offset: 0, pieces: [{ start: 0x100_0000, length: 8192 }], ...more },
  ];
  const { results } = runKernel({
    medium,
    calls: [
      mount,
      read({ length: 50_001 }),
      read({ offset: 100 }),
      read({ path: "/mnt" }),
      read({ path: "/mnt/none" }),
      read({ runs: [{ pfn: 4096, count: 12 }] }),
      read({ length: 0 }),
      write({ pieces: [{ start: 0x100_0001, length: 8192 }] }),
      write({ offset: 53_248 }),
      write({ path: "/mnt/none" }),
    ],
  });
  const { EINVAL, EISDIR, ENOENT } = ERRNO;
  assert.deepEqual(results.slice(1), [
    -EINVAL,
    -EINVAL,
    -EISDIR,
    -ENOENT,
    -EINVAL,
    0,
    -EINVAL,
    -EINVAL,
    -ENOENT,
  ]);
  const stat = runKernel({ medium, calls: [mount, ["fs_stat", { path: "/mnt/f" }]] }).results[1];
  const block = Number(fieldOf(listOf(fieldOf(stat, "extents"))[0], "block"));
  const badSectors = [{ sector: 2048 + block * 8 + 60, count: 1, on: "read" as const }];
  const broken = runKernel({ medium, badSectors, calls: [mount, read({}), ["fs_sync"]] });
  assert.deepEqual(broken.results.slice(1), [-ERRNO.EIO, 0]);
});

Deno.test("a block that was freed is not written back over the file that has it now", () => {
  const medium = diskWith([{ mib: 8, files: [] }]);
  const content = noise(7 * MIB, 2);
  const pieces = [0, 1, 2, 3, 4, 5, 6].map((index) => ({
    start: (16 + index) * MIB,
    length: MIB,
  }));
  const { results } = runKernel({
    medium,
    free: [{ pfn: 256, count: 1024 }],
    fillRam: (ram) => ram.write(16 * MIB, content),
    calls: [
      mount,
      change("makeDirectory", "/mnt/d"),
      change("createFile", "/mnt/f", { size: 6 * MIB }),
      change("removeDirectory", "/mnt/d"),
      change("unlink", "/mnt/f"),
      change("createFile", "/mnt/g", { size: 7 * MIB }),
      ["fs_write", { path: "/mnt/g", offset: 0, pieces }],
      unmount,
    ],
  });
  assert.deepEqual(results.slice(-2), [0, 0]);
  assert.deepEqual(volumeOn(medium, 1, 8).fileAt("/g"), content);
});

Deno.test("fs_read_sums takes only a list of sums", () => {
  const sum = "ab".repeat(32);
  const { results } = runKernel({
    medium: diskWith([{ mib: 8, files: [] }]),
    calls: [
      mount,
      ["fs_write_small", { path: "/mnt/s", text: `0 ${sum}\n65536 ${sum}\n` }],
      ["fs_read_sums", { path: "/mnt/s" }],
      ["fs_write_small", { path: "/mnt/s", text: `0 ${sum}\n65535 ${sum}\n` }],
      ["fs_read_sums", { path: "/mnt/s" }],
    ],
  });
  assert.deepEqual(results[2], {
    sums: [sum, sum],
    digest: sha256(`0 ${sum}\n65536 ${sum}\n`),
  });
  assert.equal(results[4], -ERRNO.EINVAL);
  assert.equal(parseSums("nothing"), undefined);
});
