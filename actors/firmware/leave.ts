/**
 * How the machine goes down: into S4 or S5 when a kernel writes SLP_EN, or through the reset
 * line.
 *
 * Before power-off the NVRAM record gets the time and the sleeping state, past the drive's cache:
 * what a kernel left there unflushed is lost with the power, as it must be. A reset does not take
 * the drive's power away, so what its cache holds reaches the medium; the engine ends the disk
 * actor all the same, and therefore the firmware flushes it first.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import type { Envelope, Out } from "../../machine/actor.ts";
import { NVRAM_SLOT_BYTES } from "../../machine/formats/nvram.ts";
import { type FirmwareState, type Leaving, SCRATCH_START } from "./firmware_state.ts";
import { nextRecord, writeNvram } from "./post.ts";

const BY = "firmware";
const TAG = "leave";

function end(leaving: Leaving, out: Out): void {
  const { op, state, k } = leaving;
  // A person sees a dark machine either way; only the firmware will know that it slept.
  const said = state === "S4" ? "sleep" : op;
  out.fact("power", { op: said, state, ...(k === "" ? {} : { k }) });
  out.send("operator", "machine.power", { op, state });
  out.power(op);
}

/** The machine begins to go down. Asked again meanwhile, it goes on as it began. */
export function leave(state: FirmwareState, leaving: Leaving, out: Out): void {
  if (state.leaving !== null) return;
  state.leaving = leaving;
  state.stage = "leaving";
  if (leaving.op === "reset") {
    out.send("disk", "disk.flush", { tag: TAG, by: BY, bios: true });
  } else if (state.nvramSector < 0) {
    end(leaving, out);
  } else {
    const ranges = [{ start: SCRATCH_START, length: NVRAM_SLOT_BYTES }];
    out.send("memory", "memory.acquire", { tag: TAG, by: BY, ranges, write: true });
  }
}

/** Scratch memory came: the record is written. */
export function leaveGranted(
  state: FirmwareState,
  { body }: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): void {
  const { tag, grants } = body;
  if (tag !== TAG || state.leaving === null) {
    // Asked for by a self-test that a reset cut short.
    out.send("memory", "memory.release", { grants });
    return;
  }
  state.slot = grants[0] ?? null;
  const sleepType = state.leaving.state === "S4" ? 4 : 5;
  writeNvram(state, nextRecord(state, out, sleepType), TAG, access, out);
}

/** The record is on the medium, or the drive's cache is. */
export function leaveDiskDone(
  state: FirmwareState,
  { body }: Envelope<"disk.done">,
  out: Out,
): void {
  if (body.tag === TAG && state.leaving !== null) end(state.leaving, out);
}
