/**
 * `block-list PATH MIB [-- COMMAND…]`: makes a file of A's own file system into a place for its
 * image (planned in protocol.md B.2.6). The file gets its blocks, what says so is written back,
 * and the list of them goes into a page of A's memory, where B finds it by `khlist=` on its command
 * line. A command behind `--` is run with that word added to its `--append`.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import {
  blockCount,
  type BlockList,
  emitBlockList,
  firstSectorOf,
} from "../../machine/formats/block_list.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { toHex } from "../../machine/hex.ts";
import { ERRNO } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { makeFile } from "../kernel/make_file.ts";
import { placeOf } from "../kernel/mounts.ts";
import {
  ask,
  call,
  done,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { EXTENTS, fieldOf, isError, readAs } from "../kernel/values.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";

const MIB = 0x10_0000;
const USAGE = "block-list: usage: block-list PATH MIB [-- COMMAND...]";

/**
 * `fs_fibmap {path}`: `{partition, firstSector, extents}`, where the blocks of a file on a mounted
 * file system are; a negative errno, -EINVAL for what is no file on a disk.
 */
const FIBMAP = procedure("fs_fibmap", [
  {
    name: "stat",
    run: (_kernel, vars) => call("fs_stat", { path: vars["path"] ?? "" }),
    then(kernel, vars, answer) {
      if (isError(answer)) return done(answer);
      const place = placeOf(kernel, textOf(vars["path"]));
      const isFile = fieldOf(answer, "kind") === "file" && fieldOf(answer, "runs") === undefined;
      if (place === undefined || !isFile) return done(-ERRNO.EINVAL);
      const { partition, firstSector } = place.volume;
      return done({ partition, firstSector, extents: fieldOf(answer, "extents") ?? [] });
    },
  },
]);

function failed(kernel: Kernel, what: string): Next {
  return failWith(kernel, 1, `block-list: ${what}`);
}

/** The words of the command, `khlist=` added to what it appends. */
export function withList(words: readonly string[], address: number): string[] {
  const added = ` khlist=0x${address.toString(16)}`;
  return words.map((word) => word.startsWith("--append=") ? word + added : word);
}

function takeWords(kernel: Kernel, vars: Vars): Next {
  const words = wordsOf(vars).slice(1);
  const dashes = words.indexOf("--");
  const [path, size, more] = dashes < 0 ? words : words.slice(0, dashes);
  const mebibytes = Number(size);
  if (path === undefined || more !== undefined || !Number.isInteger(mebibytes) || mebibytes < 1) {
    return failWith(kernel, 1, USAGE);
  }
  vars["path"] = path;
  vars["size"] = mebibytes * MIB;
  vars["command"] = dashes < 0 ? [] : words.slice(dashes + 1);
  return next;
}

/** The list of the file's blocks in a page of this kernel; it stays there. */
function putList(kernel: Kernel, vars: Vars): Next {
  const { list } = vars;
  const runs = readAs(EXTENTS, fieldOf(list, "extents"));
  const blocks: BlockList = {
    partition: numberOf(fieldOf(list, "partition")),
    firstSector: numberOf(fieldOf(list, "firstSector")),
    runs,
  };
  try {
    const bytes = emitBlockList(blocks);
    const [page] = kernel.allocate({
      pages: 1,
      flags: FRAME.kernel,
      owner: 0,
      from: kernel.windowEndPfn(),
    }) ?? [];
    if (page === undefined) return failed(kernel, reasonOf(-ERRNO.ENOMEM));
    const address = page.pfn * PAGE_BYTES;
    vars["address"] = address;
    const sector = firstSectorOf(blocks) ?? 0;
    kernel.say(`block-list: khlist=0x${address.toString(16)} khsector=${sector}`);
    const path = textOf(vars["path"]);
    kernel.say(`block-list: ${blockCount(blocks)} blocks in ${runs.length} runs for ${path}`);
    return ask("memory", "memory.write", { by: kernel.name, address, bytes: toHex(bytes) });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return failed(kernel, `${textOf(vars["path"])}: ${error.message}`);
  }
}

const BLOCK_LIST = procedure("program:block-list", [
  { name: "words", run: takeWords },
  ...makeFile({
    path: "path",
    size: (vars) => numberOf(vars["size"] ?? 0),
    failed: (kernel, vars, error) => failed(kernel, `${textOf(vars["path"])}: ${reasonOf(error)}`),
  }),
  {
    name: "sync",
    run: () => call("fs_sync"),
    then: (kernel, _vars, answer) =>
      isError(answer) ? failed(kernel, `cannot write back: ${reasonOf(answer)}`) : next,
  },
  {
    name: "blocks",
    run: (_kernel, vars) => call("fs_fibmap", { path: vars["path"] ?? "" }),
    then(kernel, vars, answer) {
      if (isError(answer)) return failed(kernel, `${textOf(vars["path"])}: ${reasonOf(answer)}`);
      vars["list"] = answer;
      return next;
    },
  },
  { name: "list", run: putList },
  {
    name: "command",
    run(kernel, vars) {
      const words = Array.isArray(vars["command"]) ? vars["command"].map(String) : [];
      const [name] = words;
      if (name === undefined) return done();
      if (!kernel.isProgram(name)) return failed(kernel, `${name}: not found`);
      return call(`program:${name}`, { argv: withList(words, numberOf(vars["address"])) });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of this program. */
export const BLOCK_LIST_PROCEDURES: readonly Procedure[] = [FIBMAP, BLOCK_LIST];
