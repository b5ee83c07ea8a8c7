/**
 * Writes a kdump-compressed file (protocol.md E.4): head, a descriptor for each page, the pages,
 * each compressed by itself. Memory is bounded: pages pass through a buffer of 512 KiB and are
 * written in pieces of 1 MiB, descriptors in pieces of 64 KiB.
 *
 * Room in the file is taken before pages are packed, so that no descriptor points at data that
 * are not in the file. When there is none left the file is finished with what is in it, its other
 * descriptors say "lost" (offset 0), and its status says that it is incomplete, as a real
 * makedumpfile leaves it. After any other error the file stays as far as it got.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { KDUMP_DESCRIPTOR_BYTES, type KdumpContents } from "../../machine/formats/kdump.ts";
import { packKdumpPages } from "../../machine/formats/kdump_pages.ts";
import { DUMP_LEVEL, FRAME } from "../../machine/formats/mem_map.ts";
import { fromRuns, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { ERRNO } from "../kernel/errno.ts";
import { pagePairsText } from "../kernel/image_pages.ts";
import { type Kernel, numberOf } from "../kernel/kernel_context.ts";
import {
  ask,
  call,
  done,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { isError, plainRuns, RANGES, readAs, runRanges, RUNS } from "../kernel/values.ts";
import { vmcoreOf } from "../kernel/vmcore.ts";
import { kdumpContents, kdumpHead, kdumpPieces, kdumpRuns } from "./dump_kdump_plan.ts";
import { dumpInfo } from "./dump_plan.ts";
import { firstBytes, framesFrom, gather, put } from "./page_buffer.ts";

/** Pages packed at one time. */
const BATCH_PAGES = 128;
/** Bytes of data, and of descriptors, that are written at one time. */
const WRITE_BYTES = 0x10_0000;
const DESCRIPTOR_WRITE_BYTES = 0x1_0000;

/** Buffers of the process, in pages. */
const BUFFERS = {
  input: BATCH_PAGES,
  output: WRITE_BYTES / PAGE_BYTES + BATCH_PAGES + 1,
  descriptors: DESCRIPTOR_WRITE_BYTES / PAGE_BYTES + 1,
  /** The page in which descriptors end and data begin. */
  seam: 1,
} as const;

type BufferName = keyof typeof BUFFERS;

const NAMES: readonly BufferName[] = ["input", "output", "descriptors", "seam"];

function rangesOf(vars: Vars, name: BufferName): Range[] {
  return runRanges(readAs(RUNS, vars[name]));
}

function acquire(kernel: Kernel, vars: Vars, ...names: readonly BufferName[]) {
  const ranges = names.flatMap((name) => rangesOf(vars, name));
  return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
}

function contentsOf(vars: Vars): KdumpContents {
  const vmcore = vmcoreOf(vars["vmcore"]);
  const text = vars["infoText"];
  const info = dumpInfo(vmcore, typeof text === "string" ? text : undefined);
  return kdumpContents(vmcore, readAs(RUNS, vars["kept"]), info, {
    level: numberOf(vars["level"]),
    compression: numberOf(vars["compression"]),
    seconds: numberOf(vars["seconds"]),
  });
}

function release(kernel: Kernel, vars: Vars): void {
  for (const name of NAMES) {
    if (vars[name] !== undefined) kernel.release(readAs(RUNS, vars[name]));
  }
}

function giveUp(kernel: Kernel, vars: Vars, errno: number): Next {
  release(kernel, vars);
  return done(errno);
}

function pagesLeft(vars: Vars): number {
  return numberOf(vars["pageCount"]) - numberOf(vars["page"]);
}

/** Whether no more pages are packed: all are, or there is no room. */
function ended(vars: Vars): boolean {
  return pagesLeft(vars) === 0 || vars["incomplete"] === true;
}

/** Bytes of descriptors that are neither in the file nor in the buffer. */
function missingDescriptors(vars: Vars): number {
  const all = numberOf(vars["pageCount"]) * KDUMP_DESCRIPTOR_BYTES;
  const written = numberOf(vars["descriptorsTo"]) - numberOf(vars["descriptorsAt"]);
  return all - written - numberOf(vars["descriptorFill"]);
}

