/**
 * `block-resume [SECTOR]`: C resumes A from a file it reaches by its block list: the file's first
 * sector is on C's command line (`khsector=`) or in the command, everything else in its first
 * block. No file system is mounted; the mark is taken off, and that is on the medium, before the
 * jump.
 *
 * @module
 */
import { digestOfSums, KHDEV_VALID, type KhdevHeader } from "../../machine/formats/khdev_header.ts";
import { blockCount, firstSectorOf, runsBehindFirst } from "../../machine/formats/block_list.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { fromHex } from "../../machine/hex.ts";
import { parameter } from "../kernel/boot.ts";
import { ERRNO } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import {
  call,
  done,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { isError, listOf, plainRuns, readAs, RUNS } from "../kernel/values.ts";
import {
  blockAt,
  deviceOf,
  type ListedImage,
  readFirstBlock,
  writeFirstBlock,
} from "./block_list_image.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";
import { sayFirmwareMap } from "./go_to_khdev.ts";
import { userPages } from "./kexec_files.ts";

/** `valid` of an image that was used. */
const USED = 0;

function failed(kernel: Kernel, why: string, status = 1): Next {
  return failWith(kernel, status, `block-resume: ${why}`);
}

function imageOf(vars: Vars): ListedImage {
  const image = readFirstBlock(fromHex(textOf(vars["block"])));
  if (typeof image === "string") throw new TypeError(image);
  return image;
}

function named({ id, kernel }: KhdevHeader): { id: string; of?: string } {
  return kernel === "" ? { id } : { id, of: kernel };
}

/** Why an image is not used, or `undefined`. */
function fault(kernel: Kernel, vars: Vars, { header, list }: ListedImage): string | undefined {
  if (header.valid !== KHDEV_VALID) return "the image has no valid mark";
  if (firstSectorOf(list) !== numberOf(vars["sector"])) return "the list is of another file";
  if (header.lengthBytes > (blockCount(list) - 1) * PAGE_BYTES) return "the file is too short";
  const crc = sayFirmwareMap(kernel);
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const result = crc === header.e820Crc ? 0 : -ERRNO.ENODEV;
  const stored = hex(header.e820Crc);
  kernel.fact("header_check", { what: "e820", stored, found: hex(crc), result });
  return result === 0 ? undefined : `the memory map is another one: ${stored}, now ${hex(crc)}`;
}

const LOOK: readonly Step[] = [
  {
    name: "first block",
    run(kernel, vars) {
      const [, word] = wordsOf(vars);
      const given = word ?? parameter(kernel.state.commandLine, "khsector") ?? "";
      const sector = Number(given);
      if (given === "" || !Number.isSafeInteger(sector) || sector < 0) {
        return failed(kernel, "no sector: khsector= on the command line, or as an argument");
      }
      vars["sector"] = sector;
      return call("khdev_read_block", { place: { ...blockAt(sector, 1) } });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) return failed(kernel, `cannot read the image: ${reasonOf(answer)}`);
      vars["block"] = answer;
      const image = readFirstBlock(fromHex(textOf(answer)));
      if (typeof image === "string") {
        kernel.fact("image", { op: "check", id: "none" });
        return failed(kernel, `no image: ${image}`);
      }
      kernel.fact("image", { op: "check", ...named(image.header), device: deviceOf(image.list) });
      const why = fault(kernel, vars, image);
      return why === undefined ? next : failed(kernel, why);
    },
  },
  {
    name: "memory",
    run(kernel, vars) {
      const { header } = imageOf(vars);
      const pages = Math.ceil(header.lengthBytes / PAGE_BYTES);
      const runs = userPages(kernel, pages, "image");
      if (runs === undefined) {
        return failed(kernel, `${pages} pages of the image: ${reasonOf(-ERRNO.ENOMEM)}`);
      }
      vars["runs"] = plainRuns(runs);
      return next;
    },
  },
  {
    name: "read",
    run(_kernel, vars) {
      const { header, list } = imageOf(vars);
      const bytes = header.lengthBytes;
      return call("fs_transfer", {
        job: {
          firstSector: list.firstSector,
          write: false,
          sums: true,
          offset: 0,
          length: bytes,
          size: bytes,
          pieces: readAs(RUNS, vars["runs"]).map(({ pfn, count }) => ({
            start: pfn * PAGE_BYTES,
            length: count * PAGE_BYTES,
          })),
          extents: runsBehindFirst(list).map((run) => ({ ...run })),
        },
      });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) return failed(kernel, `cannot read the image: ${reasonOf(answer)}`);
      // Nothing is expected of single sums: all come back, in order.
      const sums = listOf(answer).map((entry) => textOf(listOf(entry)[1]));
      const { header } = imageOf(vars);
      const found = digestOfSums(sums);
      if (found === header.sha256) return next;
      return failed(kernel, `the image has SHA-256 ${found}, saved was ${header.sha256}`);
    },
  },
];

const ENTER: readonly Step[] = [
  {
    name: "load",
    run(_kernel, vars) {
      const { header } = imageOf(vars);
      const entry = `--entry=0x${header.entry.toString(16)}`;
      return call("kexec_load_memory", {
        argv: ["kexec", "-l", "--args-none", entry, "image"],
        tools: "jump",
        image: { runs: vars["runs"] ?? [], size: header.lengthBytes, mismatches: [] },
      });
    },
    then(kernel, vars, answer) {
      if (answer !== 0) return done(isError(answer) ? 1 : answer);
      kernel.fact("image", { op: "load", ...named(imageOf(vars).header) });
      return next;
    },
  },
  {
    name: "no mark",
    run(_kernel, vars) {
      const { header, list } = imageOf(vars);
      return writeFirstBlock({ header: { ...header, valid: USED }, list });
    },
    then: (kernel, _vars, answer) =>
      isError(answer) ? failed(kernel, `cannot invalidate the image: ${reasonOf(answer)}`) : next,
  },
  {
    name: "flush",
    run(kernel, vars) {
      kernel.fact("image", { op: "invalidate", ...named(imageOf(vars).header) });
      return call("khdev_flush");
    },
    then: (kernel, _vars, answer) =>
      isError(answer) ? failed(kernel, `cannot invalidate the image: ${reasonOf(answer)}`) : next,
  },
  {
    name: "exec",
    run: () => call("program:kexec", { argv: ["kexec", "-e"] }),
    then: (_kernel, _vars, answer) => done(answer === 0 ? 1 : answer),
  },
];

/** `program:block-resume {argv}`: comes back, not with 0, only if there is no image to enter. */
const BLOCK_RESUME = procedure("program:block-resume", [...LOOK, ...ENTER]);

/** Procedures of this program. */
export const BLOCK_LIST_RESUME_PROCEDURES: readonly Procedure[] = [BLOCK_RESUME];
