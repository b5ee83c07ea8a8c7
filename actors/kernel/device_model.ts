/**
 * Drivers and the phases of device power management (protocol.md B.5.3): prepare goes parents
 * first, the freezing phases children first, the restoring ones parents first, complete children
 * first. Registers are saved in the kernel's memory on freeze and programmed again on restore.
 *
 * `dpm_suspend_start` and `dpm_suspend_end` take the message under which devices go down (`event`:
 * FREEZE, QUIESCE, HIBERNATE or SUSPEND), `dpm_resume_start` and `dpm_resume_end` the one under
 * which they come back (THAW, RECOVER, RESTORE or RESUME). Without one they are those by which the
 * profile quiesces for a jump.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { sha256 } from "../../machine/digest.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { fieldsOf, grantsOf } from "./values.ts";
import {
  childrenFirst,
  isDown,
  levelBefore,
  levelOf,
  phaseAfter,
  type PhaseName,
  phaseName,
  type Place,
  type PmMessage,
  programs,
} from "./device_phases.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { ask, call, done, type Next, next, type Procedure, procedure } from "./procedure.ts";
import type { DriverState, Vars } from "./state.ts";

/** Pages of the network card's descriptor ring. */
const RING_PAGES = 1;
const RING_SLOTS = 8;
/** A descriptor: buffer address u64, length u32, status u32. */
const DESCRIPTOR_BYTES = 16;

/** The device tree: parents stand before their children. */
const DEVICES = [
  { device: "pci", program: { busMaster: 1 } },
  { device: "rtc", program: { rate: 1 } },
  { device: "console", program: { divisor: 1 } },
  { device: "disk", parent: "pci", program: { commandBase: 1, interrupts: 1 } },
  { device: "network", parent: "pci", program: { ringSize: RING_SLOTS } },
] as const;

/** `mem_map` flag of kernel pages. */
const KERNEL_PAGE = 4;

/** Drivers that take part in a phase, in its order. */
function participants(kernel: Kernel, phase: string): DriverState[] {
  const needed = levelBefore(phase);
  const drivers = kernel.state.drivers.filter((driver) =>
    driver.probed && (needed === undefined || levelOf(driver.phase) === needed)
  );
  return childrenFirst(phase) ? drivers.reverse() : drivers;
}

function driverOf(kernel: Kernel, vars: Vars): DriverState {
  const name = vars["device"];
  const driver = kernel.state.drivers.find((candidate) => candidate.device === name);
  if (driver === undefined) throw new Error(`No driver for '${String(name)}'`);
  return driver;
}

function digestOf(registers: Plain): string {
  return sha256(JSON.stringify(registers)).slice(0, 16);
}

/**
 * Whether a phase programs a device again. Those at the root, on which others hang, come back in
 * the first phase up they take part in, which after a failure may be a late one; the others in
 * `restore`. A thaw finds the registers as the freeze left them.
 */
function bringsRegisters(driver: DriverState, phase: string): boolean {
  if (driver.saved === undefined || !programs(phase)) return false;
  return driver.parent === undefined || phase === "restore" || phase === "resume";
}

/**
 * Suspend callbacks take the power away through ACPI's methods; without ACPI, and from devices
 * that hang from no bus with power management, they do not.
 */
function lowPower(kernel: Kernel, driver: DriverState, phase: string): { low_power?: false } {
  if (!phase.startsWith("suspend")) return {};
  return kernel.state.acpi === undefined || driver.parent === undefined ? { low_power: false } : {};
}

function finishPhase(kernel: Kernel, vars: Vars, answer: Plain): Next {
  const fields = fieldsOf(answer);
  const driver = driverOf(kernel, vars);
  const phase = textOf(vars["phase"]);
  const result = numberOf(fields["result"]);
  kernel.fact("phase", {
    device: driver.device,
    ...(driver.parent === undefined ? {} : { parent: driver.parent }),
    name: phase as PhaseName,
    message: textOf(vars["event"]) as PmMessage,
    powered: fields["powered"] === true,
    wake_armed: fields["wake_armed"] === true,
    result,
  });
  if (isDown(phase) && result < 0) return done(result);
  if (result < 0) kernel.note(`PM: ${driver.device}: ${phase} failed: error ${result}`);
  if (phase === "freeze" || phase === "suspend") {
    driver.saved = fields["registers"] ?? {};
    kernel.fact("save", { what: "device", device: driver.device, digest: digestOf(driver.saved) });
  }
  if (bringsRegisters(driver, phase)) {
    delete driver.saved;
    const digest = digestOf(fields["registers"] ?? {});
    // What a device has that refused is not what was given to it.
    if (result === 0) kernel.fact("restore", { what: "device", device: driver.device, digest });
  }
  driver.phase = phaseAfter(driver.phase, phase);
  return { do: "goto", step: "each" };
}

