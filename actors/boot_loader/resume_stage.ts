/**
 * The boot loader resumes an image by itself: reads what is said about it, puts its pages in
 * place, compares them with the sums, and hands over to `invalidate_stage.ts`. A refusal changes
 * nothing on the disk and shows the menu again, so that an ordinary boot is left.
 *
 * The image keeps its name until all of it has been found right; that the name is taken before
 * control goes to the kernel in it is what protocol.md B.7.3 asks for.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import type { Envelope, Out } from "../../machine/actor.ts";
import { fromHex, Sha256, toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  BLOCK_BYTES,
  Ext2Error,
  Ext2Image,
  extentsOf,
  NeedBlock,
} from "../../machine/formats/ext2/mod.ts";
import { FIRST_LOGICAL, partitionsOf } from "../../machine/formats/ebr.ts";
import { PARTITION_TYPE } from "../../machine/formats/mbr.ts";
import { formatRuns, PAGE_BYTES, rangesToRuns } from "../../machine/formats/page_runs.ts";
import { cutRanges } from "../../machine/grant_ranges.ts";
import { LIMITS } from "../../machine/limits.ts";
import { parseSums } from "../kernel/small_files.ts";
import { BufferedBlocks } from "./block_cache.ts";
import { fetchBlocks, fileOf, look } from "./file_stage.ts";
import { beginInvalidation } from "./invalidate_stage.ts";
import { LoadRefusal } from "./load_plan.ts";
import { BY, type LoaderState, print } from "./loader_state.ts";
import { headLength, isSumsText, memoryOf, planResume, SUM_BYTES } from "./resume_plan.ts";
import { folderOf, freshResume, type ResumeState } from "./resume_state.ts";

/** Tags of this stage's requests. */
export const PLACE = "place ";
/** See {@linkcode PLACE}. */
export const CHECK = "check";
/** See {@linkcode PLACE}. */
export const CLEAR = "clear";

const SECTOR_BYTES = 512;
const SECTORS_PER_BLOCK = BLOCK_BYTES / SECTOR_BYTES;
/** Blocks of the image whose places are looked up at a time: their lists fit the buffer. */
const SLICE_BLOCKS = 32_768;
/** Bytes of the image that are compared at a time. */
const CHECK_BYTES = 16 * SUM_BYTES;
/** Bytes of a dump in which its headers are looked for. */
const HEAD_BYTES_MAX = 65_536;

/** The image at hand; these functions run only while there is one. */
function resumeOf(state: LoaderState): ResumeState {
  if (state.resume === null) throw new Error("The boot loader resumes nothing");
  return state.resume;
}

function planOf(state: LoaderState) {
  const { plan } = resumeOf(state);
  if (plan === null) throw new Error("The boot loader has no plan of the image");
  return plan;
}

/** Gives the image up and shows the menu again. */
export function refuseResume(state: LoaderState, out: Out, reason: string): void {
  print(out, `Cannot resume: ${reason}.`);
  state.resume = null;
  state.blocks = [];
  state.waiting = 0;
  state.nextMove = 0;
  state.firstSector = state.bootSector;
  state.stage = "config";
  look(state, out);
}

/** Begins with the image at a path of the hibernating partition. */
export function beginResume(state: LoaderState, path: string, out: Out): void {
  const logical = state.imagePartition >= FIRST_LOGICAL;
  if (state.imageSector === 0 && !logical) {
    return refuseResume(state, out, "there is no hibernating partition");
  }
  state.resume = freshResume(path);
  state.blocks = [];
  // The chain's records lie between the partitions, so that blocks count from the disk's start.
  state.firstSector = state.imageSector;
  state.stage = state.imageSector === 0 ? "chain" : "image";
  look(state, out);
}

/** Follows the chain of logical partitions with the blocks of the disk at hand. */
function readChain(state: LoaderState, blocks: BufferedBlocks, out: Out): void {
  const partitions = partitionsOf((sector) => {
    const at = (sector % SECTORS_PER_BLOCK) * SECTOR_BYTES;
    const block = blocks.block(Math.floor(sector / SECTORS_PER_BLOCK));
    return block.subarray(at, at + SECTOR_BYTES);
  });
  const image = partitions.get(state.imagePartition);
  if (image?.type !== PARTITION_TYPE.linux) {
    throw new LoadRefusal("there is no hibernating partition");
  }
  state.imageSector = state.firstSector = image.firstSector;
  state.blocks = [];
  state.stage = "image";
  look(state, out);
}

