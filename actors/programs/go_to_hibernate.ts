/**
 * go_to_hibernate: the script of B's initramfs (protocol.md B.2.2 step 3, B.2.3 steps 4 to 6).
 * When B is ready it jumps back by itself; entered again with HIBERNATE_WRITE_IMAGE it writes the
 * image to khdev and asks for S4. If writing fails it jumps back without a command, which tells A
 * that nothing was saved.
 *
 * It is a process like any other: between two jumps its step stands in B's pages, also in those
 * that a kimgcore file keeps for months.
 *
 * @module
 */
import {
  digestOfSums,
  KHDEV_IMAGE_OFFSET,
  KHDEV_VALID,
  KHDEV_VERSION,
  type KhdevHeader,
} from "../../machine/formats/khdev_header.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { DUMP_LEVEL } from "../../machine/formats/mem_map.ts";
import { fromHex } from "../../machine/hex.ts";
import { partitionName, type PartitionPlace, PLACE } from "../kernel/block_devices.ts";
import { parameter } from "../kernel/boot.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { KJUMP_COMMAND } from "../kernel/kjump_chains_command.ts";
import { call, goto, next, type Procedure, procedure, type Step } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { fieldOf, isError, listOf, readAs } from "../kernel/values.ts";
import { abortingAt } from "./abort_step.ts";
import { failWith, reasonOf } from "./command_line.ts";
import {
  blocksOf,
  KHDEV_PROCEDURES,
  khdevPartition,
  sayDevice,
  sayFirmwareMap,
  signatureOf,
  writeHeader,
} from "./go_to_khdev.ts";

const NO_DIGEST = "0".repeat(64);

/** The way back into A: what the last jump brought, else what the command line says. */
function entryOf(kernel: Kernel): number {
  const { peerEntry } = kernel.state;
  if (peerEntry !== undefined && peerEntry !== 0) return peerEntry;
  return Number(parameter(kernel.state.commandLine, "kexec_jump_back_entry") ?? 0);
}

function entryText(kernel: Kernel): string {
  return `0x${entryOf(kernel).toString(16)}`;
}

function placeOf(vars: Vars): PartitionPlace {
  return readAs(PLACE, vars["place"]);
}

/** The header for what is known so far. */
function headerOf(kernel: Kernel, vars: Vars, valid: number): KhdevHeader {
  const { dump = null } = vars;
  const id = fieldOf(dump, "id");
  const of = fieldOf(dump, "of");
  const pages = fieldOf(dump, "pages");
  const bytes = fieldOf(dump, "bytes");
  const sums = listOf(fieldOf(dump, "sums")).map((sum) => textOf(sum));
  return {
    version: KHDEV_VERSION,
    valid,
    e820Crc: numberOf(vars["crc"]),
    hardwareSignature: signatureOf(kernel),
    pages: typeof pages === "number" ? pages : 0,
    lengthBytes: typeof bytes === "number" ? bytes : 0,
    entry: entryOf(kernel),
    imageOffset: KHDEV_IMAGE_OFFSET,
    savedSeconds: Math.floor(kernel.realMicroseconds() / 1_000_000),
    sha256: sums.length === 0 ? NO_DIGEST : digestOfSums(sums),
    id: typeof id === "string" ? id : "",
    kernel: typeof of === "string" ? of : "",
  };
}

const { abort, must } = abortingAt("abort");

const BEGIN: readonly Step[] = [
  {
    name: "begin",
    run: (kernel, vars) => {
      const partition = khdevPartition(kernel);
      if (typeof partition === "string") {
        return failWith(kernel, 1, `go_to_hibernate: ${partition}`);
      }
      if (entryOf(kernel) === 0) {
        return failWith(kernel, 1, "go_to_hibernate: no kexec_jump_back_entry= to go back to");
      }
      vars["partition"] = partition;
      return call("program:kexec", {
        argv: ["kexec", "--load-jump-back", `--entry=${entryText(kernel)}`],
      });
    },
    then: (kernel, _vars, answer) =>
      answer === 0 ? next : failWith(kernel, 1, "go_to_hibernate: the way back cannot be loaded"),
  },
  {
    name: "jump back",
    run: () => call("program:kexec", { argv: ["kexec", "-e"] }),
    then: (kernel, _vars, answer) => {
      if (answer !== 0) return failWith(kernel, 1, "go_to_hibernate: cannot jump back");
      const { received = KJUMP_COMMAND.none } = kernel.state.commandJump ?? {};
      // Whoever comes without a command finds B ready, and is sent back.
      return received === KJUMP_COMMAND.writeImage ? next : goto("jump back");
    },
  },
];

