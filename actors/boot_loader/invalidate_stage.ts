/**
 * The end of the boot loader's resume: looks whether what is to be entered is a jump-back entry,
 * takes the image its name (a real change of the file system: directory and inode blocks are
 * written and the disk is flushed), puts a zero word where the stack ends, and enters.
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
  lookup,
  NeedBlock,
  rename,
} from "../../machine/formats/ext2/mod.ts";
import { parseStamp, STAMP_BYTES, STAMP_KIND } from "../../machine/formats/stamp.ts";
import { BUFFER_START, frameAddress, WritableBlocks } from "./block_cache.ts";
import { fetchBlocks } from "./file_stage.ts";
import { BY, fail, type LoaderState } from "./loader_state.ts";
import { STACK_START } from "./move_stage.ts";
import type { ResumePlan } from "./resume_state.ts";

/** Tags of this stage's requests. */
export const RENAME = "rename";
/** See {@linkcode RENAME}. */
export const WRITE_BACK = "write back ";
/** See {@linkcode RENAME}. */
export const FLUSH = "flush";
/** See {@linkcode RENAME}. */
export const WORD = "word";

const SECTORS_PER_BLOCK = 8;
/** Bytes of the word at the top of the stack, whatever the architecture. */
const WORD_BYTES = 8;

/** Whether a page has re-entry code at an address in it. */
function isJumpBackEntry(entry: number, access: Access): boolean {
  const start = entry;
  const page = Math.floor(entry / BLOCK_BYTES) * BLOCK_BYTES;
  if (start + STAMP_BYTES > page + BLOCK_BYTES) return false;
  try {
    return parseStamp(access.read(start, STAMP_BYTES))?.kind === STAMP_KIND.reentry;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** Begins to take the image its name; a sentence where its entry is none (protocol.md G.4). */
export function beginInvalidation(
  state: LoaderState,
  plan: ResumePlan,
  out: Out,
  access: Access,
): string | undefined {
  const { entry, id, of } = plan;
  if (!isJumpBackEntry(entry, access)) {
    return `entry 0x${entry.toString(16)} is not inside a control page: a stale jump-back entry`;
  }
  out.fact("image", { k: BY, op: "load", id, ...(of === undefined ? {} : { of }) });
  state.stage = "invalidating";
  state.blocks = [];
  askRename(state, out);
  return undefined;
}

/** Asks for the buffer, to try the change. */
export function askRename(state: LoaderState, out: Out): void {
  const length = Math.max(1, state.blocks.length) * BLOCK_BYTES;
  const ranges = [{ start: BUFFER_START, length }];
  out.send("memory", "memory.acquire", { tag: RENAME, by: BY, ranges, write: true });
}

/** The change is tried; what is missing is fetched first. */
export function renameGranted(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): void {
  out.send("memory", "memory.release", { grants: body.grants });
  const { resume } = state;
  const plan = resume?.plan;
  if (resume === null || plan === null || plan === undefined) return;
  const blocks = new WritableBlocks(state.blocks, access);
  try {
    // The loader has no clock: the file keeps the time it has.
    const time = lookup(blocks, resume.path)?.changeTime ?? 0;
    rename(blocks, resume.path, `${resume.path}.used`, { time });
  } catch (error) {
    if (error instanceof NeedBlock) return fetchBlocks(state, error.blocks, out);
    if (!(error instanceof Ext2Error) && !(error instanceof FormatError)) throw error;
    return fail(state, out, `the image cannot be invalidated: ${error.message}`);
  }
  for (const path of [resume.path, `${resume.path}.used`]) {
    out.fact("fs_write", { k: BY, fs: "sda3", path });
  }
  // From the first of these writes on, a loss of power may find the name gone.
  const named = plan.of === undefined ? { id: plan.id } : { id: plan.id, of: plan.of };
  out.fact("image", { k: BY, op: "invalidate", ...named });
  resume.dirty = [...blocks.dirty];
  state.stage = "writing";
  state.waiting = resume.dirty.length;
  resume.dirty.forEach((block, index) => {
    const start = frameAddress(state.blocks.indexOf(block));
    const ranges = [{ start, length: BLOCK_BYTES }];
    const tag = `${WRITE_BACK}${index}`;
    out.send("memory", "memory.acquire", { tag, by: BY, ranges, write: false });
  });
}

/** A changed block may be read: it goes to the disk. */
export function writeBackGranted(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
): void {
  const { tag, grants } = body;
  const block = state.resume?.dirty[Number(tag.slice(WRITE_BACK.length))] ?? 0;
  const sector = state.firstSector + block * SECTORS_PER_BLOCK;
  const count = SECTORS_PER_BLOCK;
  out.send("disk", "disk.write", { tag, by: BY, sector, count, grants, bios: true });
}

/** A block is written; behind the last, the disk is flushed, and behind that all is ready. */
export function written(state: LoaderState, { body }: Envelope<"disk.done">, out: Out): void {
  out.send("memory", "memory.release", { grants: body.grants });
  if (body.result < 0) {
    return fail(state, out, `the disk reports error ${body.result} invalidating the image`);
  }
  if (state.stage === "writing") {
    state.waiting--;
    if (state.waiting > 0) return;
    state.stage = "flushing";
    out.send("disk", "disk.flush", { tag: FLUSH, by: BY, bios: true });
    return;
  }
  state.stage = "handing over";
  const bytes = toHex(new Uint8Array(WORD_BYTES));
  out.send("memory", "memory.write", { tag: WORD, by: BY, address: STACK_START, bytes });
}

/** The word is there: the kernel in the image goes on. */
export function enterImage(state: LoaderState, out: Out): void {
  const plan = state.resume?.plan;
  if (plan === null || plan === undefined) return;
  state.stage = "ended";
  out.send("cpu", "cpu.enter", {
    entry: plan.entry,
    sp: STACK_START,
    word: 0,
    argument: 0,
    preserve: false,
  });
}
