/**
 * mkswap, swapon and swapoff (protocol.md A.2).
 *
 * @module
 */
import { fromHex, sha256, toHex } from "../../machine/digest.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import {
  emitSwapHeader,
  newSwapHeader,
  SWAP_PAGES_MIN,
} from "../../machine/formats/swap_header.ts";
import {
  giveScratch,
  isMounted,
  partitionOf,
  PLACE,
  takeScratch,
} from "../kernel/block_devices.ts";
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { ask, call, done, next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { swapAreaOf } from "../kernel/swap_areas.ts";
import { isError, readAs, RUNS } from "../kernel/values.ts";
import { reasonOf, wordsOf } from "./command_line.ts";

/** Ends a program with a line on its standard error. */
function failing(kernel: Kernel, status: number, line: string) {
  kernel.complain(line);
  kernel.process.message = line;
  return done(status);
}

interface MkswapCommand {
  readonly device: string;
  readonly label: string;
  readonly uuid?: string;
  /** Size asked for, in KiB. */
  readonly kib?: number;
}

/** `mkswap [-L LABEL] [-U UUID] DEVICE [KIB]`; a text says what is wrong with it. */
function parseMkswap(words: readonly string[]): MkswapCommand | string {
  const places: string[] = [];
  let label = "";
  let uuid: string | undefined;
  for (let index = 1; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "-L") label = words[++index] ?? "";
    else if (word === "-U") uuid = words[++index] ?? "";
    else if (word.startsWith("-")) return `mkswap: invalid option -- '${word.slice(1)}'`;
    else places.push(word);
  }
  const [device, size, ...rest] = places;
  if (device === undefined) return "mkswap: error: Nowhere to set up swap on?";
  if (rest.length > 0) return "mkswap: only one device argument is currently supported";
  if (size !== undefined && !/^\d{1,9}$/.test(size)) {
    return `mkswap: invalid block count argument: '${size}'`;
  }
  const digits = uuid?.replaceAll("-", "").toLowerCase();
  if (digits !== undefined && !/^[0-9a-f]{32}$/.test(digits)) {
    return "mkswap: error: parsing UUID failed";
  }
  return {
    device,
    label: label.slice(0, 15),
    ...(digits === undefined ? {} : { uuid: digits }),
    ...(size === undefined ? {} : { kib: Number(size) }),
  };
}

/** A UUID of version 4's form: what is random on a real machine follows from the moment here. */
function uuidNow(kernel: Kernel, device: string): string {
  const bytes = fromHex(
    sha256(`${device} ${kernel.realMicroseconds()} ${kernel.out.now}`).slice(0, 32),
  );
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return toHex(bytes);
}

function uuidText(digits: string): string {
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]]
    .map(([from, to]) => digits.slice(from, to)).join("-");
}

function commandOf(vars: Vars): MkswapCommand {
  const command = parseMkswap(wordsOf(vars));
  if (typeof command === "string") throw new TypeError(command);
  return command;
}

function scratchStart(vars: Vars): number {
  return (readAs(RUNS, vars["scratch"])[0]?.pfn ?? 0) * PAGE_BYTES;
}

function sizeText(bytes: number): string {
  const mib = bytes / 2 ** 20;
  const text = mib >= 1 ? `${Number(mib.toFixed(1))} MiB` : `${bytes / 1024} KiB`;
  return `Setting up swapspace version 1, size = ${text} (${bytes} bytes)`;
}

/** `program:mkswap {argv}`. */
const MKSWAP = procedure("program:mkswap", [
  {
    name: "device",
    run(kernel, vars) {
      const command = parseMkswap(wordsOf(vars));
      if (typeof command === "string") return failing(kernel, 1, command);
      const { device } = command;
      const partition = partitionOf(device);
      const cannot = (why: string) => failing(kernel, 1, `mkswap: cannot open ${device}: ${why}`);
      if (partition === undefined) return cannot(errnoText(ERRNO.ENOENT));
      if (isMounted(kernel, partition)) {
        return failing(kernel, 1, `mkswap: error: ${device} is mounted; will not make swapspace`);
      }
      if (swapAreaOf(kernel, device) !== undefined) return cannot(errnoText(ERRNO.EBUSY));
      return call("partition_place", { partition });
    },
    then(kernel, vars, answer) {
      const { device, kib } = commandOf(vars);
      if (isError(answer)) {
        const reason = answer === -ERRNO.ENODEV ? errnoText(ERRNO.ENOENT) : reasonOf(answer);
        return failing(kernel, 1, `mkswap: cannot open ${device}: ${reason}`);
      }
      const room = Math.floor(readAs(PLACE, answer).sectorCount * 512 / PAGE_BYTES);
      const pages = kib === undefined ? room : Math.floor(kib * 1024 / PAGE_BYTES);
      if (pages > room) {
        return failing(kernel, 1, `mkswap: error: size ${kib} KiB is larger than device size`);
      }
      if (pages < SWAP_PAGES_MIN) {
        return failing(kernel, 1, "mkswap: error: swap area needs to be at least 40 KiB");
      }
      vars["place"] = answer;
      vars["pages"] = pages;
      return next;
    },
  },
  takeScratch(1),
  {
    name: "header",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: [{ start: scratchStart(vars), length: PAGE_BYTES }],
        write: true,
      }),
    then(kernel, vars, _answer, access) {
      const { device, label, uuid = uuidNow(kernel, device) } = commandOf(vars);
      const pages = numberOf(vars["pages"]);
      const header = newSwapHeader({ pages, uuid: fromHex(uuid), label });
      access.write(scratchStart(vars), emitSwapHeader(header));
      kernel.say(sizeText((pages - 1) * PAGE_BYTES));
      kernel.say(`${label === "" ? "no label" : `LABEL=${label}`}, UUID=${uuidText(uuid)}`);
      return next;
    },
  },
  {
    name: "write",
    run: (_kernel, vars) =>
      call("partition_pages", {
        place: vars["place"] ?? 0,
        page: 0,
        frames: vars["scratch"] ?? [],
        write: true,
      }),
    then(_kernel, vars, answer) {
      vars["status"] = answer;
      return next;
    },
  },
  {
    name: "flush",
    run: (kernel) => ask("disk", "disk.flush", { by: kernel.name }),
    then(kernel, vars) {
      giveScratch(kernel, vars);
      const status = vars["status"] ?? 0;
      if (!isError(status)) return done(0);
      const { device } = commandOf(vars);
      const line = `mkswap: ${device}: unable to write signature page: ${reasonOf(status)}`;
      return failing(kernel, 1, line);
    },
  },
]);

/** `swapon DEVICE` and `swapoff DEVICE`. */
function switcher(program: "swapon" | "swapoff", systemCall: string): Procedure {
  return procedure(`program:${program}`, [{
    name: "system call",
    run(kernel, vars) {
      const [, device, ...rest] = wordsOf(vars);
      if (device === undefined || device.startsWith("-") || rest.length > 0) {
        return failing(kernel, 1, `${program}: usage: ${program} DEVICE`);
      }
      vars["device"] = device;
      return call(systemCall, { device });
    },
    then: (kernel, vars, answer) =>
      isError(answer)
        ? failing(kernel, 1, `${program}: ${textOf(vars["device"])}: ${reasonOf(answer)}`)
        : done(0),
  }]);
}

/** Procedures of this file. */
export const SWAP_TOOL_PROCEDURES: readonly Procedure[] = [
  MKSWAP,
  switcher("swapon", "swap_on"),
  switcher("swapoff", "swap_off"),
];