function write(vars: Vars, name: BufferName, offset: number, length: number): Next {
  const pieces = firstBytes(rangesOf(vars, name), length);
  return call("fs_write", { path: vars["path"] ?? "", offset, pieces });
}

function setSize(vars: Vars, size: number): Next {
  return call("fs_change", { operation: "setSize", path: vars["path"] ?? "", size });
}

/** Drops the first bytes of a buffer; the rest moves up, zeros follow. */
function moveUp(access: Access, ranges: readonly Range[], chunk: number, fill: number): void {
  const bytes = gather(access, ranges, fill);
  const moved = new Uint8Array(fill);
  moved.set(bytes.subarray(chunk));
  put(access, ranges, 0, moved);
}

function pack(vars: Vars, access: Access): void {
  const count = numberOf(vars["count"]);
  const plan = {
    head: new Uint8Array(),
    descriptorsAt: numberOf(vars["descriptorsAt"]),
    pageCount: numberOf(vars["pageCount"]),
    dataAt: 0,
  };
  const fill = numberOf(vars["fill"]);
  const dataAt = numberOf(vars["written"]) + fill;
  const cursor = { pages: numberOf(vars["page"]), dataAt, zeroAt: numberOf(vars["zeroAt"]) };
  const pages = gather(access, rangesOf(vars, "input"), count * PAGE_BYTES);
  const sharesZeros = (numberOf(vars["level"]) & DUMP_LEVEL.zero) !== 0;
  const compression = numberOf(vars["compression"]);
  const piece = packKdumpPages(plan, cursor, pages, { compression, sharesZeros });
  const descriptorFill = numberOf(vars["descriptorFill"]);
  put(access, rangesOf(vars, "output"), fill, piece.data);
  put(access, rangesOf(vars, "descriptors"), descriptorFill, piece.descriptors);
  vars["fill"] = fill + piece.data.length;
  vars["descriptorFill"] = descriptorFill + piece.descriptors.length;
  vars["page"] = piece.cursor.pages;
  vars["zeroAt"] = piece.cursor.zeroAt;
  vars["zeroPages"] = numberOf(vars["zeroPages"]) + piece.zeroPages;
}

