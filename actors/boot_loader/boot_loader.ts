/**
 * The boot loader: what runs when the bytes at 0x7c00 carry its stamp. It finds the boot
 * partition, reads its menu, lets a person choose, loads a kernel and its ramdisk, writes the
 * zero page and enters the kernel.
 *
 * An entry of the menu may also name a saved image: then it puts the image's pages in place itself
 * and enters the kernel in it, without another one (resume_stage.ts).
 *
 * All it knows it takes from RAM and disk: partition table from the boot sector, memory map from
 * the address it is started with, RSDP by the search that the specification gives. It uses the
 * firmware's disk service, as real loaders do. What it cannot read it says in one sentence on
 * the console, and the processor stops.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import {
  type AnyBehaviour,
  type Behaviour,
  type Envelope,
  type Out,
  seal,
} from "../../machine/actor.ts";
import { FormatError } from "../../machine/errors.ts";
import { findRsdp } from "../../machine/formats/acpi/walk.ts";
import { hibernatingNumber, PARTITION } from "../../machine/formats/disk_layout.ts";
import { parseE820Counted } from "../../machine/formats/e820_table.ts";
import { parseMbr, PARTITION_TYPE } from "../../machine/formats/mbr.ts";
import { FETCH, fetched, fetchGranted, LOOK, look, looked, showMenu } from "./file_stage.ts";
import {
  askRename,
  enterImage,
  FLUSH,
  RENAME,
  renameGranted,
  WORD,
  WRITE_BACK,
  writeBackGranted,
  written,
} from "./invalidate_stage.ts";
import { BY, fail, freshLoader, type LoaderState, print } from "./loader_state.ts";
import { handedOver, moved, moveGranted } from "./move_stage.ts";
import {
  askSums,
  beginResume,
  CHECK,
  checkGranted,
  CLEAR,
  PLACE,
  placed,
  placeGranted,
  refuseResume,
  resumeLooked,
} from "./resume_stage.ts";

const TABLES = "tables";
const BOOT_SECTOR = { start: 0x7c00, length: 512 };
const BIOS_DATA = { start: 0x400, length: 0x100 };
/** Where the EBDA, with the memory map, and the BIOS area with RSDP are. */
const UPPER = { start: 0x8_0000, length: 0x8_0000 };
const E820_BYTES_MAX = 4 + 128 * 20;

function readTables(state: LoaderState, access: Access): void {
  const { partitions } = parseMbr(access.read(BOOT_SECTOR.start, BOOT_SECTOR.length));
  const boot = partitions[PARTITION.boot - 1];
  if (boot === undefined || boot.type !== PARTITION_TYPE.linux) {
    throw new FormatError("mbr", 446, "partition 1 is no Linux partition");
  }
  state.firstSector = boot.firstSector;
  state.bootSector = boot.firstSector;
  const image = partitions[PARTITION.hibernating - 1];
  state.imageSector = image?.type === PARTITION_TYPE.linux ? image.firstSector : 0;
  state.imagePartition = hibernatingNumber(image?.type);
  const inUpper = state.e820Address >= UPPER.start &&
    state.e820Address + E820_BYTES_MAX <= UPPER.start + UPPER.length;
  if (!inUpper) throw new FormatError("e820 table", 0, "the firmware gave no address of it");
  state.e820 = parseE820Counted(access.read(state.e820Address, E820_BYTES_MAX));
  state.rsdpAddress = findRsdp((address, length) => access.read(address, length)) ?? 0;
}

function tablesGranted(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): void {
  out.send("memory", "memory.release", { grants: body.grants });
  try {
    readTables(state, access);
  } catch (error) {
    if (error instanceof FormatError) return fail(state, out, error.message);
    throw error;
  }
  state.stage = "config";
  look(state, out);
}

