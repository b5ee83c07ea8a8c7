import assert from "node:assert/strict";
import fc from "fast-check";
import { sha256 } from "../../machine/digest.ts";
import type { Ext2Image } from "../../machine/formats/ext2/mod.ts";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { parseSums } from "../../actors/kernel/small_files.ts";
import { fieldOf, listOf } from "../../actors/kernel/values.ts";
import { hasTool, run } from "../oracles/tools.ts";
import { type Call, diskWith, noise, partitionBytes, runKernel, volumeOn } from "./kernel_kit.ts";

const MIB = 1024 ** 2;
const mount: Call = ["fs_mount", { path: "/mnt", partition: 1, readOnly: false }];
const unmount: Call = ["fs_unmount", { path: "/mnt" }];
const change = (operation: string, path: string, more = {}): Call => [
  "fs_change",
  { operation, path, ...more },
];
const text = (image: Ext2Image, path: string) => new TextDecoder().decode(image.fileAt(path));

Deno.test("fs_mount and fs_unmount leave the superblock as Linux does, and say what they found", () => {
  const medium = diskWith([{ mib: 8, files: [] }]);
  const first = runKernel({ medium, calls: [mount, ["fs_sync"]] });
  assert.deepEqual(first.results, [0, 0]);
  assert.deepEqual(first.facts("mount"), [
    { k: "K", fs: "sda1", read_only: false, clean: true, mounts: 0 },
  ]);
  assert.equal(volumeOn(medium, 1, 8).superblock().state & 1, 0);
  const second = runKernel({ medium, calls: [mount, unmount, mount, unmount] });
  assert.deepEqual(second.facts("mount").map((fact) => fact["clean"]), [false, false]);
  assert.equal(volumeOn(medium, 1, 8).superblock().state & 1, 0, "not clean before, not after");
  const fresh = diskWith([{ mib: 8, files: [] }]);
  const free = runKernel({ medium: fresh, calls: [mount, unmount] }).state.free;
  assert.equal(volumeOn(fresh, 1, 8).superblock().state & 1, 1);
  assert.deepEqual(free, [{ pfn: 256, count: 32 * 256 - 256 }], "all frames are given back");
});

Deno.test("fs_mount refuses what it cannot mount, and keeps nothing", () => {
  const medium = diskWith([{ mib: 8, files: [] }]);
  medium.write(MIB + 1024, new Uint8Array(100));
  const { results, state } = runKernel({
    medium,
    calls: [
      ["fs_mount", { path: "/a", partition: 1, readOnly: false }],
      ["fs_mount", { path: "/a", partition: 2, readOnly: false }],
      ["fs_unmount", { path: "/a" }],
    ],
  });
  assert.deepEqual(results, [-ERRNO.EINVAL, -ERRNO.ENODEV, -ERRNO.EINVAL]);
  assert.deepEqual(state.mounts, []);
  assert.deepEqual(state.free, [{ pfn: 256, count: 32 * 256 - 256 }]);
  const good = diskWith([{ mib: 8, files: [] }]);
  assert.deepEqual(
    runKernel({ medium: good, calls: [mount, mount, ["fs_stat", { path: "/elsewhere" }]] }).results,
    [0, -ERRNO.EBUSY, -ERRNO.ENOENT],
  );
  const small = runKernel({ medium: good, calls: [mount], free: [{ pfn: 256, count: 40 }] });
  assert.deepEqual(small.results, [-ERRNO.ENOMEM]);
  assert.deepEqual(small.state.free, [{ pfn: 256, count: 40 }]);
});

Deno.test("fs_operation on a file system mounted read-only gives EROFS and writes nothing", () => {
  const medium = diskWith([{ mib: 8, files: [] }]);
  const before = partitionBytes(medium, 0, 9);
  const { results } = runKernel({
    medium,
    calls: [
      ["fs_mount", { path: "/mnt", partition: 1, readOnly: true }],
      change("makeDirectory", "/mnt/x"),
      ["fs_write_small", { path: "/mnt/y", text: "z" }],
      ["fs_operation", { mount: "/mnt", operation: "readDirectory", arguments: { path: "/" } }],
      unmount,
    ],
  });
  assert.deepEqual(results.slice(0, 3), [0, -ERRNO.EROFS, -ERRNO.EROFS]);
  assert.deepEqual(
    listOf(results[3]).map((entry) => fieldOf(entry, "name")),
    [".", "..", "lost+found"],
  );
  assert.deepEqual(partitionBytes(medium, 0, 9), before);
});

