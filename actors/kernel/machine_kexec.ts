/**
 * machine_kexec (protocol.md C.7): from here on nothing can fail and nothing is allocated. The
 * kernel's state goes into its own pages, the relocate code into the control page; then the
 * processor is left. What comes back comes back into a new actor that read those pages.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { codePageIndex } from "../../machine/formats/control_page.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { layoutOf } from "./boot.ts";
import { controlCode } from "./control_code.ts";
import { departureSteps, sayLeaving } from "./departure.ts";
import { ERRNO } from "./errno.ts";
import { type Departure, jumpBufferDeparture, jumpBufferPage } from "./jump_buffer.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { ask, done, fail, next, type Procedure, procedure } from "./procedure.ts";
import type { KexecImage, Vars } from "./state.ts";
import { statePagesNeeded } from "./state_pages.ts";
import { fieldsOf } from "./values.ts";

/** The step that leaves, and at which the kernel goes on. */
const LEAVE = "leave";

/** The image that is loaded; callers have checked that there is one. */
export function imageOf(kernel: Kernel): KexecImage {
  const { image } = kernel.state;
  if (image === null) throw new Error(`Kernel ${kernel.name} has no image loaded`);
  return image;
}

/** Where a kernel leaves from and to what: by its image, or (RFC) through its jump buffer. */
function departureOf(kernel: Kernel, vars: Vars): Departure {
  if (vars["slot"] === "crash") return jumpBufferDeparture(kernel);
  const { preserve, head, start, swapPfn, controlPfn } = imageOf(kernel);
  const control = (controlPfn + codePageIndex(kernel.profile.arch)) * PAGE_BYTES;
  return { preserve, head, start, control, swap: swapPfn * PAGE_BYTES };
}

/** What is to stand at the control address: the code, in a jump buffer its record as well. */
function controlBytes(kernel: Kernel, vars: Vars): Uint8Array {
  const { arch, version, pushesEntry } = kernel.profile;
  const state = layoutOf(kernel).state.pfn * PAGE_BYTES;
  const code = controlCode(arch, version, state, pushesEntry);
  if (vars["slot"] !== "crash") return code;
  return jumpBufferPage(kernel, code, { state, context: layoutOf(kernel).context });
}

/** Before the point of no return: enough pages for the state, so that none are wanted later. */
const reserveState = procedure("reserve_state_pages", [
  {
    name: "reserve",
    run: (kernel) => {
      const layout = layoutOf(kernel);
      const needed = statePagesNeeded(kernel);
      if (needed <= layout.state.count) return done();
      const run = kernel.allocate({
        pages: needed,
        flags: 4,
        owner: 0,
        from: kernel.windowEndPfn(),
        contiguous: true,
      })?.[0];
      if (run === undefined) return fail(ERRNO.ENOMEM);
      kernel.release([layout.state]);
      layout.state = run;
      return done();
    },
  },
]);

const machineKexec: Procedure = procedure("machine_kexec", [
  {
    name: "save_processor_state",
    run: (kernel, vars) => {
      kernel.fact("point_of_no_return", { preserve: departureOf(kernel, vars).preserve });
      return ask("cpu", "cpu.save_context", { address: layoutOf(kernel).context });
    },
    then: (kernel, vars, answer) => {
      const digest = textOf(fieldsOf(answer)["digest"]);
      vars["digest"] = digest;
      if (departureOf(kernel, vars).preserve) kernel.fact("save", { what: "cpu", digest });
      return next;
    },
  },
  {
    name: "legacy interrupts",
    run: (kernel, vars) => {
      if (departureOf(kernel, vars).preserve) kernel.fact("ioapic", { mode: "legacy" });
      return next;
    },
  },
  {
    name: "control page",
    run: (kernel, vars) =>
      ask("memory", "memory.write", {
        by: kernel.name,
        address: departureOf(kernel, vars).control,
        bytes: toHex(controlBytes(kernel, vars)),
      }),
  },
  ...departureSteps({ goesOnAt: leaveStep }),
  {
    name: LEAVE,
    run: (kernel, vars) => {
      const departure = departureOf(kernel, vars);
      sayLeaving(kernel, departure.preserve);
      kernel.state.label = "leaving";
      kernel.out.send("cpu", "cpu.run_control_page", {
        ...departure,
        argument: 0,
        state: layoutOf(kernel).state.pfn * PAGE_BYTES,
      });
      return { do: "leave" };
    },
    then: (kernel, vars, answer) => {
      if (vars["slot"] === "crash") return next;
      imageOf(kernel).start = numberOf(fieldsOf(answer)["peer"]);
      kernel.state.peerEntry = imageOf(kernel).start;
      imageOf(kernel).returned = true;
      vars["start"] = imageOf(kernel).start;
      return next;
    },
  },
  {
    name: "restore_processor_state",
    run: (kernel) =>
      ask("cpu", "cpu.restore_context", {
        address: layoutOf(kernel).context,
        reload_gdt: kernel.profile.reloadsGdt,
      }),
    then: (kernel, vars, answer) => {
      if (vars["slot"] !== "crash") {
        kernel.fact("image_start", { start: `0x${numberOf(vars["start"]).toString(16)}` });
      }
      kernel.fact("restore", { what: "cpu", digest: textOf(fieldsOf(answer)["digest"]) });
      return next;
    },
  },
  {
    name: "clock",
    run: () => ask("rtc", "rtc.read", {}),
    then: (kernel, _vars, answer) => {
      // The rtc's registers are its own battery's: it answers before its driver is restored.
      const { monotonic } = kernel.state.clock;
      kernel.state.clock = { at: kernel.out.now, monotonic };
      kernel.state.realAtClock = numberOf(fieldsOf(answer)["real_us"]);
      kernel.fact("clock", { op: "enter", monotonic, real: kernel.state.realAtClock });
      return done();
    },
  },
]);

function leaveStep(): number {
  return machineKexec.steps.findIndex(({ name }) => name === LEAVE);
}

/** Procedures of machine_kexec. */
export const MACHINE_KEXEC_PROCEDURES: readonly Procedure[] = [reserveState, machineKexec];
