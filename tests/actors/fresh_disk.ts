/**
 * A small machine with a fresh disk, and a processor that enters stamped programs: what the tests
 * of firmware, boot loader and disk builder have in common.
 */
import { type HardwareActor, hardwareActors, type HardwareSetup } from "../../actors/hardware.ts";
import {
  buildDisk,
  type DiskBuild,
  type DiskSource,
  writeDisk,
} from "../../actors/disk_image/build_disk.ts";
import { syntheticInitramfs } from "../../actors/disk_image/synthetic_initramfs.ts";
import { syntheticKernel } from "../../actors/disk_image/synthetic_kernel.ts";
import type { AnyBehaviour, Envelope, Out } from "../../machine/actor.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { actorOf } from "./bench.ts";

const MIB = 1024 ** 2;

export const MEMORY_BYTES = 64 * MIB;
export const REAL_SECONDS = 1_200_000_000;

export const SETUP: HardwareSetup = {
  hardwareProfile: "small-vm",
  memoryBytes: MEMORY_BYTES,
  cpuCount: 1,
  realBaseUs: REAL_SECONDS * 1e6,
};

export const KERNEL = syntheticKernel({ arch: "i386", version: 2627, profile: "2.6.27" });
export const INITRAMFS = syntheticInitramfs();
export const COMMAND_LINE = "root=/dev/hda2 console=tty0";

/** What the disk of most tests is built from. */
export const SOURCE: DiskSource = {
  memoryBytes: MEMORY_BYTES,
  cpuCount: 1,
  hardwareProfile: "small-vm",
  kernelBytes: { bzImage: KERNEL, initramfs: INITRAMFS },
  loaderEntries: [
    { name: "linux", kernel: "/vmlinuz", initrd: "/rootfs.img", append: COMMAND_LINE },
    { name: "bare", kernel: "/vmlinuz", initrd: "", append: "" },
    { name: "broken", kernel: "/loader.conf", initrd: "", append: "" },
    { name: "gone", kernel: "/boot/none", initrd: "", append: "" },
  ],
  rootFiles: [
    { path: "/etc/motd", data: new TextEncoder().encode("welcome\n"), mode: 0o600 },
  ],
  realSeconds: REAL_SECONDS,
  seed: 1,
  diskSignature: 0x6b6a_0001,
};

/** A medium with that disk. */
export function mediumOf(build: DiskBuild = buildDisk(SOURCE)): MemoryMedium {
  const medium = new MemoryMedium(FlatStore.make(build.byteLength));
  writeDisk(medium, build);
  return medium;
}

export const CPU: HardwareActor = { name: "cpu", behaviour: "plain_cpu", config: null };

/** The hardware of a machine, processor included. */
export function machine(setup: Partial<HardwareSetup> = {}): HardwareActor[] {
  return [...hardwareActors({ ...SETUP, ...setup }), CPU];
}

/** What the processor was told. */
export interface Told {
  readonly entries: Record<string, unknown>[];
  readonly halts: string[];
}

/**
 * A processor that starts the boot loader for the boot sector, and for anything else asks
 * `kernel` what to start; without it the run goes idle there.
 */
export function plainCpu(told: Told, kernel?: (out: Out) => void): AnyBehaviour {
  const entered = ({ source, body }: Envelope, out: Out) => {
    told.entries.push({ source, ...body });
    if (Reflect.get(body, "entry") !== 0x7c00) {
      if (source === "loader") out.dispose("loader");
      kernel?.(out);
      return;
    }
    out.spawn("loader", "boot_loader", null);
    const argument = Number(Reflect.get(body, "argument"));
    out.send("loader", "program.start", { entry: 0x7c00, sp: 0x7c00, word: 0, argument });
  };
  return actorOf("plain_cpu", "cpu", (envelope, out) => {
    if (envelope.type === "cpu.enter") entered(envelope, out);
    if (envelope.type === "cpu.halt") told.halts.push(String(Reflect.get(envelope.body, "reason")));
  });
}