/** Whether the driver of the disk empties its cache before this callback (protocol.md B.5.6 Q3). */
function flushesFirst(driver: DriverState, vars: Vars): boolean {
  return driver.device === "disk" && vars["flushed"] !== true &&
    (vars["phase"] === "poweroff" || vars["flush"] === true);
}

/**
 * `dpm_phase {phase, event, flush?}`: one phase over all devices; returns 0, or on the way down
 * the first error. `flush` has the disk's cache emptied before its callback.
 */
const dpmPhase = procedure("dpm_phase", [
  {
    name: "each",
    run: (kernel, vars) => {
      const phase = textOf(vars["phase"]);
      const asked = Array.isArray(vars["asked"]) ? vars["asked"] : [];
      const driver = participants(kernel, phase).find((one) => !asked.includes(one.device));
      if (driver === undefined) return done();
      if (flushesFirst(driver, vars)) return { do: "goto", step: "flush" };
      vars["asked"] = [...asked, driver.device];
      vars["device"] = driver.device;
      const brings = bringsRegisters(driver, phase);
      return ask(driver.device, "device.phase", {
        by: kernel.name,
        phase,
        event: textOf(vars["event"]),
        ...lowPower(kernel, driver, phase),
        ...(brings && driver.saved !== undefined ? { registers: driver.saved } : {}),
      });
    },
    then: finishPhase,
  },
  {
    name: "flush",
    run: (kernel, vars) => {
      vars["flushed"] = true;
      return ask("disk", "disk.flush", { by: kernel.name });
    },
    then: () => ({ do: "goto", step: "each" }),
  },
]);

/** What a caller left open: the message by which this kernel quiesces, and the one back. */
function messageOf(kernel: Kernel, vars: Vars, way: "down" | "up"): PmMessage {
  const given = vars["event"];
  if (typeof given === "string") return given as PmMessage;
  // The kernel's command line can have what its author planned, or the misuse.
  const words = kernel.state.commandLine.split(/\s+/);
  const suspends = words.includes("kexec_quiesce=suspend") ||
    (kernel.profile.quiesce === "suspend" && !words.includes("kexec_quiesce=apart"));
  if (way === "down") return suspends ? "SUSPEND" : "FREEZE";
  return suspends ? "RESUME" : "RESTORE";
}

/** Phases one after the other under one message, `event`; ends with the first error down. */
function phases(name: string, way: "down" | "up", list: readonly [string, Place][]): Procedure {
  return procedure(
    name,
    list.map(([step, place]) => ({
      name: step,
      run: (kernel: Kernel, vars: Vars) => {
        const event = messageOf(kernel, vars, way);
        return call("dpm_phase", { phase: phaseName(event, place), event });
      },
      then: (_kernel: Kernel, _vars: Vars, answer: Plain): Next =>
        typeof answer === "number" && answer < 0 ? done(answer) : next,
    })),
  );
}

/** The message under which a failing dpm_suspend_end takes its own phases back. */
function recovery(kernel: Kernel, vars: Vars): PmMessage {
  return messageOf(
    kernel,
    { ...(vars["recover"] === undefined ? {} : { event: vars["recover"] }) },
    "up",
  );
}

/**
 * `dpm_suspend_end {event?, recover?}`: the late phases; undoes its own when one fails, under the
 * message `recover`.
 */
