/**
 * What a real kernel's `kexec_load` and `reboot` answered, from the recording itself, as requests
 * to the checks of ours.
 */
import { errnoOf } from "../../actors/kernel/errno.ts";
import type { LoadRequest } from "../../actors/kernel/load_checks.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import type { ImageSegment } from "../../actors/kernel/state.ts";
import { recordedEvents } from "../recordings.ts";

/** One recorded call. */
export interface ErrnoRow {
  readonly name: string;
  /** Negative errno or 0. */
  readonly result: number;
  readonly request: LoadRequest;
  readonly detail: { readonly [name: string]: unknown };
}

const PAGE = 4096;
/** Pages of the recorded machine (fact 8). */
export const RAM_PAGES = 56_734;
const COUNT_MAX = 32;

function segmentOf(text: string): ImageSegment {
  const [bufsz = 0, mem = 0, memsz = 0] = ["bufsz", "mem", "memsz"].map((name) =>
    Number(new RegExp(`[{,]${name}=([^,}]+)`).exec(text)?.[1])
  );
  return { mem, memsz, bufsz };
}

/** Segments of a call; the record has those of no more than a few. */
function segmentsOf(detail: ErrnoRow["detail"], count: number): ImageSegment[] {
  const given = Object.keys(detail).filter((name) => /^seg\d+$/.test(name))
    .map((name) => segmentOf(String(detail[name])));
  if (given.length === count) return given;
  return Array.from({ length: Math.min(count, COUNT_MAX) }, (_, index) => ({
    mem: 0x200_0000 + index * PAGE,
    memsz: PAGE,
    bufsz: PAGE,
  }));
}

function rowOf(name: string, detail: ErrnoRow["detail"]): ErrnoRow {
  const profile = kernelProfile("6.1");
  const errno = /\((\w+)\)/.exec(String(detail["errno"]))?.[1] ?? "OK";
  return {
    name,
    detail,
    result: errno === "OK" ? 0 : errnoOf(errno),
    request: {
      arch: profile.arch,
      capable: !/^(?:no_cap|uid1000)/i.test(name),
      disabled: name.startsWith("kexec_load_disabled"),
      flags: Number(detail["flags"] ?? 0),
      segments: segmentsOf(detail, Number(detail["nr"] ?? 0)),
      limit: profile.destinationLimit,
      ramPages: RAM_PAGES,
      halfRam: profile.halfRam,
      entry: Number(detail["entry"] ?? 0),
    },
  };
}

/** Calls of a recording, `kx` or `kx_crashkernel`, whose names fit. */
export function errnoRows(names: RegExp, recordingOf = "kx"): ErrnoRow[] {
  const rows = recordedEvents(`kexec_errnos.${recordingOf}`);
  return rows.filter(({ event }) => names.test(event)).map(({ event, detail }) =>
    rowOf(event, detail)
  );
}
