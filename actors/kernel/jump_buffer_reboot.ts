/**
 * The reboot(2) commands of the RFC of August 2007 (protocol.md A.5, B.1) and of v4, which made
 * one of the two (B.2.7).
 *
 * KJUMP_TO leaves for the image in the reserved region; a return unwinds the ladder with 0, as in
 * `kernel_kexec`. KJUMP_BACK gives low memory back what the backup has and enters the original
 * kernel through the jump buffer whose number the kernel's file shows: who calls it ends. A number
 * that is not that of a jump buffer is refused with EINVAL before anything is quiesced; a real
 * kernel would have jumped to a wrong place.
 *
 * @module
 */
import { fromHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { endOf, parseSize } from "../../machine/formats/e820.ts";
import { JUMP_BUFFER_STACK_OFFSET, parseJumpBuffer } from "../../machine/formats/jump_buffer.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { parameter } from "./boot.ts";
import { crashImage } from "./crash_slot.ts";
import { ERRNO } from "./errno.ts";
import { jumpBufferOf, pfnText } from "./jump_buffer.ts";
import { LOCK_RUNG, QUIESCE_RUNGS } from "./kernel_kexec.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { KEXEC_FLAG } from "./load_checks.ts";
import {
  ask,
  call,
  done,
  fail,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { fieldsOf } from "./values.ts";

/** Bytes below the hole of the ISA bus: what a backup has. */
export const LOW_BYTES = 640 * 1024;
/** Pages one message copies. */
const COPY_PAGES = LOW_BYTES / PAGE_BYTES;

const kjumpTo = procedure("kernel_kjump_to", [
  LOCK_RUNG,
  {
    name: "crash image",
    run: (kernel) => crashImage(kernel) === null ? fail(ERRNO.EINVAL) : next,
  },
  ...QUIESCE_RUNGS,
  {
    name: "machine_kexec",
    run: () => call("machine_kexec", { slot: "crash" }),
    then: () => fail(0),
  },
]);

/** reboot(LINUX_REBOOT_CMD_KJUMP_TO). */
const rebootTo = procedure("sys_reboot_kjump_to", [{
  name: "kernel_kjump_to",
  run: (kernel) => {
    if (!kernel.profile.jumpBuffer) return fail(ERRNO.EINVAL);
    const image = crashImage(kernel);
    kernel.fact("exec", {
      loaded: image !== null,
      preserve: true,
      start: `0x${(image?.start ?? 0).toString(16)}`,
      slot: "crash",
    });
    return call("kernel_kjump_to");
  },
  then: (kernel, _vars, answer) => {
    const result = typeof answer === "number" ? answer : 0;
    kernel.fact("exec_done", { result });
    return done(result);
  },
}]);

/** Whether a page lies in memory of the machine. */
function isMemory(kernel: Kernel, pfn: number): boolean {
  return kernel.state.firmwareMap.some((entry) =>
    entry.type === 1 && entry.start <= pfn * PAGE_BYTES && (pfn + 1) * PAGE_BYTES <= endOf(entry)
  );
}

function notBuffer(kernel: Kernel, pfn: number, why: string): Next {
  kernel.print(`kjump: page frame ${pfnText(pfn)} is no jump buffer: ${why}`);
  return fail(ERRNO.EINVAL);
}

/** Looks at the page before anything is done that cannot be taken back. */
const jumpBuffer: Step = {
  name: "jump buffer",
  run: (kernel) => {
    const { shown, pfn: own } = jumpBufferOf(kernel);
    if (!isMemory(kernel, shown)) return notBuffer(kernel, shown, "there is no memory");
    if (shown === own) return notBuffer(kernel, shown, "it is this kernel's own");
    const address = shown * PAGE_BYTES;
    return ask("memory", "memory.read", { by: kernel.name, address, length: PAGE_BYTES });
  },
  then: (kernel, vars, answer) => {
    const { shown } = jumpBufferOf(kernel);
    try {
      const bytes = fromHex(textOf(fieldsOf(answer)["bytes"]));
      const buffer = parseJumpBuffer(bytes, shown * PAGE_BYTES);
      vars["entry"] = buffer.entry;
      vars["page"] = buffer.page;
      return next;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return notBuffer(kernel, shown, error.message);
    }
  },
};

/** Where `kexec_backup=` says low memory is kept; undefined without it. */
export function backupAddress(commandLine: string): number | undefined {
  const text = parameter(commandLine, "kexec_backup");
  const address = text === undefined ? undefined : parseSize(text);
  return address === undefined || address % PAGE_BYTES !== 0 ? undefined : address;
}

const lowMemory: Step = {
  name: "low memory",
  run: (kernel) => {
    const backup = backupAddress(kernel.state.commandLine);
    if (backup === undefined) {
      kernel.print("kjump: no kexec_backup=, low memory stays as it is");
      return next;
    }
    const from = (backup / PAGE_BYTES).toString(16);
    const pairs = `0:${from}+${COPY_PAGES.toString(16)}`;
    return ask("memory", "memory.copy", { by: kernel.name, pairs });
  },
};

const leave: Step = {
  name: "leave",
  run: (kernel, vars: Vars) => {
    kernel.fact("jump_buffer", { op: "use", pfn: pfnText(jumpBufferOf(kernel).shown) });
    kernel.state.label = "leaving";
    kernel.out.send("cpu", "cpu.enter", {
      entry: numberOf(vars["entry"]),
      // The word on the stack is the zero that stands in the buffer: nobody called.
      sp: numberOf(vars["page"]) + JUMP_BUFFER_STACK_OFFSET,
      word: 0,
      argument: 0,
      preserve: false,
    });
    return { do: "leave" };
  },
};

const kjumpBack = procedure("kernel_kjump_back", [
  LOCK_RUNG,
  jumpBuffer,
  ...QUIESCE_RUNGS,
  lowMemory,
  leave,
]);

/** reboot(LINUX_REBOOT_CMD_KJUMP_BACK). */
const rebootBack = procedure("sys_reboot_kjump_back", [{
  name: "kernel_kjump_back",
  run: (kernel) => kernel.profile.jumpBuffer ? call("kernel_kjump_back") : fail(ERRNO.EINVAL),
  then: (_kernel, _vars, answer) => done(typeof answer === "number" ? answer : 0),
}]);

/**
 * reboot(LINUX_REBOOT_CMD_KJUMP) of v4: one command for both directions. With an image it is
 * executed; without one, the address in kexec_jump_back_entry is entered.
 */
const rebootKjump = procedure("sys_reboot_kjump", [
  {
    name: "helper",
    run: (kernel) => {
      if (!kernel.profile.jumpBackFile) return fail(ERRNO.EINVAL);
      const entry = kernel.state.jumpBackEntry ?? 0;
      if (kernel.state.image !== null || entry === 0) return next;
      return call("sys_kexec_load", {
        segments: [{ mem: 0, memsz: 0, bufsz: 0, buffer: [] }],
        entry,
        flags: KEXEC_FLAG.preserveContext,
      });
    },
    then: (_kernel, _vars, answer) =>
      typeof answer === "number" && answer < 0 ? done(answer) : next,
  },
  {
    name: "kernel_kexec",
    run: () => call("sys_reboot_kexec"),
    then: (_kernel, _vars, answer) => done(typeof answer === "number" ? answer : 0),
  },
]);

/** Procedures of this file. */
export const JUMP_BUFFER_PROCEDURES: readonly Procedure[] = [
  kjumpTo,
  kjumpBack,
  rebootTo,
  rebootBack,
  rebootKjump,
];
