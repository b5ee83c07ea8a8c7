/**
 * Rules of the file systems around a hibernation: hands off what a kernel in an image has mounted
 * (protocol.md F58, F59).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { parameter, plainDevice } from "./command_line.ts";
import { PerKernel } from "./per_kernel.ts";

/** File systems of each kernel, now and as they were at its last preserving jump. */
class Mounts {
  readonly #now: PerKernel<Set<string>> = new PerKernel(() => new Set());
  readonly #atJump: Map<string, ReadonlySet<string>> = new Map();

  mount(k: string, fs: string): void {
    this.#now.of(k).add(fs);
  }
  unmount(k: string, fs: string): void {
    this.#now.of(k).delete(fs);
  }
  boot(k: string): void {
    this.#now.forget(k);
  }
  jump(from: string): void {
    this.#atJump.set(from, new Set(this.#now.of(from)));
  }
  now(k: string): ReadonlySet<string> {
    return this.#now.of(k);
  }
  atJump(k: string): ReadonlySet<string> | undefined {
    return this.#atJump.get(k);
  }
}

/** A committed image whose kernel has file systems mounted. */
interface Guard {
  readonly id: string;
  readonly of: string;
  readonly saver: string;
  readonly file_systems: ReadonlySet<string>;
  /** The commit is on the medium; before that power may take the image. */
  durable: boolean;
  invalid: boolean;
  broken: boolean;
  /** A kernel of the same name has booted: it is not the one in the image. */
  namesake: boolean;
}

/** The guard of an image, if it is known whose it is and what that one has mounted. */
function guardFor(
  mounts: Mounts,
  { id, of, saver, durable }: Pick<Guard, "id" | "saver" | "durable"> & {
    readonly of: string | undefined;
  },
): Guard | undefined {
  const fileSystems = of === undefined ? undefined : mounts.atJump(of);
  if (of === undefined || fileSystems === undefined) return undefined;
  const fresh = { invalid: false, broken: false, namesake: false };
  return { id, of, saver, file_systems: fileSystems, durable, ...fresh };
}

const HANDS_OFF: Rule = {
  id: "F58",
  severity: "error",
  statement:
    "From an image's commit until its kernel runs again no other kernel mounts, reads or " +
    "writes a file system that kernel has mounted",
  source: "protocol.md F.1 F58, G.2 (file system touched between)",
  systems: "*",
  kind: "never",
  open(context) {
    const mounts = new Mounts();
    const kernels = new Set<string>();
    let away: string | undefined;
    let guard: Guard | undefined;
    const leave = (k: string) => {
      if (!kernels.has(k)) return;
      mounts.jump(k);
      away = k;
    };
    const touch = (k: string, fs: string, what: string) => {
      if (guard === undefined || !kernels.has(k) || !guard.file_systems.has(fs)) return;
      if (k === guard.of && !guard.namesake) return;
      guard.broken = true;
      context.violated(`kernel ${k} ${what} '${fs}', which kernel ${guard.of} has mounted`);
    };
    return {
      facts: {
        boot({ k }) {
          kernels.add(k);
          mounts.boot(k);
          if (guard?.of === k) guard.namesake = true;
        },
        mount({ k, fs }) {
          touch(k, fs, "mounts");
          mounts.mount(k, fs);
        },
        unmount: ({ k, fs }) => mounts.unmount(k, fs),
        fs_read: ({ k, fs }) => touch(k, fs, "reads"),
        fs_write: ({ k, fs }) => touch(k, fs, "writes"),
        jump({ from, preserve }) {
          if (preserve) leave(from);
        },
        // A kernel that copies its memory saves itself.
        snapshot({ k, result }) {
          if (result === 0) leave(k);
        },
        pageset({ k, set, op }) {
          if (set === "1" && op === "copy") leave(k);
        },
        image({ k, op, id, of }) {
          if (op === "commit") {
            guard = guardFor(mounts, { id, of: of ?? away, saver: k, durable: false });
          } else if (op === "load") {
            guard ??= guardFor(mounts, { id, of: of ?? away, saver: k, durable: true });
          } else if (op === "invalidate" && guard?.id === id) guard.invalid = true;
        },
        flush({ k, op }) {
          if (guard !== undefined && op === "done" && guard.saver === k) guard.durable = true;
        },
        power({ op }) {
          // An image that is gone protects nobody: what boots next may use the file systems.
          if (
            op !== "on" && op !== "wake" && guard !== undefined && (guard.invalid || !guard.durable)
          ) {
            guard = undefined;
          }
        },
        resumed({ k }) {
          if (guard === undefined || guard.of !== k) return;
          if (!guard.broken) context.held();
          guard = undefined;
        },
      },
    };
  },
};

