/**
 * `block-save`: B writes the image of A into a file of A's own file system by the list of its
 * blocks, without mounting it (planned in protocol.md B.2.6, F58). The header is written without
 * its valid mark first, and gets it between two flushes.
 *
 * @module
 */
import {
  BLOCK_LIST_BYTES,
  type BlockList,
  parseBlockList,
} from "../../machine/formats/block_list.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  digestOfSums,
  KHDEV_VALID,
  KHDEV_VERSION,
  type KhdevHeader,
} from "../../machine/formats/khdev_header.ts";
import { DUMP_LEVEL } from "../../machine/formats/mem_map.ts";
import { fromHex, toHex } from "../../machine/hex.ts";
import { parameter } from "../kernel/boot.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { freshEntry, staleWarning } from "../kernel/kimgcore_peer.ts";
import {
  ask,
  call,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { bytesOf, fieldOf, isError, listOf } from "../kernel/values.ts";
import { sourceRanges, vmcoreOf } from "../kernel/vmcore.ts";
import {
  deviceOf,
  IMAGE_OFFSET,
  type ListedImage,
  rawPlace,
  writeFirstBlock,
} from "./block_list_image.ts";
import { abortingAt } from "./abort_step.ts";
import { failWith, reasonOf } from "./command_line.ts";
import { sayFirmwareMap, signatureOf } from "./go_to_khdev.ts";

function failed(kernel: Kernel, why: string): Next {
  return failWith(kernel, 1, `block-save: ${why}`);
}

function listIn(vars: Vars): BlockList {
  return parseBlockList(fromHex(textOf(vars["list"])));
}

/** Header and list for what is known so far. */
function imageOf(kernel: Kernel, vars: Vars, valid: number): ListedImage {
  const { dump = null } = vars;
  const text = (name: string): string => {
    const value = fieldOf(dump, name);
    return typeof value === "string" ? value : "";
  };
  const count = (name: string): number => {
    const value = fieldOf(dump, name);
    return typeof value === "number" ? value : 0;
  };
  const sums = listOf(fieldOf(dump, "sums")).map((sum) => textOf(sum));
  const header: KhdevHeader = {
    version: KHDEV_VERSION,
    valid,
    e820Crc: numberOf(vars["crc"]),
    hardwareSignature: signatureOf(kernel),
    pages: count("pages"),
    lengthBytes: count("bytes"),
    entry: Number(vars["entry"]),
    imageOffset: IMAGE_OFFSET,
    savedSeconds: Math.floor(kernel.realMicroseconds() / 1_000_000),
    sha256: digestOfSums(sums),
    id: text("id"),
    kernel: text("of"),
  };
  return { header, list: listIn(vars) };
}

const { abort, must } = abortingAt("abort");

const LOOK: readonly Step[] = [
  {
    name: "vmcore",
    run: () => call("vmcore_open"),
    then(kernel, vars, answer) {
      if (isError(answer)) return failed(kernel, `/proc/vmcore: ${reasonOf(answer)}`);
      vars["vmcore"] = answer;
      return next;
    },
  },
  {
    name: "list",
    run(kernel, vars) {
      const given = parameter(kernel.state.commandLine, "khlist");
      const address = Number(given ?? "");
      if (given === undefined || !Number.isSafeInteger(address)) {
        return failed(kernel, "no khlist= on the command line");
      }
      // The page is A's: it is where A's memory stands now.
      const place = sourceRanges(vmcoreOf(vars["vmcore"]), address, BLOCK_LIST_BYTES);
      const [range] = place ?? [];
      delete vars["vmcore"];
      if (range === undefined) return failed(kernel, `khlist=${given} is not in /proc/vmcore`);
      return ask("memory", "memory.read", {
        by: kernel.name,
        address: range.start,
        length: BLOCK_LIST_BYTES,
      });
    },
    then(kernel, vars, answer) {
      try {
        vars["list"] = toHex(bytesOf(answer));
        listIn(vars);
        return next;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        return failed(kernel, `khlist: ${error.message}`);
      }
    },
  },
  {
    name: "entry",
    run(kernel, vars) {
      const entry = freshEntry(kernel);
      const stale = staleWarning(kernel);
      if (stale !== "") kernel.complain(`block-save: ${stale}`);
      if (entry === undefined) return failed(kernel, "no jump-back entry");
      vars["entry"] = entry;
      vars["crc"] = sayFirmwareMap(kernel);
      const device = deviceOf(listIn(vars));
      kernel.fact("image_device", {
        device,
        kind: "file",
        signature: "block list",
        active: false,
        mounted: kernel.state.mounts.some(({ partition }) => device === `sda${partition}`),
      });
      return next;
    },
  },
];

const SAVE: readonly Step[] = [
  must("no mark", "write the header", (kernel, vars) => writeFirstBlock(imageOf(kernel, vars, 0))),
  // What stands in the file of an earlier image is overwritten only when its mark is off.
  must("flush no mark", "flush", () => call("khdev_flush")),
  {
    name: "dump",
    run: (_kernel, vars) =>
      call("dump_write", {
        output: `/dev/${deviceOf(listIn(vars))}`,
        level: DUMP_LEVEL.free,
        entry: vars["entry"] ?? "",
        raw: rawPlace(listIn(vars)),
      }),
    then(_kernel, vars, answer) {
      vars["dump"] = answer;
      if (fieldOf(answer, "status") === 0) return next;
      const [line] = listOf(fieldOf(answer, "lines"));
      return abort(vars, typeof line === "string" ? line : "makedumpfile failed");
    },
  },
  must("header", "write the header", (kernel, vars) => writeFirstBlock(imageOf(kernel, vars, 0))),
  must("flush image", "flush", () => call("khdev_flush")),
  must("mark", "write the valid mark", (kernel, vars) => {
    const image = imageOf(kernel, vars, KHDEV_VALID);
    const { id, sha256: digest, kernel: of, lengthBytes: bytes } = image.header;
    const named = of === "" ? { id } : { id, of };
    kernel.fact("image", { op: "commit", ...named, digest, device: deviceOf(image.list), bytes });
    return writeFirstBlock(image);
  }),
  must("flush mark", "flush", () => call("khdev_flush")),
  {
    name: "off",
    run(kernel, vars) {
      const pages = numberOf(fieldOf(vars["dump"], "pages"));
      kernel.say(`block-save: ${pages} pages saved by block list on ${deviceOf(listIn(vars))}`);
      return call(kernel.profile.tools === "v7" ? "sys_reboot_hibernate" : "power_off");
    },
    then: (kernel) => failed(kernel, "the machine does not switch off"),
  },
  {
    name: "abort",
    run(kernel, vars) {
      const id = fieldOf(vars["dump"], "id");
      if (typeof id === "string") kernel.fact("image", { op: "abort", id });
      return writeFirstBlock(imageOf(kernel, vars, 0));
    },
    then: (kernel, vars) => failed(kernel, textOf(vars["message"])),
  },
];

/**
 * `program:block-save {argv}`: saves A and switches the machine off; comes back, with 1, only if
 * that failed, and then there is no valid image.
 */
const BLOCK_SAVE = procedure("program:block-save", [...LOOK, ...SAVE]);

/** Procedures of this program. */
export const BLOCK_LIST_SAVE_PROCEDURES: readonly Procedure[] = [BLOCK_SAVE];