/** The texts beside the image, its size and its first bytes. */
function readImage(state: LoaderState, image: Ext2Image, out: Out): void {
  const resume = resumeOf(state);
  const folder = folderOf(resume.path);
  const inode = image.inodeAt(resume.path);
  if (inode === undefined) {
    out.fact("image", { k: BY, op: "check", id: "none" });
    throw new LoadRefusal(`no image: ${resume.path} does not exist`);
  }
  const text = (name: string) => new TextDecoder().decode(image.fileAt(folder + name));
  const head = image.readAt(resume.path, 0, HEAD_BYTES_MAX);
  const sums = fileOf(image, resume.sumsPath);
  resume.manifest = text("manifest");
  resume.entry = text("kexec_jump_back_entry");
  resume.bytes = inode.size;
  resume.head = toHex(head.subarray(0, Math.min(headLength(head), head.length)));
  resume.sumsBytes = sums.bytes;
  resume.sumsExtents = sums.extents;
  state.blocks = [];
  state.stage = "extents";
  look(state, out);
}

/** Where some more of its blocks are; behind the last, the plan. */
function readExtents(state: LoaderState, image: Ext2Image, out: Out): void {
  const resume = resumeOf(state);
  const blocks = Math.ceil(resume.bytes / BLOCK_BYTES);
  const count = Math.min(SLICE_BLOCKS, blocks - resume.nextBlock);
  const inode = image.inodeAt(resume.path);
  if (inode === undefined) throw new LoadRefusal(`no image: ${resume.path} does not exist`);
  const range = { fileBlock: resume.nextBlock, count };
  resume.extents.push(...extentsOf(image.access, inode, range));
  resume.nextBlock += count;
  state.blocks = [];
  if (resume.nextBlock < blocks) return look(state, out);
  const plan = planResume(resume, state.e820, state.imageSector);
  resume.plan = plan;
  const named = plan.of === undefined ? { id: plan.id } : { id: plan.id, of: plan.of };
  out.fact("image", { k: BY, op: "check", ...named });
  print(out, `Resuming ${resume.path}: ${resume.bytes} bytes`);
  state.stage = "placing";
  state.nextMove = 0;
  state.waiting = 0;
  while (state.waiting < LIMITS.extentsInFlight && state.nextMove < plan.moves.length) {
    askMove(state, out);
  }
}

/** Tries the stage's reading with the blocks at hand. */
export function resumeLooked(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): void {
  out.send("memory", "memory.release", { grants: body.grants });
  const blocks = new BufferedBlocks(state.blocks, access);
  try {
    const image = new Ext2Image(blocks);
    if (state.stage === "chain") readChain(state, blocks, out);
    else if (state.stage === "image") readImage(state, image, out);
    else readExtents(state, image, out);
  } catch (error) {
    if (error instanceof NeedBlock) return fetchBlocks(state, error.blocks, out);
    const known = error instanceof Ext2Error || error instanceof FormatError ||
      error instanceof LoadRefusal;
    if (!known) throw error;
    refuseResume(state, out, error.message);
  }
}

function askMove(state: LoaderState, out: Out): void {
  const move = planOf(state).moves[state.nextMove];
  if (move === undefined) return;
  const ranges = [{ start: move.address, length: move.count * SECTOR_BYTES }];
  const tag = `${PLACE}${state.nextMove}`;
  out.send("memory", "memory.acquire", { tag, by: BY, ranges, write: true });
  state.nextMove++;
  state.waiting++;
}

/** A place came: the pages that belong there are read into it. */
export function placeGranted(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
): void {
  const { tag, grants } = body;
  const move = state.resume?.plan?.moves[Number(tag.slice(PLACE.length))];
  if (move === undefined) {
    // The image was given up while this was on its way.
    out.send("memory", "memory.release", { grants });
    return;
  }
  const { sector, count } = move;
  out.send("disk", "disk.read", { tag, by: BY, sector, count, grants, bios: true });
}

