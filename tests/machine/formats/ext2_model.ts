/**
 * A file system as a Map from paths to what is there, with the errno each operation should have:
 * the model that random histories of ext2 operations are compared with.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BlockAccess,
  createFile,
  Ext2Error,
  type Ext2ErrorCode,
  lookup,
  makeDirectory,
  readDirectory,
  readSuperblock,
  removeDirectory,
  rename,
  setSize,
  touch,
  unlink,
} from "../../../machine/formats/ext2/mod.ts";

/** One operation of a history; sizes in bytes. */
export type Step =
  | { readonly kind: "create" | "resize"; readonly path: string; readonly size: number }
  | { readonly kind: "mkdir" | "rmdir" | "unlink" | "touch"; readonly path: string }
  | { readonly kind: "rename"; readonly path: string; readonly target: string };

type Node = { readonly kind: "file"; readonly size: number } | { readonly kind: "directory" };

const LONG = "a-long-name-".repeat(20);
const NAMES = ["a", "b", LONG];
const PATHS = ["", "/d", "/e", "/d/s"].flatMap((parent) => [
  ...NAMES.map((name) => `${parent}/${name}`),
  ...(parent === "" ? ["/d", "/e"] : [`${parent}/s`]),
]);

const path = fc.constantFrom(...PATHS);
const size = fc.oneof(
  fc.integer({ min: 0, max: 60_000 }),
  fc.integer({ min: 0, max: 6_000_000 }),
  fc.integer({ min: 0, max: 80_000_000 }),
);

/** A random operation on one of a few paths, so that names meet often. */
export const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("create" as const), path, size }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("resize" as const), path, size }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("mkdir" as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rmdir" as const), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("unlink" as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("touch" as const), path }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("rename" as const), path, target: path }),
  },
);

const DIRECTORIES: readonly Step[] = ["/d", "/e", "/d/s"].map((path) => ({ kind: "mkdir", path }));

/** A history, most of them with the directories already there. */
export const HISTORY: fc.Arbitrary<Step[]> = fc.tuple(
  fc.constantFrom(DIRECTORIES, DIRECTORIES, []),
  fc.array(STEP, { minLength: 5, maxLength: 100, size: "max" }),
).map(([first, steps]) => [...first, ...steps]);

/** Does a step on a file system. */
export function perform(access: BlockAccess, step: Step, time: number): void {
  const inode = () => {
    const found = lookup(access, step.path);
    if (found === undefined) throw new Ext2Error("ENOENT", step.path);
    return found;
  };
  switch (step.kind) {
    case "create":
      return void createFile(access, step.path, { mode: 0o644, time, size: step.size });
    case "resize":
      return void setSize(access, inode(), step.size, { time });
    case "touch":
      return void touch(access, inode(), { time });
    case "mkdir":
      return void makeDirectory(access, step.path, { mode: 0o755, time });
    case "rmdir":
      return removeDirectory(access, step.path, { time });
    case "unlink":
      return unlink(access, step.path, { time });
    case "rename":
      return rename(access, step.path, step.target, { time });
  }
}

/** What should be there. */
export class Model {
  #nodes = new Map<string, Node>([["", { kind: "directory" }]]);

  /** Does a step; returns the errno it should fail with. */
  apply(step: Step): Ext2ErrorCode | undefined {
    const bad = this.#parentError(step.path);
    if (bad !== undefined) return bad;
    const node = this.#nodes.get(step.path);
    switch (step.kind) {
      case "create":
        if (node !== undefined) return "EEXIST";
        this.#nodes.set(step.path, { kind: "file", size: step.size });
        return undefined;
      case "mkdir":
        if (node !== undefined) return "EEXIST";
        this.#nodes.set(step.path, { kind: "directory" });
        return undefined;
      case "touch":
        return node === undefined ? "ENOENT" : undefined;
      case "resize":
        if (node?.kind !== "file") return node === undefined ? "ENOENT" : "EISDIR";
        this.#nodes.set(step.path, { kind: "file", size: step.size });
        return undefined;
      case "unlink":
        if (node?.kind !== "file") return node === undefined ? "ENOENT" : "EISDIR";
        this.#nodes.delete(step.path);
        return undefined;
      case "rmdir":
        if (node?.kind !== "directory") return node === undefined ? "ENOENT" : "ENOTDIR";
        if (!this.#isEmpty(step.path)) return "ENOTEMPTY";
        this.#nodes.delete(step.path);
        return undefined;
      case "rename":
        return this.#rename(step.path, step.target, node);
    }
  }

  #rename(from: string, to: string, node: Node | undefined): Ext2ErrorCode | undefined {
    if (node === undefined) return "ENOENT";
    const bad = this.#parentError(to);
    if (bad !== undefined) return bad;
    if (node.kind === "directory" && to.startsWith(`${from}/`)) return "EINVAL";
    if (from === to) return undefined;
    const old = this.#nodes.get(to);
    if (old?.kind === "file" && node.kind === "directory") return "ENOTDIR";
    if (old?.kind === "directory" && node.kind === "file") return "EISDIR";
    if (old?.kind === "directory" && !this.#isEmpty(to)) return "ENOTEMPTY";
    for (const [path, moved] of [...this.#nodes]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#nodes.delete(path);
      this.#nodes.set(to + path.slice(from.length), moved);
    }
    return undefined;
  }

  #isEmpty(path: string): boolean {
    return ![...this.#nodes.keys()].some((other) => other.startsWith(`${path}/`));
  }

  #parentError(path: string): Ext2ErrorCode | undefined {
    for (let end = path.indexOf("/", 1); end > 0; end = path.indexOf("/", end + 1)) {
      const above = this.#nodes.get(path.slice(0, end));
      if (above?.kind !== "directory") return above === undefined ? "ENOENT" : "ENOTDIR";
    }
    return undefined;
  }

  /** Fails unless the file system has the same files and directories. */
  assertSame(access: BlockAccess): void {
    for (const [path, node] of this.#nodes) {
      const inode = lookup(access, path);
      assert(inode !== undefined, path);
      if (node.kind === "file") {
        assert.equal(inode.size, node.size, path);
        continue;
      }
      const names = readDirectory(access, path).map(({ name }) => name)
        .filter((name) => !["lost+found", ".", ".."].includes(name));
      const expected = [...this.#nodes.keys()]
        .filter((other) => other !== path && other.replace(/\/[^/]*$/, "") === path)
        .map((other) => other.slice(path.length + 1));
      assert.deepEqual(names.sort(), expected.sort(), path);
    }
  }

  /** Fails unless ENOSPC is a right answer to the step. */
  assertNoRoom(access: BlockAccess, step: Step): void {
    const { freeBlocks, freeInodes } = readSuperblock(access);
    const blocks = "size" in step ? Math.ceil(step.size / 4096) : 1;
    assert(freeInodes === 0 || freeBlocks < blocks + Math.ceil(blocks / 1024) + 4);
  }
}
