/**
 * The boot loader's last stage: kernel and ramdisk go from the disk to their places, a few
 * extents in flight at a time; then zero page and command line are written and the kernel is
 * entered.
 *
 * @module
 */
import type { Envelope, Out } from "../../machine/actor.ts";
import { fromHex, toHex } from "../../machine/digest.ts";
import { emitBootParams } from "../../machine/formats/boot_params.ts";
import { LIMITS } from "../../machine/limits.ts";
import { BY, fail, type LoaderState, type PlainPlan } from "./loader_state.ts";

/** Where the zero page stands. */
export const BOOT_PARAMS_START = 0x9_0000;
/** Where the command line stands. */
export const COMMAND_LINE_START = 0x9_9000;
/** Stack at the kernel's entry. */
export const STACK_START = 0x9_8000;

/** "Undefined" loader, the number for those without one of their own. */
const LOADER_TYPE = 0xff;
const SECTOR_BYTES = 512;

/** Tag of a move's requests is this and its number. */
const MOVE = "move ";
/** Tag of the two writes before the entry. */
export const HANDOVER = "handover";

function askNext(state: LoaderState, plan: PlainPlan, out: Out): void {
  const move = plan.moves[state.nextMove];
  if (move === undefined) return;
  const ranges = [{ start: move.address, length: move.count * SECTOR_BYTES }];
  const tag = `${MOVE}${state.nextMove}`;
  out.send("memory", "memory.acquire", { tag, by: BY, ranges, write: true });
  state.nextMove++;
  state.waiting++;
}

/** Begins to carry the plan out. */
export function beginMoves(state: LoaderState, out: Out): void {
  const { plan } = state;
  if (plan === null) return;
  state.stage = "moving";
  state.waiting = 0;
  while (state.waiting < LIMITS.extentsInFlight && state.nextMove < plan.moves.length) {
    askNext(state, plan, out);
  }
}

/** A place came: its sectors are read into it. */
export function moveGranted(
  state: LoaderState,
  { body }: Envelope<"memory.granted">,
  out: Out,
): void {
  const { tag, grants } = body;
  const move = state.plan?.moves[Number(tag.slice(MOVE.length))];
  if (move === undefined) return;
  const { sector, count } = move;
  out.send("disk", "disk.read", { tag, by: BY, sector, count, grants, bios: true });
}

function handOver(state: LoaderState, plan: PlainPlan, out: Out): void {
  const params = emitBootParams({
    setupHeader: fromHex(plan.setupHeader),
    loaderType: LOADER_TYPE,
    commandLineAddress: COMMAND_LINE_START,
    ramdiskAddress: plan.initrdAddress,
    ramdiskBytes: plan.initrdBytes,
    setupDataAddress: 0,
    acpiRsdpAddress: state.rsdpAddress,
    e820: state.e820,
  });
  const line = new TextEncoder().encode(`${state.commandLine}\0`);
  const write = (address: number, bytes: Uint8Array) =>
    out.send("memory", "memory.write", { tag: HANDOVER, by: BY, address, bytes: toHex(bytes) });
  state.waiting = 2;
  write(BOOT_PARAMS_START, params);
  write(COMMAND_LINE_START, line);
}

/** Sectors are in their place. */
export function moved(state: LoaderState, { body }: Envelope<"disk.done">, out: Out): void {
  out.send("memory", "memory.release", { grants: body.grants });
  const { plan, chosen } = state;
  if (plan === null) return;
  if (body.result < 0) {
    return fail(state, out, `the disk reports error ${body.result} reading ${chosen?.kernel}`);
  }
  state.waiting--;
  askNext(state, plan, out);
  if (state.waiting === 0) handOver(state, plan, out);
}

/** Zero page and command line are written: the kernel is entered. */
export function handedOver(state: LoaderState, out: Out): void {
  state.waiting--;
  if (state.waiting > 0 || state.plan === null) return;
  state.stage = "ended";
  out.send("cpu", "cpu.enter", {
    entry: state.plan.entry,
    sp: STACK_START,
    word: 0,
    argument: BOOT_PARAMS_START,
    preserve: false,
  });
}
