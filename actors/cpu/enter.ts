/**
 * Entering code: what runs is decided by the bytes at the entry address (DESIGN.md law 2). Our
 * own programs carry a stamp; a real bzImage is known by its set-up header, which boot_params in
 * RAM has a copy of. Anything else is an invalid opcode, and with no handler a triple fault.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  BOOT_PARAMS_BYTES,
  COMMAND_LINE_BYTES,
  parseBootParams,
} from "../../machine/formats/boot_params.ts";
import {
  parseStamp,
  type Stamp,
  STAMP_BYTES,
  STAMP_KIND,
  verifyStamp,
} from "../../machine/formats/stamp.ts";
import { profileOfVersion } from "../kernel/profiles.ts";
import { tripleFault } from "./fault.ts";
import { startReentry } from "./relocate.ts";
import {
  bytesVar,
  finishJob,
  type MicroStep,
  numberVar,
  readThen,
  type StepContext,
  textVar,
  viewThen,
} from "./steps.ts";

/** The stamp in the bytes; `undefined` where there is none or one that makes no sense. */
function stampIn(bytes: Uint8Array): Stamp | undefined {
  try {
    return parseStamp(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

const takeStamp: MicroStep = (context) => {
  const { vars, answer } = context;
  const stamp = stampIn(answer.bytes);
  vars["stamp"] = toHex(answer.bytes);
  if (stamp === undefined) return unstamped(context);
  viewThen(context, numberVar(vars, "entry") + STAMP_BYTES, stamp.length, "enter.body");
};

/** No stamp: a real kernel shows itself through boot_params. */
function unstamped(context: StepContext): void {
  const argument = numberVar(context.vars, "argument");
  if (argument === 0) return invalidOpcode(context);
  readThen(context, argument, BOOT_PARAMS_BYTES, "enter.real");
}

function invalidOpcode(context: StepContext): void {
  tripleFault(context, `#UD at 0x${numberVar(context.vars, "entry").toString(16)}`);
}

/** The stamp's program is all here: check its digest, then ask what it is. */
const takeBody: MicroStep = (context) => {
  const { vars, answer, access } = context;
  const stamp = stampIn(bytesVar(vars, "stamp"));
  if (stamp === undefined) return invalidOpcode(context);
  const body = new Uint8Array(stamp.length);
  let at = 0;
  for (const grant of answer.grants) {
    body.set(access.read(grant.start, grant.length), at);
    at += grant.length;
  }
  context.out.send("memory", "memory.release", { grants: answer.grants });
  if (!verifyStamp(stamp, body)) return invalidOpcode(context);
  start(context, stamp);
};

/** Behaviour of the kernels of that version: the laboratory's own, or one that was brought. */
function kernelBehaviourOf({ state }: StepContext, version: number): string | undefined {
  return profileOfVersion(version) === undefined ? state.guests[String(version)] : "kernel";
}

function start(context: StepContext, stamp: Stamp): void {
  const { vars } = context;
  vars["version"] = stamp.version;
  switch (stamp.kind) {
    case STAMP_KIND.kernel:
      // Text of a kernel that nobody here knows is no code this processor can run.
      if (kernelBehaviourOf(context, stamp.version) === undefined) return invalidOpcode(context);
      return readThen(context, numberVar(vars, "argument"), BOOT_PARAMS_BYTES, "enter.kernel");
    case STAMP_KIND.purgatory:
      return run(context, "purgatory", "purgatory", false);
    case STAMP_KIND.bootLoader:
      return run(context, "loader", "boot_loader", false);
    case STAMP_KIND.physicalMode:
      return run(context, "phy_mode", "physical_mode", false);
    case STAMP_KIND.reentry:
      return startReentry(context, stamp.flags, stamp.argument);
    default:
      invalidOpcode(context);
  }
}

/** A kernel's name stands on its command line. */
const takeBootParams: MicroStep = (context) => {
  const { vars, answer } = context;
  try {
    const address = parseBootParams(answer.bytes).commandLineAddress;
    readThen(context, address, COMMAND_LINE_BYTES, "enter.command_line");
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    tripleFault(context, `boot_params at 0x${numberVar(vars, "argument").toString(16)}`);
  }
};

/** Version numbers in stamps that a real kernel's release stands for. */
const REAL_KERNEL_VERSION = 6101;

const takeRealKernel: MicroStep = (context) => {
  try {
    parseBootParams(context.answer.bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return invalidOpcode(context);
  }
  context.vars["version"] = REAL_KERNEL_VERSION;
  takeBootParams(context);
};

/** Names that parts of the machine have: a kernel called so gets another one. */
const PARTS: ReadonlySet<string> = new Set([
  "console",
  "cpu",
  "disk",
  "firmware",
  "loader",
  "memory",
  "network",
  "observer",
  "operator",
  "pci",
  "phy_mode",
  "purgatory",
  "rtc",
]);

const takeCommandLine: MicroStep = (context) => {
  const { answer } = context;
  const end = answer.bytes.indexOf(0);
  const text = new TextDecoder("latin1").decode(
    answer.bytes.subarray(0, end < 0 ? answer.bytes.length : end),
  );
  const name = /(?:^| )hostname=([!-~]{1,16})(?: |$)/.exec(text)?.[1] ?? "linux";
  const behaviour = kernelBehaviourOf(context, numberVar(context.vars, "version")) ?? "kernel";
  run(context, PARTS.has(name) ? `${name}-kernel` : name, behaviour, true);
};

const CR0_PG = 0x8000_0000;

/** How code addresses memory that the relocate code has called (C.7 step 12). */
function addressing(cr0: number): "paging off" | "identity map" {
  return cr0 >= CR0_PG ? "identity map" : "paging off";
}

function run(context: StepContext, name: string, behaviour: string, kernel: boolean): void {
  const { state, vars, out } = context;
  const hex = (field: string): string => `0x${numberVar(vars, field).toString(16)}`;
  if (vars["jump"] === true) {
    out.fact("jump", {
      from: textVar(vars, "from"),
      to: name,
      entry: hex("entry"),
      preserve: vars["preserve"] === true,
      sp: hex("sp"),
      word: hex("word"),
    });
  }
  out.spawn(name, behaviour, {
    name,
    resuming: false,
    version: numberVar(vars, "version"),
  });
  state.running = name;
  state.kernel = kernel;
  state.interrupts = false;
  out.send(name, "program.start", {
    entry: numberVar(vars, "entry"),
    sp: numberVar(vars, "sp"),
    word: numberVar(vars, "word"),
    argument: numberVar(vars, "argument"),
    ...(behaviour === "physical_mode" ? { mode: addressing(state.registers.cr0) } : {}),
  }, state.jumpNs);
  finishJob(state);
}

/** Steps by name. */
export const ENTER_STEPS: Readonly<Record<string, MicroStep>> = {
  "enter.stamp": takeStamp,
  "enter.body": takeBody,
  "enter.real": takeRealKernel,
  "enter.kernel": takeBootParams,
  "enter.command_line": takeCommandLine,
};
