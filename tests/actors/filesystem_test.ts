import assert from "node:assert/strict";
import fc from "fast-check";
import type { Ext2Image } from "../../machine/formats/ext2/mod.ts";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { fieldOf, listOf } from "../../actors/kernel/values.ts";
import { hasTool, run } from "../oracles/tools.ts";
import { type Call, diskWith, partitionBytes, runKernel, volumeOn } from "./kernel_kit.ts";

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

Deno.test("createFile without room gives ENOSPC and leaves the file system as it was", () => {
  const medium = diskWith([{ mib: 8, files: [] }]);
  const { results } = runKernel({
    medium,
    calls: [mount, change("createFile", "/mnt/f", { size: 9 * MIB }), unmount],
  });
  assert.deepEqual(results, [0, -ERRNO.ENOSPC, 0]);
  assert.equal(volumeOn(medium, 1, 8).inodeAt("/f"), undefined);
});
