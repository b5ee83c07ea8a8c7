/**
 * Rules of the device an image is on: what it must be, who else may use it, and what `noresume`
 * means for it (protocol.md B.2.6, B.5.6, B.5.7).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import type { Fact } from "../facts.ts";
import { plainDevice } from "./command_line.ts";
import { PerKernel } from "./per_kernel.ts";

const SWAP_SIGNATURES: readonly string[] = ["SWAPSPACE2", "SWAP-SPACE"];

/** What is wrong with a device that an image is to go to; a file of A's own is not judged. */
function deviceFault(device: Fact<"image_device">): string | undefined {
  if (device.kind === "swap") {
    if (!SWAP_SIGNATURES.includes(device.signature)) return `has signature '${device.signature}'`;
    return device.active ? undefined : "is no active swap area";
  }
  if (device.kind === "file") return undefined;
  if (device.mounted) return "is mounted";
  if (device.active || SWAP_SIGNATURES.includes(device.signature)) return "is swap";
  return /ext|fat|xfs|btrfs|iso/i.test(device.signature)
    ? `has a file system, '${device.signature}'`
    : undefined;
}

const RIGHT_DEVICE: Rule = {
  id: "F56",
  severity: "error",
  statement: "An image is committed to an active swap area with its signature, or to a raw " +
    "partition without file system",
  source: "protocol.md F.1 F56, B.5.6 steps 1 and 6, B.2.6 issue 2",
  systems: "VS",
  kind: "never",
  open(context) {
    const devices = new PerKernel(() => ({
      looked: undefined as Fact<"image_device"> | undefined,
    }));
    return {
      facts: {
        boot: ({ k }) => devices.forget(k),
        image_device: (device) => void (devices.of(device.k).looked = device),
        image({ k, op, id }) {
          const looked = devices.known(k)?.looked;
          if (looked === undefined || looked.kind === "file") return;
          if (op !== "commit" && op !== "abort") return;
          devices.forget(k);
          const fault = deviceFault(looked);
          if (op === "commit" && fault !== undefined) {
            context.violated(`image ${id} is committed to '${looked.device}', which ${fault}`);
          } else if (op === "commit" || fault !== undefined) context.held();
        },
      },
    };
  },
};

const NOBODY_ELSE: Rule = {
  id: "F57",
  severity: "error",
  statement: "The partition that takes images is used for nothing else",
  source: "protocol.md F.1 F57, B.2.6 issue 2",
  systems: "V",
  kind: "never",
  open(context) {
    let home: string | undefined;
    // Devices in use, with the kernels that use them.
    const used = new Map<string, Set<string>>();
    const use = (k: string, device: string) => {
      const name = plainDevice(device);
      let users = used.get(name);
      if (users === undefined) used.set(name, users = new Set());
      users.add(k);
      if (name === home) context.violated(`kernel ${k} uses '${device}', which takes images`);
    };
    const leave = (k: string, device: string) => void used.get(plainDevice(device))?.delete(k);
    return {
      facts: {
        boot({ k }) {
          for (const users of used.values()) users.delete(k);
        },
        mount: ({ k, fs }) => use(k, fs),
        unmount: ({ k, fs }) => leave(k, fs),
        swap_area({ k, device, op, result }) {
          if (op === "on" && result === 0) use(k, device);
          else if (op === "off") leave(k, device);
        },
        image_device({ k, device, kind }) {
          if (kind !== "raw") return;
          home = plainDevice(device);
          const [user] = used.get(home) ?? [];
          if (user === undefined) context.held();
          else context.violated(`kernel ${k} writes an image to '${device}', ${user} uses it`);
        },
      },
    };
  },
};

const NO_RESUME: Rule = {
  id: "F62",
  severity: "error",
  statement: "With noresume no image is read, and one that is there is invalidated before the " +
    "swap or the file systems of its kernel are used",
  source: "protocol.md F.1 F62, B.5.7 step 1",
  systems: "S",
  kind: "always-before",
  open(context) {
    const mounts = new PerKernel(() => new Set<string>());
    let valid: {
      readonly id: string;
      readonly of: string;
      readonly mounts: ReadonlySet<string>;
    } | undefined;
    // The kernel that was told not to resume.
    let told: string | undefined;
    const uses = (k: string, what: string, device: string | undefined) => {
      if (k !== told || valid === undefined) return;
      if (device !== undefined && !valid.mounts.has(device)) return;
      context.violated(`kernel ${k} uses ${what} while image ${valid.id} is valid`);
      told = undefined;
    };
    return {
      facts: {
        power: () => void (told = undefined),
        boot: ({ k }) => mounts.forget(k),
        resume_attempt({ k, noresume, read }) {
          // A person may ask for it later by writing /sys/power/resume.
          if (!noresume && told === k) told = undefined;
          if (!noresume) return;
          told = k;
          if (read) context.violated(`kernel ${k} reads an image in spite of noresume`);
          else context.held();
        },
        image({ k, op, id, of }) {
          if (op === "commit") {
            const owner = of ?? k;
            valid = { id, of: owner, mounts: new Set(mounts.of(owner)) };
          } else if (op === "invalidate" && id === valid?.id) valid = undefined;
          else if (op === "load" && k === told) {
            context.violated(`kernel ${k} loads image ${id} in spite of noresume`);
          }
        },
        swap_area({ k, op, device, result }) {
          if (op === "on" && result === 0) uses(k, `swap '${device}'`, undefined);
        },
        mount({ k, fs }) {
          uses(k, `'${fs}'`, fs);
          mounts.of(k).add(fs);
        },
        unmount: ({ k, fs }) => void mounts.of(k).delete(fs),
      },
    };
  },
};

/** Rules F56, F57 and F62. */
export const IMAGE_DEVICE_RULES: readonly Rule[] = [RIGHT_DEVICE, NOBODY_ELSE, NO_RESUME];
