/**
 * What is on a disk: partitions, NVRAM, file systems, the memory image and its state.
 *
 * @module
 */
import { FormatError, UsageError } from "../../machine/errors.ts";
import { PARTITION, WORKSHOP_PARTITION } from "../../machine/formats/disk_layout.ts";
import { EXT2_STATE, type Ext2Image, isDirectory } from "../../machine/formats/ext2/mod.ts";
import { type Partition, PARTITION_TYPE, SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import type { DiskFile } from "./disk_file.ts";
import { khdevSections } from "./inspect_images.ts";
import { type AreaBytes, areaOf, swapSections } from "./inspect_swap.ts";
import type { Inspection, Section } from "./inspection.ts";
import { readSavedImage, type SavedImage } from "./saved_image.ts";
import { countText, hexText, plural, sizeText } from "./values.ts";

const KHDEV_MAGIC = "KJKHDEV1";

type Row = readonly [string, string];

const NAMES: Readonly<Record<number, string>> = {
  [PARTITION.boot]: "boot",
  [PARTITION.root]: "A's root",
  [PARTITION.hibernating]: "hibernating",
  [PARTITION.nvram]: "NVRAM",
  [WORKSHOP_PARTITION.thirdRoot]: "third root",
  [WORKSHOP_PARTITION.swap]: "swap",
  [WORKSHOP_PARTITION.raw]: "raw",
  [WORKSHOP_PARTITION.hibernating]: "hibernating",
};

/** A partition and its number. */
type Numbered = readonly [number: number, partition: Partition];

/** UTC, without the host's time zone. */
function dateText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace(".000", "");
}

function partitionRow([number, partition]: Numbered): Row {
  const { type, firstSector, sectorCount, bootable } = partition;
  const name = type === PARTITION_TYPE.extended ? "extended" : NAMES[number] ?? "?";
  return [
    `${number}${bootable ? "*" : ""}`,
    `type ${hexText(type)}, ${sizeText(sectorCount * SECTOR_BYTES)} from sector ` +
    `${countText(firstSector)}: ${name}`,
  ];
}

/** Rows, or why there are none. */
function attempt(read: () => Row[]): Row[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return [["unreadable", error.message]];
    throw error;
  }
}

function nvramRows(file: DiskFile): Row[] {
  const record = file.nvram();
  return [
    [
      "machine",
      `${record.hardwareProfile}, ${sizeText(record.memoryBytes)}, ` +
      plural(record.cpuCount, "processor"),
    ],
    ["hardware signature", hexText(record.hardwareSignature)],
    ["clock", dateText(record.rtcSeconds)],
    ["sleep type", `S${record.sleepType}`],
    ["boot default", record.bootDefault],
    ["sequence", String(record.sequence)],
  ];
}

function superblockRows(image: Ext2Image): Row[] {
  const info = image.superblock();
  const clean = (info.state & EXT2_STATE.valid) !== 0;
  return [
    ["name", info.volumeName],
    ["state", `${clean ? "clean" : "not unmounted"}, mounted ${plural(info.mountCount, "time")}`],
    ["revision", String(info.revision)],
    ["blocks", `${countText(info.blockCount)} of 4 KiB, ${countText(info.freeBlocks)} free`],
    ["inodes", `${countText(info.inodeCount)}, ${countText(info.freeInodes)} free`],
    ["last mount", dateText(info.mountTime)],
  ];
}

function fileRows(image: Ext2Image): Row[] {
  return image.list().map(({ path, inode }): Row => [
    path,
    isDirectory(inode) ? "folder" : plural(inode.size, "byte"),
  ]);
}