/** Pages are in their place; behind the last, memory of zeros is cleared. */
export function placed(state: LoaderState, { body }: Envelope<"disk.done">, out: Out): void {
  out.send("memory", "memory.release", { grants: body.grants });
  if (state.stage !== "placing") return;
  if (body.result < 0) {
    return refuseResume(state, out, `the disk reports error ${body.result} reading the image`);
  }
  state.waiting--;
  askMove(state, out);
  if (state.waiting > 0) return;
  const { zero, class: bits, id, segments } = planOf(state);
  const bounds = segments.map(({ start, length }) => ({ start, end: start + length }));
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const ranges = bounds.map(({ start, end }) => `${hex(start)}-${hex(end)}`).join(",");
  if (ranges.length <= LIMITS.summaryInlineBytes) {
    out.fact("image_ranges", { k: BY, id, ranges, class: bits });
  }
  if (zero.length === 0) return askSums(state, out);
  const runs = rangesToRuns(
    zero.map(({ start, length }) => ({ start, end: start + length })),
  );
  out.send("memory", "memory.copy", { tag: CLEAR, by: BY, zero: formatRuns(runs) });
}

/** Asks for the text of the sums. */
export function askSums(state: LoaderState, out: Out): void {
  const { start, length } = planOf(state).sums;
  state.stage = "sums";
  const ranges = cutRanges([{ start, length: Math.max(1, length) }]);
  out.send("memory", "memory.acquire", { tag: CHECK, by: BY, ranges, write: false });
}

function askCheck(state: LoaderState, out: Out): void {
  const resume = resumeOf(state);
  const plan = planOf(state);
  const from = resume.nextSum * SUM_BYTES;
  if (from >= resume.bytes) {
    state.stage = "entry";
    const { entry } = plan;
    const start = Math.floor(entry / PAGE_BYTES) * PAGE_BYTES;
    const ranges = [{ start, length: PAGE_BYTES }];
    out.send("memory", "memory.acquire", { tag: CHECK, by: BY, ranges, write: false });
    return;
  }
  state.stage = "verifying";
  const ranges = cutRanges(memoryOf(plan, from, CHECK_BYTES));
  out.send("memory", "memory.acquire", { tag: CHECK, by: BY, ranges, write: false });
}

function takeSums(state: LoaderState, out: Out, access: Access): void {
  const resume = resumeOf(state);
  const plan = planOf(state);
  const text = new Uint8Array(plan.sums.length);
  for (const { start, length } of cutRanges([plan.sums])) {
    text.set(access.read(start, length), start - plan.sums.start);
  }
  const sums = parseSums(new TextDecoder().decode(text));
  const wanted = Math.ceil(resume.bytes / SUM_BYTES);
  if (!isSumsText(plan, text) || sums?.length !== wanted) {
    return refuseResume(state, out, `${resume.sumsPath} is not the one that was saved`);
  }
  resume.sums = sums;
  askCheck(state, out);
}

/** Compares the next 64 KiB blocks with their sums. */
function verify(state: LoaderState, out: Out, access: Access): void {
  const resume = resumeOf(state);
  const plan = planOf(state);
  const head = fromHex(resume.head);
  const last = Math.min(resume.sums.length, resume.nextSum + CHECK_BYTES / SUM_BYTES);
  for (; resume.nextSum < last; resume.nextSum++) {
    const from = resume.nextSum * SUM_BYTES;
    const to = Math.min(resume.bytes, from + SUM_BYTES);
    const hash = new Sha256();
    hash.update(head.subarray(Math.min(from, head.length), Math.min(to, head.length)));
    for (const { start, length } of cutRanges(memoryOf(plan, from, to - from))) {
      hash.update(access.read(start, length));
    }
    if (hash.hex() !== resume.sums[resume.nextSum]) {
      const place = memoryOf(plan, from, 1)[0]?.start;
      const at = place === undefined ? "" : `, physical address 0x${place.toString(16)}`;
      const what = `the 64 KiB at file offset ${from}${at}`;
      return refuseResume(state, out, `${what} are not what was saved`);
    }
  }
  askCheck(state, out);
}

/** What was asked for to look at came. */
export function checkGranted(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): void {
  out.send("memory", "memory.release", { grants: body.grants });
  if (state.stage === "sums") takeSums(state, out, access);
  else if (state.stage === "verifying") verify(state, out, access);
  else if (state.stage === "entry") {
    const refused = beginInvalidation(state, planOf(state), out, access);
    if (refused !== undefined) refuseResume(state, out, refused);
  }
}