function granted(
  state: LoaderState,
  envelope: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): LoaderState {
  const { tag } = envelope.body;
  if (tag === TABLES) tablesGranted(state, envelope, out, access);
  else if (tag === LOOK && isResuming(state)) resumeLooked(state, envelope, out, access);
  else if (tag === LOOK) looked(state, envelope, out, access);
  else if (tag === FETCH) fetchGranted(state, envelope, out);
  else if (tag === CHECK) checkGranted(state, envelope, out, access);
  else if (tag === RENAME) renameGranted(state, envelope, out, access);
  else if (tag.startsWith(PLACE)) placeGranted(state, envelope, out);
  else if (tag.startsWith(WRITE_BACK)) writeBackGranted(state, envelope, out);
  else moveGranted(state, envelope, out);
  return state;
}

function isResuming({ stage }: LoaderState): boolean {
  return stage === "chain" || stage === "image" || stage === "extents";
}

function diskDone(state: LoaderState, envelope: Envelope<"disk.done">, out: Out): LoaderState {
  const { tag, result } = envelope.body;
  if (tag.startsWith(PLACE)) placed(state, envelope, out);
  else if (tag.startsWith(WRITE_BACK) || tag === FLUSH) written(state, envelope, out);
  else if (tag === FETCH && state.resume !== null) {
    const { grants } = envelope.body;
    out.send("memory", "memory.release", { grants });
    state.waiting--;
    if (result < 0) refuseResume(state, out, `the disk reports error ${result} on its partition`);
    else if (state.waiting === 0 && state.stage === "invalidating") askRename(state, out);
    else if (state.waiting === 0) look(state, out);
  } else if (tag === FETCH) fetched(state, envelope, out);
  else moved(state, envelope, out);
  return state;
}

function memoryDone(state: LoaderState, { body }: Envelope<"memory.done">, out: Out): LoaderState {
  if (body.tag === CLEAR) askSums(state, out);
  else if (body.tag === WORD) enterImage(state, out);
  else handedOver(state, out);
  return state;
}

function choose(state: LoaderState, { body }: Envelope<"loader.choose">, out: Out): LoaderState {
  const { conf } = state;
  if (conf === null) return state;
  const name = body.entry === "" ? conf.defaultEntry : body.entry;
  const chosen = conf.entries.find((entry) => entry.name === name);
  if (chosen === undefined) {
    print(out, `There is no entry '${name}'.`);
    showMenu(state, out);
    return state;
  }
  state.chosen = chosen;
  if (chosen.resume !== undefined) {
    beginResume(state, chosen.resume, out);
    return state;
  }
  state.commandLine = [chosen.append, body.append].filter((words) => words !== "").join(" ");
  state.stage = "files";
  look(state, out);
  return state;
}

const WORK = ["memory.granted", "memory.done", "disk.done"] as const;

const BEHAVIOUR: Behaviour<LoaderState> = {
  kind: "boot_loader",
  role: "loader",
  doc: "Loads a kernel from the boot partition and enters it.",
  states: {
    waiting: { handles: ["program.start"] },
    working: { handles: WORK },
    // Reads of an image that was given up may still be on their way.
    menu: { handles: ["loader.choose", ...WORK] },
    ended: { handles: [], ignores: [...WORK, "loader.choose"] },
  },
  start: freshLoader,
  label({ stage }) {
    return stage === "waiting" || stage === "menu" || stage === "ended" ? stage : "working";
  },
  on: {
    "program.start": (state, { body }, out) => {
      state.stage = "tables";
      state.e820Address = body.argument;
      const ranges = [BIOS_DATA, BOOT_SECTOR, UPPER];
      out.send("memory", "memory.acquire", { tag: TABLES, by: BY, ranges, write: false });
      return state;
    },
    "memory.granted": granted,
    "disk.done": diskDone,
    "memory.done": memoryDone,
    "loader.choose": choose,
  },
};

/** The behaviour `boot_loader`. */
export const bootLoader: AnyBehaviour = seal(BEHAVIOUR);