Deno.test("fs_write_small creates, replaces and is read back, on the disk and by the kernel", () => {
  const medium = diskWith([{ mib: 8, files: [] }]);
  const long = "0123456789abcde\n".repeat(40_000);
  const { results, facts } = runKernel({
    medium,
    calls: [
      mount,
      ["fs_write_small", { path: "/mnt/a", text: "first, and longer\n" }],
      ["fs_write_small", { path: "/mnt/a", text: "second\n" }],
      ["fs_write_small", { path: "/mnt/empty", text: "" }],
      ["fs_write_small", { path: "/mnt/long", text: long }],
      ["fs_read_small", { path: "/mnt/a" }],
      ["fs_read_small", { path: "/mnt/empty" }],
      ["fs_read_small", { path: "/mnt/long" }],
      ["fs_read_small", { path: "/mnt/long", limit: MIB }],
      ["fs_read_small", { path: "/mnt/none" }],
      ["fs_read_small", { path: "/mnt/lost+found" }],
      unmount,
    ],
  });
  assert.deepEqual(results.slice(0, 5), [0, 0, 0, 0, 0]);
  assert.deepEqual(results.slice(5, 8), ["second\n", "", -ERRNO.EOVERFLOW]);
  assert.equal(results[8], long);
  assert.deepEqual(results.slice(9), [-ERRNO.ENOENT, -ERRNO.EISDIR, 0]);
  const image = volumeOn(medium, 1, 8);
  assert.equal(text(image, "/a"), "second\n");
  assert.equal(text(image, "/long"), long);
  assert.equal(image.inodeAt("/a")?.modificationTime, aboutNow(image, "/a"));
  const paths = facts("fs_write").map((fact) => fact["path"]);
  assert.ok(paths.includes("/mnt/a") && paths.includes("/mnt/long"));
  assert.ok(facts("fs_read").every((fact) => fact["fs"] === "sda1"));
});

function aboutNow(image: Ext2Image, path: string): number {
  const time = image.inodeAt(path)?.modificationTime ?? 0;
  assert.ok(time >= 1_200_000_000 && time < 1_200_000_100, `${time} is about now`);
  return time;
}

const PATHS = ["/a", "/b", "/d/a", "/d/b", "/d/e/c"];

Deno.test("fs_change and fs_write_small do what a table of files does, whatever the order", () => {
  const action = fc.oneof(
    fc.record({
      kind: fc.constant("write" as const),
      path: fc.constantFrom(...PATHS),
      length: fc.integer({ min: 0, max: 20_000 }),
    }),
    fc.record({ kind: fc.constant("unlink" as const), path: fc.constantFrom(...PATHS) }),
    fc.record({
      kind: fc.constant("rename" as const),
      path: fc.constantFrom(...PATHS),
      to: fc.constantFrom(...PATHS),
    }),
  );
  const property = fc.property(
    fc.array(action, { maxLength: 12 }),
    fc.integer({ min: 1, max: 1000 }),
    (actions, seed) => {
      const medium = diskWith([{
        mib: 8,
        files: [{ path: "/d/e/keep", mode: 0o644, data: new Uint8Array(1) }],
      }]);
      const model = new Map<string, string>();
      const calls: Call[] = [mount];
      const wanted: number[] = [0];
      for (const [index, each] of actions.entries()) {
        const path = `/mnt${each.path}`;
        const had = model.get(each.path);
        if (each.kind === "write") {
          const content = String.fromCharCode(97 + index).repeat(each.length);
          calls.push(["fs_write_small", { path, text: content }]);
          model.set(each.path, content);
          wanted.push(0);
        } else if (each.kind === "unlink") {
          calls.push(change("unlink", path));
          model.delete(each.path);
          wanted.push(had === undefined ? -ERRNO.ENOENT : 0);
        } else {
          calls.push(change("rename", path, { to: `/mnt${each.to}` }));
          if (had !== undefined) {
            model.delete(each.path);
            model.set(each.to, had);
          }
          wanted.push(had === undefined ? -ERRNO.ENOENT : 0);
        }
      }
      calls.push(unmount);
      const { results } = runKernel({ medium, calls, seed, seededOrder: true });
      assert.deepEqual(results, [...wanted, 0]);
      const image = volumeOn(medium, 1, 8);
      const found = PATHS.filter((path) => image.inodeAt(path) !== undefined);
      assert.deepEqual(found, PATHS.filter((path) => model.has(path)));
      for (const [path, content] of model) assert.equal(text(image, path), content);
    },
  );
  fc.assert(property, { numRuns: 15 });
});