/** An image that is committed, as the look for it knows it. */
interface Stored {
  readonly id: string;
  readonly saver: string;
  /** File systems its writer had mounted: one of them has the image. */
  readonly home: ReadonlySet<string>;
  /** What the kernel in the image has mounted. */
  readonly used: ReadonlySet<string>;
  durable: boolean;
}

/** The kernel that power-on booted, with the file systems it mounted before it looked. */
interface Boot {
  readonly k: string;
  readonly early: string[];
  readonly root: string;
  checked: boolean;
}

/** Whether a file system may be mounted before the look. */
function isHarmless(fs: string, boot: Boot, image: Stored | undefined): boolean {
  if (image === undefined) return false;
  // A root of its own, which the kernel in the image has not mounted, is no danger (R).
  return image.home.has(fs) || (plainDevice(fs) === boot.root && !image.used.has(fs));
}

const CHECK_BEFORE_MOUNT: Rule = {
  id: "F59",
  severity: "error",
  statement:
    "A kernel that power-on boots looks for an image before it mounts any file system but " +
    "the one the image is on",
  source: "protocol.md F.1 F59. The image's own file system is taken to be what its writer had " +
    "mounted at the commit, or, where that was not seen, the last one mounted before the check. " +
    "A kernel's own root that the one in the image has not mounted may come first (B.1.2). " +
    "A boot that never looks is judged only while a flushed, valid image is known",
  systems: "*",
  kind: "always-before",
  open(context) {
    const mounts = new Mounts();
    let image: Stored | undefined;
    let away: string | undefined;
    let jumped = true;
    let boot: Boot | undefined;
    return {
      facts: {
        power({ op }) {
          // The firmware says that it woke after it said that power is on.
          if (op === "wake") return;
          jumped = op !== "on";
          boot = undefined;
          if (op !== "on" && image !== undefined && !image.durable) image = undefined;
        },
        jump({ from }) {
          jumped = true;
          away = from;
        },
        boot({ k, cmdline }) {
          mounts.boot(k);
          const root = plainDevice(parameter(cmdline, "root") ?? "");
          boot = jumped ? undefined : { k, early: [], checked: false, root };
        },
        mount({ k, fs }) {
          mounts.mount(k, fs);
          if (boot?.k !== k || boot.checked || isHarmless(fs, boot, image)) return;
          boot.early.push(fs);
          if (image?.durable) {
            context.violated(`kernel ${k} mounts '${fs}' before it looked for image ${image.id}`);
          }
        },
        unmount: ({ k, fs }) => mounts.unmount(k, fs),
        flush({ k, op }) {
          if (op === "done" && image?.saver === k) image.durable = true;
        },
        image({ k, op, id, of }) {
          if (op === "commit") {
            const home = new Set(mounts.now(k));
            const used = new Set(mounts.now(of ?? away ?? k));
            image = { id, saver: k, home, used, durable: false };
          }
          if (op === "invalidate" && image?.id === id) image = undefined;
          if (op !== "check" || boot?.k !== k || boot.checked) return;
          boot.checked = true;
          // Broken already where the image's own file system is known.
          if (image !== undefined) {
            if (boot.early.length === 0) context.held();
          } else if (boot.early.length <= 1) context.held();
          else {
            context.violated(
              `kernel ${k} mounted '${boot.early[0]}' before it looked for image ${id}`,
            );
          }
        },
        resume_attempt({ k }) {
          if (boot?.k !== k || boot.checked) return;
          boot.checked = true;
          if (boot.early.length === 0) context.held();
        },
        resumed: () => void (image = undefined),
      },
    };
  },
};

/** Rules F58 and F59. */
export const STORAGE_RULES: readonly Rule[] = [HANDS_OFF, CHECK_BEFORE_MOUNT];