const suspendEnd = procedure("dpm_suspend_end", [
  {
    name: "freeze_late",
    run: (kernel, vars) => {
      const event = messageOf(kernel, vars, "down");
      return call("dpm_phase", { phase: phaseName(event, "late"), event });
    },
    then: (_kernel, vars, answer) => {
      vars["result"] = answer;
      return typeof answer === "number" && answer < 0 ? { do: "goto", step: "undo_early" } : next;
    },
  },
  {
    name: "freeze_noirq",
    run: (kernel, vars) => {
      const event = messageOf(kernel, vars, "down");
      return call("dpm_phase", { phase: phaseName(event, "noirq"), event });
    },
    then: (_kernel, vars, answer) => {
      vars["result"] = answer;
      return typeof answer === "number" && answer < 0 ? next : done();
    },
  },
  {
    name: "undo_noirq",
    run: (kernel, vars) => {
      const event = recovery(kernel, vars);
      return call("dpm_phase", { phase: phaseName(event, "noirq"), event });
    },
  },
  {
    name: "undo_early",
    run: (kernel, vars) => {
      const event = recovery(kernel, vars);
      return call("dpm_phase", { phase: phaseName(event, "early"), event });
    },
    then: (_kernel, vars) => done(numberOf(vars["result"])),
  },
]);

/** `device_shutdown {flush?}`: the way of no return. */
const shutdown = procedure("device_shutdown", [{
  name: "shutdown",
  run: (_kernel, vars) =>
    call("dpm_phase", {
      phase: "shutdown",
      event: "HIBERNATE",
      ...(vars["flush"] === true ? { flush: true } : {}),
    }),
}]);

/** Receive descriptors: each names a buffer page behind the ring. */
function writeRing(access: Access, ring: number): void {
  const page = access.writable(ring, PAGE_BYTES);
  page.fill(0);
  const view = new DataView(page.buffer, page.byteOffset, PAGE_BYTES);
  for (let slot = 0; slot < RING_SLOTS; slot++) {
    view.setBigUint64(slot * DESCRIPTOR_BYTES, BigInt(ring + (slot + 1) * PAGE_BYTES), true);
    view.setUint32(slot * DESCRIPTOR_BYTES + 8, PAGE_BYTES, true);
  }
}

/** A driver finds its device and programs it. */
const probeDevices = procedure("probe_devices", [
  {
    name: "ring",
    run: (kernel) => {
      const ring = kernel.allocate({
        pages: RING_PAGES + RING_SLOTS,
        flags: KERNEL_PAGE,
        owner: 0,
        from: kernel.windowEndPfn(),
        contiguous: true,
      })?.[0];
      kernel.state.drivers = DEVICES.map((entry): DriverState => ({
        device: entry.device,
        ...("parent" in entry ? { parent: entry.parent } : {}),
        probed: false,
        program: entry.device === "network"
          ? { ...entry.program, ringBase: (ring?.pfn ?? 0) * PAGE_BYTES }
          : entry.program,
        phase: "active",
      }));
      if (ring === undefined) return next;
      const ranges = [{ start: ring.pfn * PAGE_BYTES, length: PAGE_BYTES }];
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (_kernel, _vars, answer, access) => {
      const [grant] = grantsOf(answer);
      if (grant !== undefined) writeRing(access, grant.start);
      return next;
    },
  },
  {
    name: "each",
    run: (kernel, vars) => {
      const driver = kernel.state.drivers.find((one) => !one.probed);
      if (driver === undefined) return done();
      vars["device"] = driver.device;
      return ask(driver.device, "device.probe", {
        by: kernel.name,
        registers: driver.program,
        ...(kernel.profile.probePowersUp ? {} : { power_on: false }),
      });
    },
    then: (kernel, vars, answer) => {
      const driver = driverOf(kernel, vars);
      driver.probed = true;
      if (numberOf(fieldsOf(answer)["result"]) < 0) kernel.print(`${driver.device}: probe failed`);
      return { do: "goto", step: "each" };
    },
  },
]);

/** Procedures of the device model. */
export const DEVICE_PROCEDURES: readonly Procedure[] = [
  dpmPhase,
  phases("dpm_suspend_start", "down", [["prepare", "prepare"], ["freeze", "main"]]),
  suspendEnd,
  phases("dpm_resume_start", "up", [["restore_noirq", "noirq"], ["restore_early", "early"]]),
  phases("dpm_resume_end", "up", [["restore", "main"], ["complete", "complete"]]),
  shutdown,
  probeDevices,
];