Deno.test("fs_operation gets along with more blocks than its cache has frames", () => {
  const medium = diskWith([{ mib: 16, files: [] }]);
  const names = Array.from({ length: 90 }, (_, index) => `/mnt/directory${index}`);
  const { results, state } = runKernel({
    medium,
    calls: [
      mount,
      ...names.map((name): Call => change("makeDirectory", name)),
      ...names.map((name): Call => ["fs_write_small", { path: `${name}/f`, text: name }]),
      ...names.map((name): Call => ["fs_read_small", { path: `${name}/f` }]),
    ],
  });
  assert.equal(state.mounts[0]?.cache.count, 70);
  assert.ok(
    results.slice(0, 181).every((value) =>
      fieldOf(value, "kind") !== undefined ||
      value === 0
    ),
  );
  assert.deepEqual(results.slice(181), names);
});

Deno.test("fs_operation lets one process work on a mount at a time", () => {
  const medium = diskWith([{ mib: 8, files: [] }]);
  const calls = (name: string): Call[] =>
    Array.from({ length: 10 }, (_, index): Call => [
      "fs_write_small",
      { path: `/mnt/${name}${index}`, text: name },
    ]);
  const ready: Call = ["test_sleep", { ns: 2_000_000_000 }];
  for (let seed = 1; seed < 6; seed++) {
    const { results, beside } = runKernel({
      medium,
      seed,
      seededOrder: true,
      calls: [mount, ready, ...calls("a"), ["test_sleep", { ns: 2_000_000_000 }], unmount],
      beside: [ready, ...calls("b")],
    });
    assert.ok(results.every((value) => value === 0), JSON.stringify(results));
    assert.ok(beside.every((value) => value === 0), JSON.stringify(beside));
    const image = volumeOn(medium, 1, 8);
    for (const { path } of image.list().filter(({ path }) => /\d$/.test(path))) {
      assert.equal(text(image, path), path.slice(1, 2));
    }
  }
});

Deno.test("a changed file system is one that e2fsck finds nothing wrong with", {
  ignore: !hasTool("e2fsck"),
}, async () => {
  const medium = diskWith([{ mib: 24, files: [] }]);
  const { results } = runKernel({
    medium,
    calls: [
      mount,
      change("makeDirectory", "/mnt/d"),
      change("createFile", "/mnt/d/large", { size: 18 * MIB }),
      ["fs_write_small", { path: "/mnt/d/small", text: "small" }],
      change("rename", "/mnt/d/large", { to: "/mnt/large" }),
      change("setSize", "/mnt/large", { size: 5 * MIB + 3 }),
      change("unlink", "/mnt/d/small"),
      change("touch", "/mnt/large"),
      unmount,
    ],
  });
  assert.ok(results.every((value) => typeof value !== "number" || value >= 0), `${results}`);
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${directory}/image`, partitionBytes(medium, 1, 24));
    const { code, stdout } = await run("e2fsck", ["-fn", `${directory}/image`]);
    assert.equal(code, 0, stdout);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

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

Deno.test("createFile without room gives ENOSPC and leaves the file system as it was", () => {
  const medium = diskWith([{ mib: 8, files: [] }]);
  const { results } = runKernel({
    medium,
    calls: [mount, change("createFile", "/mnt/f", { size: 9 * MIB }), unmount],
  });
  assert.deepEqual(results, [0, -ERRNO.ENOSPC, 0]);
  assert.equal(volumeOn(medium, 1, 8).inodeAt("/f"), undefined);
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
