/**
 * Drivers and the phases of device power management (protocol.md B.5.3): prepare goes parents
 * first, the freezing phases children first, the restoring ones parents first, complete children
 * first. Registers are saved in the kernel's memory on freeze and programmed again on restore.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { sha256 } from "../../machine/digest.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { Fact } from "../../machine/protocol/facts.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { fieldsOf, grantsOf } from "./values.ts";
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

type PhaseName = Fact<"phase">["name"];
type PhaseEvent = Fact<"phase">["message"];

/** Where a driver stands after a phase, and where it must stand to take part in one. */
const DOWN: Readonly<Record<string, string>> = {
  prepare: "active",
  freeze: "prepare",
  freeze_late: "freeze",
  freeze_noirq: "freeze_late",
};
const UP: Readonly<Record<string, readonly [string, string]>> = {
  restore_noirq: ["freeze_noirq", "freeze_late"],
  restore_early: ["freeze_late", "freeze"],
  restore: ["freeze", "prepare"],
  complete: ["prepare", "active"],
};
const CHILDREN_FIRST = new Set(["freeze", "freeze_late", "freeze_noirq", "complete", "shutdown"]);

/** Drivers that take part in a phase, in its order. */
function participants(kernel: Kernel, phase: string): DriverState[] {
  const needed = UP[phase]?.[0] ?? DOWN[phase];
  const drivers = kernel.state.drivers.filter((driver) =>
    driver.probed && (needed === undefined || driver.phase === needed)
  );
  return CHILDREN_FIRST.has(phase) ? drivers.reverse() : drivers;
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
 * `restore`.
 */
function bringsRegisters(driver: DriverState, phase: string): boolean {
  if (driver.saved === undefined || UP[phase] === undefined) return false;
  return driver.parent === undefined || phase === "restore";
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
    message: textOf(vars["event"]) as PhaseEvent,
    powered: fields["powered"] === true,
    wake_armed: fields["wake_armed"] === true,
    result,
  });
  const down = DOWN[phase] !== undefined;
  if (down && result < 0) return done(result);
  if (phase === "freeze") {
    driver.saved = fields["registers"] ?? {};
    kernel.fact("save", { what: "device", device: driver.device, digest: digestOf(driver.saved) });
  }
  if (bringsRegisters(driver, phase)) {
    delete driver.saved;
    const registers = fields["registers"] ?? {};
    kernel.fact("restore", {
      what: "device",
      device: driver.device,
      digest: digestOf(registers),
    });
  }
  driver.phase = UP[phase]?.[1] ?? (down ? phase : driver.phase);
  return { do: "goto", step: "each" };
}

/** One phase over all devices; returns 0, or on the way down the first error. */
const dpmPhase = procedure("dpm_phase", [
  {
    name: "each",
    run: (kernel, vars) => {
      const phase = textOf(vars["phase"]);
      const asked = Array.isArray(vars["asked"]) ? vars["asked"] : [];
      const driver = participants(kernel, phase).find((one) => !asked.includes(one.device));
      if (driver === undefined) return done();
      vars["asked"] = [...asked, driver.device];
      vars["device"] = driver.device;
      const brings = bringsRegisters(driver, phase);
      return ask(driver.device, "device.phase", {
        by: kernel.name,
        phase,
        event: textOf(vars["event"]),
        ...(brings && driver.saved !== undefined ? { registers: driver.saved } : {}),
      });
    },
    then: finishPhase,
  },
]);

function phases(name: string, list: readonly string[], event: string): Procedure {
  return procedure(
    name,
    list.map((phase) => ({
      name: phase,
      run: () => call("dpm_phase", { phase, event }),
      then: (_kernel: Kernel, _vars: Vars, answer: Plain): Next =>
        typeof answer === "number" && answer < 0 ? done(answer) : next,
    })),
  );
}

/** dpm_suspend_end undoes its own phases when one fails. */
const suspendEnd = procedure("dpm_suspend_end", [
  {
    name: "freeze_late",
    run: () => call("dpm_phase", { phase: "freeze_late", event: "FREEZE" }),
    then: (_kernel, vars, answer) => {
      vars["result"] = answer;
      return typeof answer === "number" && answer < 0 ? { do: "goto", step: "undo_early" } : next;
    },
  },
  {
    name: "freeze_noirq",
    run: () => call("dpm_phase", { phase: "freeze_noirq", event: "FREEZE" }),
    then: (_kernel, vars, answer) => {
      vars["result"] = answer;
      return typeof answer === "number" && answer < 0 ? next : done();
    },
  },
  {
    name: "undo_noirq",
    run: () => call("dpm_phase", { phase: "restore_noirq", event: "RESTORE" }),
  },
  {
    name: "undo_early",
    run: () => call("dpm_phase", { phase: "restore_early", event: "RESTORE" }),
    then: (_kernel, vars) => done(numberOf(vars["result"])),
  },
]);

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
      return ask(driver.device, "device.probe", { by: kernel.name, registers: driver.program });
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
  phases("dpm_suspend_start", ["prepare", "freeze"], "FREEZE"),
  suspendEnd,
  phases("dpm_resume_start", ["restore_noirq", "restore_early"], "RESTORE"),
  phases("dpm_resume_end", ["restore", "complete"], "RESTORE"),
  phases("device_shutdown", ["shutdown"], "HIBERNATE"),
  probeDevices,
];