const WRITE: readonly Step[] = [
  {
    name: "device",
    run: (_kernel, vars) => {
      delete vars["dump"];
      return call("partition_place", { partition: numberOf(vars["partition"]) });
    },
    then: (_kernel, vars, answer) => {
      if (isError(answer)) return abort(vars, `cannot open khdev: ${reasonOf(answer)}`);
      vars["place"] = answer;
      return next;
    },
  },
  {
    name: "first block",
    run: (_kernel, vars) => call("khdev_read_block", { place: { ...placeOf(vars) } }),
    then: (kernel, vars, answer) => {
      if (isError(answer)) return abort(vars, `cannot read khdev: ${reasonOf(answer)}`);
      sayDevice(kernel, numberOf(vars["partition"]), fromHex(textOf(answer)));
      vars["crc"] = sayFirmwareMap(kernel);
      return next;
    },
  },
  must(
    "header",
    "write the header",
    (kernel, vars) => writeHeader(placeOf(vars), headerOf(kernel, vars, 0)),
  ),
  {
    name: "makedumpfile",
    run: (kernel, vars) =>
      call("dump_write", {
        output: `/dev/${partitionName(numberOf(vars["partition"]))}`,
        level: DUMP_LEVEL.free,
        entry: entryText(kernel),
        raw: {
          firstSector: placeOf(vars).firstSector,
          block: KHDEV_IMAGE_OFFSET / PAGE_BYTES,
          blocks: blocksOf(placeOf(vars)),
        },
      }),
    then: (_kernel, vars, answer) => {
      vars["dump"] = answer;
      if (fieldOf(answer, "status") === 0) return next;
      const [line] = listOf(fieldOf(answer, "lines"));
      return abort(vars, typeof line === "string" ? line : "makedumpfile failed");
    },
  },
  must(
    "jump-back parameter",
    "write the header",
    (kernel, vars) => writeHeader(placeOf(vars), headerOf(kernel, vars, 0)),
  ),
  must("flush image", "flush", () => call("khdev_flush")),
  must("valid mark", "write the valid mark", (kernel, vars) => {
    const { id, sha256: digest, kernel: of, lengthBytes } = headerOf(kernel, vars, KHDEV_VALID);
    kernel.fact("image", {
      op: "commit",
      id,
      ...(of === "" ? {} : { of }),
      digest,
      device: partitionName(numberOf(vars["partition"])),
      bytes: lengthBytes,
    });
    return writeHeader(placeOf(vars), headerOf(kernel, vars, KHDEV_VALID));
  }),
  must("flush mark", "flush", () => call("khdev_flush")),
  {
    name: "enter S4",
    run: (kernel, vars) => {
      const pages = numberOf(fieldOf(vars["dump"], "pages"));
      kernel.print(`go_to_hibernate: ${pages} pages saved on ${describe(vars)}`);
      return call("sys_reboot_hibernate");
    },
    then: (kernel) => failWith(kernel, 1, "go_to_hibernate: the machine does not switch off"),
  },
  {
    name: "abort",
    run: (kernel, vars) => {
      const id = fieldOf(vars["dump"], "id");
      const of = fieldOf(vars["dump"], "of");
      if (typeof id === "string") {
        kernel.fact("image", { op: "abort", id, ...(typeof of === "string" ? { of } : {}) });
      }
      kernel.complain(`go_to_hibernate: ${textOf(vars["message"])}; going back`);
      if (vars["place"] === undefined) return goto("jump back");
      return writeHeader(placeOf(vars), headerOf(kernel, { ...vars, crc: vars["crc"] ?? 0 }, 0));
    },
    then: () => goto("jump back"),
  },
];

function describe(vars: Vars): string {
  return `/dev/${partitionName(numberOf(vars["partition"]))}`;
}

/** `program:go_to_hibernate {argv}`. */
const goToHibernate = procedure("program:go_to_hibernate", [...BEGIN, ...WRITE]);

/** Procedures of this program, and of the hibernating partition. */
export const GO_TO_HIBERNATE_PROCEDURES: readonly Procedure[] = [
  goToHibernate,
  ...KHDEV_PROCEDURES,
];
