/**
 * go_to_resume: the script of C's initramfs (protocol.md B.2.4, B.7.3). The image on khdev is
 * checked, marked as used up, written back into memory and entered; whatever is wrong with it
 * before that, C goes on as an ordinary boot.
 *
 * `khdev_noinvalidate` on the command line leaves the mark alone, as the posting's own text does:
 * the image can then be entered a second time, after A has gone on (G.1).
 *
 * @module
 */
import {
  KHDEV_VALID,
  KHDEV_VERSION,
  type KhdevHeader,
  parseKhdevHeader,
} from "../../machine/formats/khdev_header.ts";
import { fromHex } from "../../machine/hex.ts";
import { sleepOption } from "../kernel/acpi_sleep_hardware.ts";
import { type PartitionPlace, PLACE } from "../kernel/block_devices.ts";
import { ERRNO } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { commandText, resumeCommand } from "../kernel/kjump_chains_command.ts";
import {
  call,
  done,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { fieldOf, isError, readAs } from "../kernel/values.ts";
import { failWith, reasonOf } from "./command_line.ts";
import {
  headerIn,
  khdevPartition,
  sayFirmwareMap,
  signatureOf,
  writeHeader,
} from "./go_to_khdev.ts";
import { KHDEV_RESTORE_PROCEDURES, restoreVars } from "./go_to_restore.ts";

/** Ends the script: C stays an ordinary kernel. */
function ordinary(kernel: Kernel, message: string): Next {
  return failWith(kernel, 1, `go_to_resume: ${message}`);
}

function headerOf(vars: Vars): KhdevHeader {
  return parseKhdevHeader(fromHex(textOf(vars["block"])));
}

function placeOf(vars: Vars): PartitionPlace {
  return readAs(PLACE, vars["place"]);
}

function image({ id, kernel }: KhdevHeader): { id: string; of?: string } {
  return kernel === "" ? { id } : { id, of: kernel };
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** One comparison: says it, and gives what is wrong. */
function compare(
  kernel: Kernel,
  what: "signature" | "version" | "e820" | "hardware",
  stored: number,
  found: number,
  message: string,
): string | undefined {
  const obeyed = what !== "hardware" || sleepOption(kernel.state.commandLine, "s4_hwsig");
  const wrong = stored !== found && obeyed;
  kernel.fact("header_check", {
    what,
    stored: hex(stored),
    found: hex(found),
    result: wrong ? (what === "e820" ? -ERRNO.ENODEV : -ERRNO.EINVAL) : 0,
    ...(what === "hardware" ? { obeyed } : {}),
  });
  if (stored !== found && !obeyed) kernel.print(`go_to_resume: warning: ${message}`);
  return wrong ? message : undefined;
}

/** What keeps this machine from using the image, in the order in which it is looked at. */
function faultOf(kernel: Kernel, header: KhdevHeader): string | undefined {
  const signature = signatureOf(kernel);
  return compare(kernel, "version", header.version, KHDEV_VERSION, "another version's image") ??
    compare(kernel, "signature", header.valid, KHDEV_VALID, "the image is not valid") ??
    compare(kernel, "e820", header.e820Crc, sayFirmwareMap(kernel), "another memory map") ??
    (header.hardwareSignature === 0 || signature === 0 ? undefined : compare(
      kernel,
      "hardware",
      header.hardwareSignature,
      signature,
      "the hardware is not the one that was saved",
    ));
}

const LOOK: readonly Step[] = [
  {
    name: "device",
    run: (kernel) => {
      const partition = khdevPartition(kernel);
      if (typeof partition === "string") return ordinary(kernel, partition);
      return call("partition_place", { partition });
    },
    then: (kernel, vars, answer) => {
      if (isError(answer)) return ordinary(kernel, `khdev: ${reasonOf(answer)}`);
      vars["place"] = answer;
      return next;
    },
  },
  {
    name: "header",
    run: (_kernel, vars) => call("khdev_read_block", { place: { ...placeOf(vars) } }),
    then: (kernel, vars, answer) => {
      if (isError(answer)) return ordinary(kernel, `khdev: ${reasonOf(answer)}`);
      const header = headerIn(fromHex(textOf(answer)));
      const stored = typeof header === "string" ? "none" : "KJKHDEV1";
      kernel.fact("header_check", {
        what: "magic",
        stored,
        found: "KJKHDEV1",
        result: typeof header === "string" ? -ERRNO.EINVAL : 0,
      });
      if (typeof header === "string") {
        kernel.fact("image", { op: "check", id: "none" });
        return ordinary(kernel, `no image: ${header}`);
      }
      kernel.fact("image", { op: "check", ...image(header) });
      const fault = faultOf(kernel, header);
      if (fault !== undefined) return ordinary(kernel, `no image: ${fault}`);
      vars["block"] = textOf(answer);
      return next;
    },
  },
  {
    name: "plan",
    run: (_kernel, vars) =>
      call("khdev_restore", { ...restoreVars(placeOf(vars), headerOf(vars)), only: "plan" }),
    then: (kernel, _vars, answer) => {
      if (isError(answer)) return ordinary(kernel, reasonOf(answer));
      return fieldOf(answer, "status") === 0
        ? next
        : ordinary(kernel, textOf(fieldOf(answer, "message")));
    },
  },
];

const RESTORE: readonly Step[] = [
  {
    name: "invalidate",
    run: (kernel, vars) => {
      const leave = /(?:^|\s)khdev_noinvalidate(?=\s|$)/.test(kernel.state.commandLine);
      if (leave) return goto("krestore");
      kernel.fact("image", { op: "invalidate", ...image(headerOf(vars)) });
      return writeHeader(placeOf(vars), { ...headerOf(vars), valid: 0 });
    },
    then: (kernel, _vars, answer) =>
      isError(answer) ? ordinary(kernel, `cannot invalidate: ${reasonOf(answer)}`) : next,
  },
  {
    name: "flush",
    run: () => call("khdev_flush"),
    then: (kernel, _vars, answer) =>
      isError(answer) ? ordinary(kernel, `cannot invalidate: ${reasonOf(answer)}`) : next,
  },
  {
    name: "krestore",
    run: (_kernel, vars) => call("khdev_restore", restoreVars(placeOf(vars), headerOf(vars))),
    then: (kernel, vars, answer) => {
      if (isError(answer)) return ordinary(kernel, reasonOf(answer));
      if (fieldOf(answer, "status") !== 0) {
        return ordinary(kernel, `${textOf(fieldOf(answer, "message"))}; A is lost`);
      }
      const found = textOf(fieldOf(answer, "sha256"));
      const { sha256: stored } = headerOf(vars);
      kernel.fact("header_check", {
        what: "crc",
        stored: stored.slice(0, 16),
        found: found.slice(0, 16),
        result: stored === found ? 0 : -ERRNO.ENODATA,
      });
      if (stored !== found) return ordinary(kernel, "the image is damaged; A is lost");
      kernel.fact("image", { op: "load", ...image(headerOf(vars)) });
      return next;
    },
  },
  {
    name: "way back",
    run: (_kernel, vars) =>
      call("program:kexec", {
        argv: ["kexec", "--load-jump-back", `--entry=${hex(headerOf(vars).entry)}`],
      }),
    then: (kernel, _vars, answer) =>
      answer === 0 ? next : ordinary(kernel, "the entry cannot be loaded; A is lost"),
  },
  {
    name: "jump",
    run: (kernel) =>
      call("program:kexec", {
        argv: ["kexec", "-e", "-c", commandText(resumeCommand(kernel))],
      }),
    then: (kernel, _vars, answer) => {
      kernel.print("go_to_resume: the jump did not happen; A is lost");
      return done(numberOf(answer) === 0 ? 1 : answer);
    },
  },
];

/** `program:go_to_resume {argv}`: comes back, with 1, only where there is nothing to resume. */
const goToResume = procedure("program:go_to_resume", [...LOOK, ...RESTORE]);

/** Procedures of this program. */
export const GO_TO_RESUME_PROCEDURES: readonly Procedure[] = [
  goToResume,
  ...KHDEV_RESTORE_PROCEDURES,
];
