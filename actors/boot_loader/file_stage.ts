/**
 * The boot loader's reading of ext2: an operation is tried with the blocks in the buffer; what it
 * misses is fetched, and it is tried again.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import type { Envelope, Out } from "../../machine/actor.ts";
import { toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  BLOCK_BYTES,
  Ext2Error,
  Ext2Image,
  extentsOf,
  NeedBlock,
} from "../../machine/formats/ext2/mod.ts";
import { BUFFER_FRAMES, BUFFER_START, BufferedBlocks, frameAddress } from "./block_cache.ts";
import { type LoadFile, LoadRefusal, planLoad } from "./load_plan.ts";
import { LOADER_CONF_BYTES_MAX, LOADER_CONF_PATH, parseLoaderConf } from "./loader_conf.ts";
import { BY, fail, type LoaderState, print } from "./loader_state.ts";
import { beginMoves } from "./move_stage.ts";

const SECTORS_PER_BLOCK = 8;
/** Tags of requests for the buffer as a whole, and for frames to be filled. */
export const LOOK = "look";
/** See {@linkcode LOOK}. */
export const FETCH = "fetch";

/** Asks to look at the buffer, to try the stage's operation. */
export function look(state: LoaderState, out: Out): void {
  const length = Math.max(1, state.blocks.length) * BLOCK_BYTES;
  const ranges = [{ start: BUFFER_START, length }];
  out.send("memory", "memory.acquire", { tag: LOOK, by: BY, ranges, write: false });
}

/** Has blocks read into further frames; says so where there are none. */
export function fetchBlocks(state: LoaderState, blocks: readonly number[], out: Out): void {
  const first = state.blocks.length;
  if (first + blocks.length > BUFFER_FRAMES) {
    return fail(state, out, `the partition needs more than ${BUFFER_FRAMES} buffers`);
  }
  state.blocks.push(...blocks);
  state.waiting = blocks.length;
  const ranges = blocks.map((_, index) => ({
    start: frameAddress(first + index),
    length: BLOCK_BYTES,
  }));
  out.send("memory", "memory.acquire", { tag: FETCH, by: BY, ranges, write: true });
}

/** Frames came: each block is read into its own. */
export function fetchGranted(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
): void {
  const first = state.blocks.length - body.grants.length;
  body.grants.forEach((grant, index) => {
    const block = state.blocks[first + index] ?? 0;
    out.send("disk", "disk.read", {
      tag: FETCH,
      by: BY,
      sector: state.firstSector + block * SECTORS_PER_BLOCK,
      count: SECTORS_PER_BLOCK,
      grants: [grant],
      bios: true,
    });
  });
}

/** A block is there; after the last one the operation is tried again. */
export function fetched(state: LoaderState, { body }: Envelope<"disk.done">, out: Out): void {
  out.send("memory", "memory.release", { grants: body.grants });
  if (body.result < 0) {
    return fail(state, out, `the disk reports error ${body.result} on the boot partition`);
  }
  state.waiting--;
  if (state.waiting === 0) look(state, out);
}

/** A file with the places of its blocks. */
export function fileOf(image: Ext2Image, path: string): LoadFile {
  const inode = image.inodeAt(path);
  if (inode === undefined) throw new Ext2Error("ENOENT", `'${path}' does not exist`);
  return { path, bytes: inode.size, extents: extentsOf(image.access, inode) };
}

function readConfig(state: LoaderState, image: Ext2Image, out: Out): void {
  const bytes = image.readAt(LOADER_CONF_PATH, 0, LOADER_CONF_BYTES_MAX);
  state.conf = parseLoaderConf(new TextDecoder().decode(bytes));
  showMenu(state, out);
}

/** Shows the menu and waits for the person. */
export function showMenu(state: LoaderState, out: Out): void {
  if (state.conf === null) return;
  state.stage = "menu";
  out.send("operator", "loader.menu", {
    entries: state.conf.entries.map((entry) => entry.name),
    preselected: state.conf.defaultEntry,
  });
}

function readFiles(state: LoaderState, image: Ext2Image, out: Out): void {
  const { chosen } = state;
  if (chosen === null) return;
  const kernel = fileOf(image, chosen.kernel);
  const initrd = chosen.initrd === "" ? undefined : fileOf(image, chosen.initrd);
  const prefix = image.readAt(chosen.kernel, 0, BLOCK_BYTES);
  const plan = planLoad({
    prefix,
    kernel,
    initrd,
    e820: state.e820,
    commandLine: state.commandLine,
    firstSector: state.firstSector,
  });
  state.plan = { ...plan, setupHeader: toHex(plan.setupHeader) };
  const names = initrd === undefined ? chosen.kernel : `${chosen.kernel} and ${chosen.initrd}`;
  print(out, `Loading ${names}`);
  beginMoves(state, out);
}

/** Tries the stage's operation with the blocks at hand. */
export function looked(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): void {
  out.send("memory", "memory.release", { grants: body.grants });
  const image = new Ext2Image(new BufferedBlocks(state.blocks, access));
  try {
    if (state.stage === "config") readConfig(state, image, out);
    else readFiles(state, image, out);
  } catch (error) {
    if (error instanceof NeedBlock) return fetchBlocks(state, error.blocks, out);
    if (
      error instanceof Ext2Error || error instanceof FormatError || error instanceof LoadRefusal
    ) {
      return fail(state, out, error.message);
    }
    throw error;
  }
}