function imageRows(image: SavedImage | undefined): Row[] {
  if (image === undefined) return [["state", "there is none"]];
  const { state, path, bytes, pages, segments, manifest, check } = image;
  const words = {
    ready: "committed: the next resume takes it",
    used: "used: a resume has taken it",
    unfinished: "not committed: no resume takes it",
  };
  const sums = check.missing ??
    (check.wrong === 0
      ? `all ${plural(check.sums, "sum")} agree`
      : `${check.wrong} of ${check.sums} wrong, the first at file offset ` +
        `${hexText(check.fileOffset ?? 0)}` +
        (check.physical === undefined ? "" : `, physical address ${hexText(check.physical)}`));
  return [
    ["state", words[state]],
    ["file", `${path}, ${plural(bytes, "byte")}`],
    ["memory", `${plural(pages, "page")} in ${plural(segments, "segment")}`],
    ["SHA-256", image.sha256],
    ["manifest", sums],
    ...(manifest === undefined ? [] : [
      ["id", manifest.id] as const,
      ["entry", manifest.entry] as const,
      ["dump level", String(manifest.level)] as const,
    ]),
  ];
}

function fileSystemSections(file: DiskFile, number: number): Section[] {
  const title = `Partition ${number}, ext2`;
  const rows = attempt(() => superblockRows(file.fileSystem(number)));
  const files = attempt(() => fileRows(file.fileSystem(number)));
  return [{ title, rows }, { title: `Files of partition ${number}`, rows: files }];
}

/** What an area without a file system holds, or why that is not known. */
function areaSections(
  file: DiskFile,
  { firstSector, sectorCount }: Partition,
  title: string,
  sections: (area: AreaBytes, title: string) => Section[],
): Section[] {
  const area = areaOf(file, firstSector * SECTOR_BYTES, sectorCount * SECTOR_BYTES);
  try {
    return sections(area, title);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return [{ title, rows: [["unreadable", error.message]] }];
  }
}

/** Whether v7's header stands at the beginning of a partition. */
function isKhdev(file: DiskFile, { firstSector }: Partition): boolean {
  const magic = file.read(firstSector * SECTOR_BYTES, KHDEV_MAGIC.length);
  return new TextDecoder("latin1").decode(magic) === KHDEV_MAGIC;
}

/** What is in the partitions that have something to look at. */
function contentSections(file: DiskFile, partitions: readonly Numbered[]): Section[] {
  return partitions.flatMap(([number, partition]): Section[] => {
    if (isKhdev(file, partition)) {
      return areaSections(file, partition, `Partition ${number}, khdev`, khdevSections);
    }
    if (partition.type === PARTITION_TYPE.linux) return fileSystemSections(file, number);
    if (partition.type !== PARTITION_TYPE.swap) return [];
    return areaSections(file, partition, `Partition ${number}, swap`, swapSections);
  });
}

function checkWhole(file: DiskFile, partitions: readonly Numbered[]): void {
  const ends = partitions.map(([, { firstSector, sectorCount }]) => firstSector + sectorCount);
  const end = Math.max(0, ...ends) * SECTOR_BYTES;
  if (end <= file.byteLength) return;
  throw new UsageError(
    `'${file.path}' is truncated: its partitions end at byte ${end}, the file at ` +
      String(file.byteLength),
  );
}

/**
 * @throws {FormatError} if there is no partition table.
 * @throws {UsageError} if the file ends before its partitions do.
 */
export function inspectDisk(file: DiskFile): Inspection {
  const mbr = file.mbr();
  const partitions = [...file.partitions()];
  checkWhole(file, partitions);
  const nvram = attempt(() => nvramRows(file));
  const image = attempt(() => imageRows(readSavedImage(file)));
  const state = image.find(([name]) => name === "state")?.[1] ?? "unreadable";
  return {
    kind: "disk image",
    about: `a disk of ${sizeText(file.byteLength)} with ` +
      `${plural(partitions.length, "partition")}; memory image: ${state}`,
    sections: [
      {
        title: "Partition table",
        rows: [["signature", hexText(mbr.diskSignature)], ...partitions.map(partitionRow)],
      },
      { title: "NVRAM", rows: nvram },
      ...contentSections(file, partitions),
      { title: "Memory image", rows: image },
    ],
  };
}
