/**
 * Builds a fresh disk offline (DESIGN.md 3): master boot record with the boot loader, boot
 * partition, A's root, an empty hibernating partition, and the firmware's first NVRAM record. The
 * workshop layout also has a third root, a swap area and a raw partition. The same arguments give
 * the same bytes.
 *
 * @module
 */
import { sha256Bytes } from "../../machine/digest.ts";
import { UsageError } from "../../machine/errors.ts";
import {
  diskLayout,
  type DiskLayoutName,
  diskSectorCount,
  logicalLayout,
  PARTITION,
  WORKSHOP_PARTITION,
} from "../../machine/formats/disk_layout.ts";
import { emitEbrs, FIRST_LOGICAL } from "../../machine/formats/ebr.ts";
import {
  BLOCK_BYTES,
  buildExt2,
  Ext2Error,
  type FileToBuild,
} from "../../machine/formats/ext2/mod.ts";
import { emitMbr, type Partition, SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import { emitNvramSlot, nvramSlotOffset } from "../../machine/formats/nvram.ts";
import { emitSwapHeader, newSwapHeader } from "../../machine/formats/swap_header.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { hardwareSignature } from "../../machine/hardware_profile.ts";
import type { Medium } from "../../machine/medium.ts";
import { emitLoaderConf, LOADER_CONF_PATH, type LoaderEntry } from "../boot_loader/loader_conf.ts";
import { bootLoaderCode } from "./loader_program.ts";

/** A file of A's root. */
export interface RootFile {
  readonly path: string;
  readonly data: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** A further kernel on the boot partition. */
export interface BootKernel {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a disk is built from. */
export interface DiskSource {
  readonly memoryBytes: number;
  /** How the disk is divided: the standard layout unless given. */
  readonly layout?: DiskLayoutName;
  readonly cpuCount: number;
  /** Name of a hardware profile. */
  readonly hardwareProfile: string;
  readonly kernelBytes: {
    /** The machine's own kernel. */
    readonly bzImage: Uint8Array;
    readonly initramfs: Uint8Array;
    /** The kernel that hibernates and resumes it, where that is another one. */
    readonly jumpKernel?: Uint8Array;
  };
  /** Kernels that menu entries name besides the machine's own. */
  readonly bootKernels?: readonly BootKernel[];
  /** The boot menu; at least one entry. */
  readonly loaderEntries: readonly LoaderEntry[];
  /** Name of the preselected entry; the first one unless given. */
  readonly defaultEntry?: string;
  /** More files for partition 2. */
  readonly rootFiles: readonly RootFile[];
  /** Wall clock in s since 1970: of files, file systems and RTC. */
  readonly realSeconds: number;
  /** Decides the file systems' UUIDs. */
  readonly seed: number;
  /** 32 bits in the MBR. */
  readonly diskSignature: number;
  /** FACS hardware signature in NVRAM; that of the profile and sizes unless given. */
  readonly signature?: number;
}

/** Bytes at an offset of the disk. */
export interface DiskWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A disk as what of it is not zero. */
export interface DiskBuild {
  readonly byteLength: number;
  readonly writes: Iterable<DiskWrite>;
}

/** Where the builder puts kernel and ramdisk, by partition. */
export const DISK_PATHS = {
  boot: { kernel: "/vmlinuz", jumpKernel: "/vmlinuz-jump", initrd: "/rootfs.img" },
  root: { kernel: "/boot/bzImage", initrd: "/boot/rootfs.gz" },
} as const;

const MODE = 0o644;

/** A UUID of version 4's form that seed and name decide. */
function uuidOf(seed: number, name: string): Uint8Array {
  const uuid = sha256Bytes(new TextEncoder().encode(`${seed} ${name}`)).slice(0, 16);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

function* fileSystem(
  source: DiskSource,
  partition: Partition,
  volumeName: string,
  files: readonly FileToBuild[],
): Generator<DiskWrite, void> {
  const start = partition.firstSector * SECTOR_BYTES;
  const blocks = filled(volumeName, () =>
    buildExt2({
      blockCount: Math.floor(partition.sectorCount * SECTOR_BYTES / BLOCK_BYTES),
      volumeName,
      uuid: uuidOf(source.seed, volumeName),
      time: source.realSeconds,
      files,
    }));
  for (const { block, bytes } of blocks) yield { offset: start + block * BLOCK_BYTES, bytes };
}

function filled<T>(volumeName: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof Ext2Error)) throw error;
    throw new UsageError(`Cannot fill partition '${volumeName}': ${error.message}`);
  }
}

function bootFiles(source: DiskSource): FileToBuild[] {
  const { loaderEntries, kernelBytes, defaultEntry = loaderEntries[0]?.name ?? "" } = source;
  const conf = emitLoaderConf({ defaultEntry, entries: loaderEntries });
  const { jumpKernel } = kernelBytes;
  const more = jumpKernel === undefined
    ? []
    : [{ path: DISK_PATHS.boot.jumpKernel, mode: MODE, data: jumpKernel }];
  return [
    ...more,
    ...(source.bootKernels ?? []).map(({ path, bytes }) => ({ path, mode: MODE, data: bytes })),
    { path: LOADER_CONF_PATH, mode: MODE, data: new TextEncoder().encode(conf) },
    { path: DISK_PATHS.boot.kernel, mode: MODE, data: kernelBytes.bzImage },
    { path: DISK_PATHS.boot.initrd, mode: MODE, data: kernelBytes.initramfs },
  ];
}

/** What both roots have: the kernel that hibernates or restores the machine, and its ramdisk. */
function kernelFiles({ kernelBytes }: DiskSource): FileToBuild[] {
  return [
    {
      path: DISK_PATHS.root.kernel,
      mode: MODE,
      data: kernelBytes.jumpKernel ?? kernelBytes.bzImage,
    },
    { path: DISK_PATHS.root.initrd, mode: MODE, data: kernelBytes.initramfs },
  ];
}

function nvramWrite(source: DiskSource, partition: Partition): DiskWrite {
  const { hardwareProfile, memoryBytes, cpuCount } = source;
  const bytes = emitNvramSlot({
    sequence: 0,
    rtcSeconds: source.realSeconds,
    hardwareSignature: source.signature ?? hardwareSignature(source),
    sleepType: 5,
    hardwareProfile,
    memoryBytes,
    cpuCount,
    bootDefault: source.defaultEntry ?? source.loaderEntries[0]?.name ?? "",
  });
  return { offset: partition.firstSector * SECTOR_BYTES + nvramSlotOffset(0), bytes };
}

/** A swap area as mkswap leaves it. */
function swapArea(source: DiskSource, partition: Partition): DiskWrite {
  const header = newSwapHeader({
    pages: partition.sectorCount * SECTOR_BYTES / PAGE_BYTES,
    uuid: uuidOf(source.seed, "swap"),
    label: "swap",
  });
  return { offset: partition.firstSector * SECTOR_BYTES, bytes: emitSwapHeader(header) };
}

/** The chain of logical partitions, and what is in them. */
function* workshop(source: DiskSource, extended: Partition): Generator<DiskWrite, void> {
  const logical = logicalLayout(source);
  for (const { sector, bytes } of emitEbrs(extended, logical)) {
    yield { offset: sector * SECTOR_BYTES, bytes };
  }
  const at = (number: number) => partitionAt(logical, number - FIRST_LOGICAL + 1);
  yield* fileSystem(source, at(WORKSHOP_PARTITION.thirdRoot), "third", kernelFiles(source));
  yield swapArea(source, at(WORKSHOP_PARTITION.swap));
  yield* fileSystem(source, at(WORKSHOP_PARTITION.hibernating), "hibernate", []);
}

function partitionAt(partitions: readonly Partition[], number: number): Partition {
  const partition = partitions[number - 1];
  if (partition === undefined) throw new RangeError(`No partition ${number} in the layout`);
  return partition;
}

/**
 * A fresh disk. File systems are made as they are asked for, so an error may come out of the
 * iteration.
 *
 * @throws {UsageError} if a file system is too small for its files.
 */
export function buildDisk(source: DiskSource): DiskBuild {
  const partitions = diskLayout(source);
  const at = (number: number) => partitionAt(partitions, number);
  function* writes(): Generator<DiskWrite, void> {
    const { diskSignature } = source;
    yield { offset: 0, bytes: emitMbr({ bootCode: bootLoaderCode(), diskSignature, partitions }) };
    yield* fileSystem(source, at(PARTITION.boot), "boot", bootFiles(source));
    yield* fileSystem(source, at(PARTITION.root), "root", [
      ...kernelFiles(source),
      ...source.rootFiles,
    ]);
    if (source.layout === "workshop") yield* workshop(source, at(WORKSHOP_PARTITION.extended));
    else yield* fileSystem(source, at(PARTITION.hibernating), "hibernate", []);
    yield nvramWrite(source, at(PARTITION.nvram));
  }
  return {
    byteLength: diskSectorCount(partitions) * SECTOR_BYTES,
    writes: { [Symbol.iterator]: writes },
  };
}

/**
 * Puts a disk on a blank medium.
 *
 * @throws {UsageError} if the medium is too small.
 */
export function writeDisk(medium: Medium, build: DiskBuild): void {
  if (medium.byteLength < build.byteLength) {
    throw new UsageError(
      `Cannot write a disk of ${build.byteLength} bytes on a medium of ${medium.byteLength}`,
    );
  }
  for (const { offset, bytes } of build.writes) medium.write(offset, bytes);
  medium.sync();
}
