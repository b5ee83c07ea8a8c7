/**
 * The disk at a moment, or the memory image that stands on it, as a file beside the run. Both are
 * what would be found if the power went at that moment: the medium, without the drive's cache.
 *
 * A file is written beside its place and renamed, so that half of one is never given away.
 *
 * @module
 */
import { EMPTY_CACHE, SECTOR_BYTES } from "../../machine/block_store.ts";
import { type Partition, PARTITION_TYPE } from "../../machine/formats/mbr.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import type { MadeFile } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import { RUN_FILES } from "../runs/run_record.ts";
import { type DiskView, filesOf, type FoundFile } from "./disk_files.ts";
import { filledSectors, readPartitions, viewsOf } from "./disk_map.ts";
import type { Moment, Session, Turn } from "./session.ts";

/** Names of a memory image, the one that counts first. */
const IMAGE_NAMES = [
  "/dump.elf",
  "/dump.elf.used",
  "/dump.elf.part",
  "khdev image",
] as const;

/** Sectors that are written at a time. */
const PIECE_SECTORS = 2048;

/** Files of this kind that are kept of a run; the oldest go first. */
const FILES_KEPT = 8;
const OWN_NAME = /^(?:disk-\d+\.img|image-\d+\.elf)$/;

/** Where a file is made, and for whom. */
export interface ImageOrder {
  /** The run's folder. */
  readonly folder: string;
  readonly run: string;
  readonly what: "disk" | "elf";
}

interface Piece {
  readonly sector: number;
  readonly count: number;
  /** Where it goes in the file. */
  readonly offset: number;
}

interface Content {
  readonly bytes: number;
  readonly pieces: Iterable<Piece>;
}

function* cut(pieces: Iterable<Piece>): Generator<Piece> {
  for (const { sector, count, offset } of pieces) {
    for (let done = 0; done < count; done += PIECE_SECTORS) {
      yield {
        sector: sector + done,
        count: Math.min(PIECE_SECTORS, count - done),
        offset: offset + done * SECTOR_BYTES,
      };
    }
  }
}

function* inFile(runs: FoundFile["runs"]): Generator<Piece> {
  let offset = 0;
  for (const { sector, count } of runs) {
    yield { sector, count, offset };
    offset += count * SECTOR_BYTES;
  }
}

/** The image on a disk; the partitions are looked through in their order, name by name. */
function findImage(
  view: DiskView,
  partitions: ReadonlyMap<number, Partition>,
): FoundFile | undefined {
  const found = [...partitions.values()]
    .filter(({ type }) => type === PARTITION_TYPE.linux || type === PARTITION_TYPE.nonFileSystem)
    .flatMap((partition) => filesOf(view, partition));
  const images = IMAGE_NAMES.flatMap((name) => found.filter(({ path }) => path === name));
  return images.find(({ bytes }) => bytes > 0);
}

function contentOf(session: Session, view: DiskView, what: "disk" | "elf"): Content {
  const { medium } = session.blocks;
  if (what === "disk") {
    if (!(medium instanceof MemoryMedium)) throw new TypeError("A replay's disk is in memory");
    const pieces = filledSectors(medium.store).map(({ sector, count }) => ({
      ...{ sector, count },
      offset: sector * SECTOR_BYTES,
    }));
    return { bytes: medium.byteLength, pieces };
  }
  const image = findImage(view, readPartitions(view));
  if (image === undefined) {
    throw new ProblemError(
      "unknown-blob",
      "There is no memory image on the disk at that moment; take one behind the saving of an " +
        "image, in a run of a system that saves an ELF file.",
    );
  }
  return { bytes: image.bytes, pieces: inFile(image.runs) };
}

async function writeSparse(
  path: string,
  { bytes, pieces }: Content,
  view: DiskView,
  turn: Turn,
): Promise<void> {
  using file = Deno.openSync(path, { write: true, create: true, truncate: true });
  file.truncateSync(bytes);
  for (const { sector, count, offset } of cut(pieces)) {
    const content = view.read(sector, count).subarray(0, Math.max(0, bytes - offset));
    file.seekSync(offset, Deno.SeekMode.Start);
    for (let done = 0; done < content.length;) done += file.writeSync(content.subarray(done));
    await turn();
  }
}

/** Removes the oldest of the files that were made here, all but the given one. */
function forgetOldest(folder: string, made: string): void {
  const own = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => OWN_NAME.test(name) && name !== made)
    .map((name) => ({ name, time: Deno.statSync(`${folder}/${name}`).mtime?.getTime() ?? 0 }))
    .sort((left, right) => right.time - left.time);
  for (const { name } of own.slice(FILES_KEPT - 1)) Deno.removeSync(`${folder}/${name}`);
}

/**
 * Makes the file; one that is there already is made again, for the run may have been another.
 *
 * @throws {ProblemError} `unknown-blob` if there is no image on the disk.
 */
export async function makeImage(
  session: Session,
  { at }: Moment,
  { folder, run, what }: ImageOrder,
  turn: Turn,
): Promise<MadeFile> {
  const view = viewsOf(session, EMPTY_CACHE).medium;
  const content = contentOf(session, view, what);
  const name = what === "disk" ? `disk-${at}.img` : `image-${at}.elf`;
  const exports = `${folder}/${RUN_FILES.exports}`;
  const path = `${exports}/${name}`;
  const part = `${path}.part`;
  Deno.mkdirSync(exports, { recursive: true });
  try {
    await writeSparse(part, content, view, turn);
    Deno.renameSync(part, path);
    forgetOldest(exports, name);
  } catch (error) {
    try {
      Deno.removeSync(part);
    } catch {
      // It was not there yet, or is gone with the run.
    }
    throw error;
  }
  return {
    path,
    bytes: content.bytes,
    mediaType: "application/octet-stream",
    fileName: `${run}-${name}`,
  };
}
