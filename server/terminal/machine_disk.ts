/**
 * What a disk says about its machine: that is all a resume is given (DESIGN.md 3).
 *
 * @module
 */
import {
  type KernelProfile,
  kernelProfile,
  profileOfVersion,
} from "../../actors/kernel/profiles.ts";
import { DISK_PATHS } from "../../actors/disk_image/build_disk.ts";
import { IMAGE_FILES, IMAGE_ROOT } from "../../actors/programs/image_manifest.ts";
import { Sha256 } from "../../machine/digest.ts";
import { FormatError, UsageError } from "../../machine/errors.ts";
import { bzImageLoadBytes } from "../../machine/formats/bzimage.ts";
import { diskLayout, PARTITION } from "../../machine/formats/disk_layout.ts";
import { Ext2Error } from "../../machine/formats/ext2/mod.ts";
import { SECTOR_BYTES } from "../../machine/formats/mbr.ts";
import { NVRAM_BYTES, type NvramRecord } from "../../machine/formats/nvram.ts";
import { parseStamp, STAMP_BYTES } from "../../machine/formats/stamp.ts";
import { DiskFile } from "./disk_file.ts";
import { sizeText } from "./values.ts";

/** A machine as its disk describes it. */
export interface DiskMachine {
  readonly nvram: NvramRecord;
  /** Profile of the kernel in the boot partition. */
  readonly profile: KernelProfile;
  /** Digest of partition table, NVRAM and the image's manifest: which machine, at which moment. */
  readonly identity: string;
}

const MANIFEST = IMAGE_FILES.manifest.slice(IMAGE_ROOT.length);

function identityOf(disk: DiskFile): string {
  const hash = new Sha256();
  hash.update(disk.read(0, SECTOR_BYTES));
  hash.update(disk.read(disk.partition(PARTITION.nvram).firstSector * SECTOR_BYTES, NVRAM_BYTES));
  const image = disk.fileSystem(disk.hibernating());
  if (image.inodeAt(MANIFEST) !== undefined) hash.update(image.fileAt(MANIFEST));
  return hash.hex();
}

/** The profile of a kernel: in the stamp of our own, else the one real kernels are given. */
function profileIn(bzImage: Uint8Array): KernelProfile {
  const stamp = parseStamp(bzImageLoadBytes(bzImage).subarray(0, STAMP_BYTES));
  const known = stamp === undefined ? undefined : profileOfVersion(stamp.version);
  return known ?? kernelProfile("6.1-cured");
}

function checkLayout(disk: DiskFile, { memoryBytes }: NvramRecord): void {
  const { partitions } = disk.mbr();
  const fits = (["standard", "workshop"] as const).some((layout) =>
    diskLayout({ memoryBytes, layout }).every(({ firstSector, sectorCount }, index) =>
      partitions[index]?.firstSector === firstSector &&
      partitions[index]?.sectorCount === sectorCount
    )
  );
  if (fits) return;
  throw new FormatError(
    "disk image",
    446,
    `its partitions are not those of a machine with ${sizeText(memoryBytes)}, as its NVRAM says`,
  );
}

/**
 * Reads what a disk says.
 *
 * @throws {UsageError} if it is no disk of a machine of this laboratory.
 */
export function machineOnDisk(path: string): DiskMachine {
  using disk = new DiskFile(path);
  try {
    const nvram = disk.nvram();
    checkLayout(disk, nvram);
    const bzImage = disk.fileSystem(PARTITION.boot).fileAt(DISK_PATHS.boot.kernel);
    return { nvram, profile: profileIn(bzImage), identity: identityOf(disk) };
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof Ext2Error)) throw error;
    throw new UsageError(
      `'${path}' is no disk of a machine of this laboratory: ${error.message}; ` +
        "'hibernate --stop-at power-off' makes one",
      { cause: error },
    );
  }
}