function wholePages(bytes: number): number {
  return Math.floor(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/**
 * `dump_kdump {path, vmcore, kept, level, compression, seconds, infoText?}`: gives `{bytes,
 * dataBytes, zeroPages, incomplete}` or a negative errno.
 */
const KDUMP = procedure("dump_kdump", [
  {
    name: "buffers",
    run(kernel, vars) {
      for (const name of NAMES) {
        const runs = kernel.allocate({ pages: BUFFERS[name], flags: FRAME.user, owner: 0 });
        if (runs === undefined) return giveUp(kernel, vars, -ERRNO.ENOMEM);
        vars[name] = plainRuns(runs);
      }
      const contents = contentsOf(vars);
      const { head, descriptorsAt, pageCount, dataAt } = kdumpHead(contents);
      const runs = kdumpRuns(vmcoreOf(vars["vmcore"]), readAs(RUNS, vars["kept"]));
      const pieces = kdumpPieces(vmcoreOf(vars["vmcore"]), runs);
      vars["pieces"] = pieces.map(({ start, length }) => ({ start, length }));
      Object.assign(vars, { descriptorsAt, pageCount, dataAt, headBytes: head.length, headTo: 0 });
      Object.assign(vars, { page: 0, zeroAt: 0, zeroPages: 0, batch: BATCH_PAGES });
      Object.assign(vars, { written: wholePages(dataAt), fill: dataAt % PAGE_BYTES });
      Object.assign(vars, { descriptorsTo: descriptorsAt, descriptorFill: 0, size: dataAt });
      return next;
    },
  },
  {
    name: "create",
    run: (_kernel, vars) =>
      call("fs_change", {
        operation: "createFile",
        path: vars["path"] ?? "",
        size: vars["dataAt"] ?? 0,
      }),
    then: (kernel, vars, answer) => isError(answer) ? giveUp(kernel, vars, answer) : next,
  },
  {
    name: "head",
    run: (kernel, vars) => acquire(kernel, vars, "output"),
    then(_kernel, vars, _answer, access) {
      const from = numberOf(vars["headTo"]);
      const { head } = kdumpHead(contentsOf(vars));
      const part = head.subarray(from, from + WRITE_BYTES);
      put(access, rangesOf(vars, "output"), 0, part);
      vars["chunk"] = part.length;
      return next;
    },
  },
  {
    name: "write head",
    run: (_kernel, vars) =>
      write(vars, "output", numberOf(vars["headTo"]), numberOf(vars["chunk"])),
    then(kernel, vars, answer) {
      if (isError(answer)) return giveUp(kernel, vars, answer);
      vars["headTo"] = numberOf(vars["headTo"]) + numberOf(vars["chunk"]);
      return numberOf(vars["headTo"]) < numberOf(vars["headBytes"]) ? goto("head") : next;
    },
  },
  {
    name: "room",
    run(_kernel, vars) {
      if (ended(vars)) return goto("end of data");
      vars["count"] = Math.min(numberOf(vars["batch"]), pagesLeft(vars));
      const wanted = numberOf(vars["written"]) + numberOf(vars["fill"]) +
        numberOf(vars["count"]) * PAGE_BYTES;
      if (wanted <= numberOf(vars["size"])) return goto("copy");
      vars["wanted"] = wanted;
      return setSize(vars, wanted);
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) {
        vars["size"] = vars["wanted"] ?? 0;
        return next;
      }
      if (answer !== -ERRNO.ENOSPC) return giveUp(kernel, vars, answer);
      const half = Math.floor(numberOf(vars["batch"]) / 2);
      if (half > 0) vars["batch"] = half;
      else vars["incomplete"] = true;
      return goto("room");
    },
  },
  {
    name: "copy",
    run(kernel, vars) {
      const pieces = readAs(RANGES, vars["pieces"]);
      const frames = framesFrom(pieces, numberOf(vars["page"]), numberOf(vars["count"]));
      const targets = fromRuns(readAs(RUNS, vars["input"])).slice(0, frames.length);
      const pairs = pagePairsText(targets, frames);
      return ask("memory", "memory.copy", { by: kernel.name, pairs });
    },
  },
  {
    name: "processors",
    run(kernel, vars) {
      if (numberOf(vars["compression"]) === 0) return next;
      const bytes = numberOf(vars["count"]) * PAGE_BYTES;
      return ask("cpu", "cpu.compute", { by: kernel.name, work: "compress", bytes });
    },
  },
  {
    name: "pack",
    run: (kernel, vars) => acquire(kernel, vars, "input", "output", "descriptors"),
    then(_kernel, vars, _answer, access) {
      pack(vars, access);
      return ended(vars) ? goto("end of data") : goto("write data");
    },
  },
  {
    name: "end of data",
    run(_kernel, vars) {
      const size = numberOf(vars["written"]) + numberOf(vars["fill"]);
      vars["ended"] = true;
      return size === numberOf(vars["size"]) ? next : setSize(vars, size);
    },
    then: (kernel, vars, answer) => isError(answer) ? giveUp(kernel, vars, answer) : next,
  },
  {
    name: "write data",
    run(_kernel, vars) {
      const fill = numberOf(vars["fill"]);
      if (vars["ended"] !== true && fill < WRITE_BYTES) return goto("descriptors");
      // Of the last page, what is behind the file's end is not written.
      const chunk = vars["ended"] === true ? Math.ceil(fill / PAGE_BYTES) * PAGE_BYTES : fill;
      vars["chunk"] = vars["ended"] === true ? chunk : wholePages(chunk);
      return chunk === 0
        ? goto("descriptors")
        : write(vars, "output", numberOf(vars["written"]), numberOf(vars["chunk"]));
    },
    then: (kernel, vars, answer) => isError(answer) ? giveUp(kernel, vars, answer) : next,
  },
  {
    name: "keep the rest",
    run: (kernel, vars) => acquire(kernel, vars, "output", "seam"),
    then(_kernel, vars, _answer, access) {
      const output = rangesOf(vars, "output");
      if (vars["seamed"] !== true) {
        put(access, rangesOf(vars, "seam"), 0, gather(access, output, PAGE_BYTES));
        vars["seamed"] = true;
      }
      const fill = numberOf(vars["fill"]);
      const chunk = Math.min(fill, numberOf(vars["chunk"]));
      moveUp(access, output, chunk, fill);
      vars["written"] = numberOf(vars["written"]) + chunk;
      vars["fill"] = fill - chunk;
      return next;
    },
  },
  {
    name: "descriptors",
    run(kernel, vars) {
      // What was not packed is lost: zeros.
      const zeros = vars["ended"] === true ? missingDescriptors(vars) : 0;
      if (zeros === 0) return goto("write descriptors");
      return acquire(kernel, vars, "descriptors");
    },
    then(_kernel, vars, _answer, access) {
      const fill = numberOf(vars["descriptorFill"]);
      const room = DESCRIPTOR_WRITE_BYTES + PAGE_BYTES - fill;
      const zeros = new Uint8Array(Math.min(room, missingDescriptors(vars)));
      put(access, rangesOf(vars, "descriptors"), fill, zeros);
      vars["descriptorFill"] = fill + zeros.length;
      return next;
    },
  },
  {
    name: "write descriptors",
    run(_kernel, vars) {
      const chunk = wholePages(numberOf(vars["descriptorFill"]));
      vars["chunk"] = chunk;
      if (vars["ended"] !== true && chunk < DESCRIPTOR_WRITE_BYTES) return goto("room");
      if (chunk === 0) return goto("seam");
      return write(vars, "descriptors", numberOf(vars["descriptorsTo"]), chunk);
    },
    then: (kernel, vars, answer) => isError(answer) ? giveUp(kernel, vars, answer) : next,
  },
  {
    name: "keep the rest of them",
    run: (kernel, vars) => acquire(kernel, vars, "descriptors"),
    then(_kernel, vars, _answer, access) {
      const chunk = numberOf(vars["chunk"]);
      const fill = numberOf(vars["descriptorFill"]);
      moveUp(access, rangesOf(vars, "descriptors"), chunk, fill);
      vars["descriptorsTo"] = numberOf(vars["descriptorsTo"]) + chunk;
      vars["descriptorFill"] = fill - chunk;
      if (vars["ended"] !== true) return goto("room");
      return missingDescriptors(vars) > 0 ? goto("descriptors") : next;
    },
  },
  {
    name: "seam",
    run(kernel, vars) {
      const rest = numberOf(vars["descriptorFill"]);
      return rest === 0 ? goto("mark") : acquire(kernel, vars, "descriptors", "seam");
    },
    then(_kernel, vars, _answer, access) {
      const rest = numberOf(vars["descriptorFill"]);
      const bytes = gather(access, rangesOf(vars, "descriptors"), rest);
      put(access, rangesOf(vars, "seam"), 0, bytes);
      return next;
    },
  },
  {
    name: "write seam",
    run: (_kernel, vars) => write(vars, "seam", wholePages(numberOf(vars["dataAt"])), PAGE_BYTES),
    then: (kernel, vars, answer) => isError(answer) ? giveUp(kernel, vars, answer) : next,
  },
  {
    name: "mark",
    run: (kernel, vars) =>
      vars["incomplete"] === true ? acquire(kernel, vars, "seam") : goto("ready"),
    then(_kernel, vars, _answer, access) {
      const { head } = kdumpHead(contentsOf(vars), true);
      put(access, rangesOf(vars, "seam"), 0, head.subarray(0, PAGE_BYTES));
      return next;
    },
  },
  {
    name: "write mark",
    run: (_kernel, vars) => write(vars, "seam", 0, PAGE_BYTES),
    then: (kernel, vars, answer) => isError(answer) ? giveUp(kernel, vars, answer) : next,
  },
  {
    name: "ready",
    run(kernel, vars) {
      release(kernel, vars);
      const bytes = numberOf(vars["written"]) + numberOf(vars["fill"]);
      return done({
        bytes,
        dataBytes: bytes - numberOf(vars["dataAt"]),
        zeroPages: numberOf(vars["zeroPages"]),
        incomplete: vars["incomplete"] === true,
      });
    },
  },
]);

/** Procedures of this file. */
export const DUMP_KDUMP_PROCEDURES: readonly Procedure[] = [KDUMP];
