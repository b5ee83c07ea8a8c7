/**
 * From options to a run's settings: sizes that follow from profiles, files of the user, power
 * cuts.
 *
 * @module
 */
import { type KernelProfile, kernelProfile } from "../../actors/kernel/profiles.ts";
import type { MainlinePart } from "../../actors/scenario/mainline.ts";
import {
  checkSize,
  REAL_SECONDS,
  type RunSettings,
  windowOf,
} from "../../actors/scenario/mainline_run.ts";
import type { Choice } from "../../machine/choices.ts";
import { FormatError, UsageError } from "../../machine/errors.ts";
import { parseBzImage } from "../../machine/formats/bzimage.ts";
import { hardwareProfile } from "../../machine/hardware_profile.ts";
import { LIMITS } from "../../machine/limits.ts";
import type { GivenOptions } from "./options.ts";
import { onHost } from "./output_folder.ts";
import { parseWhole, sizeText } from "./values.ts";

const MIB = 0x10_0000;
/** Kernel profile of real kernels. */
const REAL_KERNEL_PROFILE = "6.1-cured";
/** Work of A: processes and pages of each. */
const WORK = { processes: 2, processPages: 64 } as const;

/**
 * A file of the user, whole.
 *
 * @throws {UsageError} if it cannot be read, is no file, or too large.
 */
export function readUserFile(path: string): Uint8Array {
  const info = onHost(path, "read", () => Deno.statSync(path));
  if (!info.isFile) throw new UsageError(`Cannot read '${path}': it is no file`);
  if (info.size > LIMITS.payloadBytes) {
    throw new UsageError(
      `Cannot read '${path}': ${sizeText(info.size)} is over the limit 'payloadBytes' of ` +
        sizeText(LIMITS.payloadBytes),
    );
  }
  return onHost(path, "read", () => Deno.readFileSync(path));
}

/** The power cut that `--cut-power-at SEQ[:FATE]` means. */
export function powerCut(text: string): Choice {
  const [seq = "", fate = "none", ...more] = text.split(":");
  if (more.length > 0 || (fate !== "none" && fate !== "all" && fate !== "seeded")) {
    throw new UsageError(
      `hibernate: --cut-power-at: '${text}' is no place and fate; write SEQ, SEQ:none, SEQ:all ` +
        "or SEQ:seeded, as in 1500:all",
    );
  }
  try {
    return { kind: "power_cut", at: parseWhole(seq), durable: fate };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`hibernate: --cut-power-at: ${error.message}`);
  }
}

/** Reads a file of the user; a FormatError names the file and is the user's. */
export function userFormat<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UsageError(`'${path}': ${error.message}`, { cause: error });
  }
}

function chosenProfile(options: GivenOptions): KernelProfile {
  const name = options.text("kernel-profile") ?? "2.6.27";
  if (options.text("kernel") === undefined) return kernelProfile(name);
  if (options.typed("kernel-profile") && name !== REAL_KERNEL_PROFILE) {
    throw new UsageError(
      `${options.command}: --kernel takes kernel profile ${REAL_KERNEL_PROFILE}, not ${name}`,
    );
  }
  return kernelProfile(REAL_KERNEL_PROFILE);
}

/** A real kernel of the user, of the arch that its profile has. */
function readKernel(path: string, profile: KernelProfile): Uint8Array {
  const bytes = readUserFile(path);
  const { arch } = userFormat(path, () => parseBzImage(bytes));
  if (arch === profile.arch) return bytes;
  throw new UsageError(
    `'${path}' is an ${arch} kernel; --kernel takes ${profile.arch} kernels, since kernel ` +
      `profile ${profile.name} is of that arch`,
  );
}

function memorySize(options: GivenOptions, profile: KernelProfile, hardware: string): number {
  const memoryBytes = options.number("memory") ?? usualMemory(profile, hardware);
  if (memoryBytes % MIB !== 0) {
    throw new UsageError(
      `${options.command}: --memory: ${memoryBytes} bytes are no whole MiB; take ` +
        `${Math.ceil(memoryBytes / MIB)}M`,
    );
  }
  return memoryBytes;
}

/** What of a run somebody chose. */
export interface RunWish {
  readonly part: MainlinePart;
  readonly profile: KernelProfile;
  /** Name of a hardware profile. */
  readonly hardware: string;
  /** What the profiles want unless given. */
  readonly memoryBytes?: number;
  readonly cpus?: number;
  readonly seed?: number;
  readonly awayNs?: number;
  readonly verify: boolean;
  readonly choices: readonly Choice[];
  readonly kernelFile?: Uint8Array;
  readonly payload?: Uint8Array;
}

/** RAM in bytes of a machine of which nothing else is said. */
export function usualMemory(profile: KernelProfile, hardware: string): number {
  return Math.max(hardwareProfile(hardware).memoryBytes, profile.memoryMin);
}

/**
 * The settings of such a run. Whoever asks for the same gets the same run, with the same id.
 *
 * @throws {UsageError} for whatever of it cannot be.
 */
export function runSettings(wish: RunWish): RunSettings {
  const { profile, hardware, payload, kernelFile } = wish;
  const memoryBytes = wish.memoryBytes ?? usualMemory(profile, hardware);
  checkSize(profile, memoryBytes);
  return {
    mainline: {
      part: wish.part,
      profile,
      window: windowOf(profile, memoryBytes, kernelFile),
      ...WORK,
      payload: payload !== undefined,
      awayNs: wish.awayNs ?? 0,
      verify: wish.verify,
    },
    memoryBytes,
    cpus: wish.cpus ?? hardwareProfile(hardware).cpus,
    hardware,
    seed: wish.seed ?? 1,
    choices: wish.choices,
    seededOrder: false,
    realBaseUs: REAL_SECONDS * 1_000_000,
    brokenNetwork: false,
    ...(kernelFile === undefined ? {} : { kernelFile }),
    ...(payload === undefined ? {} : { payload }),
  };
}

/**
 * The settings of a run that begins with a new machine.
 *
 * @throws {UsageError} for whatever of it cannot be.
 */
export function newMachineSettings(options: GivenOptions, part: MainlinePart): RunSettings {
  const kernelPath = options.text("kernel");
  const profile = chosenProfile(options);
  const kernelFile = kernelPath === undefined ? undefined : readKernel(kernelPath, profile);
  const hardware = options.text("profile") ?? "small-vm";
  const memoryBytes = memorySize(options, profile, hardware);
  checkSize(profile, memoryBytes);
  const payloadPath = options.text("payload");
  const payload = payloadPath === undefined ? undefined : readUserFile(payloadPath);
  if (payload !== undefined && payload.length > memoryBytes / 2) {
    throw new UsageError(
      `'${payloadPath}' has ${sizeText(payload.length)}, more than half of A's memory of ` +
        `${sizeText(memoryBytes)}: the image would be too large for C; take a larger --memory`,
    );
  }
  const cut = options.text("cut-power-at");
  return runSettings({
    ...{ part, profile, hardware, memoryBytes },
    cpus: options.number("cpus") ?? hardwareProfile(hardware).cpus,
    seed: options.number("seed") ?? 1,
    awayNs: options.number("away") ?? 0,
    verify: !options.flag("no-verify"),
    choices: cut === undefined ? [] : [powerCut(cut)],
    ...(kernelFile === undefined ? {} : { kernelFile }),
    ...(payload === undefined ? {} : { payload }),
  });
}
