/**
 * Rules of how writing an image ends: given up, or done and nothing after it but power-off
 * (protocol.md B.5.4, B.5.6, G.2).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { plainDevice } from "./command_line.ts";
import { PerKernel } from "./per_kernel.ts";

const GIVEN_UP: Rule = {
  id: "F54",
  severity: "error",
  statement: "An image whose writing failed is not committed, no sleep follows, its blocks are " +
    "given back and its kernel goes on",
  source: "protocol.md F.1 F54, B.5.6 (on error), G.2",
  systems: "VS",
  kind: "matches",
  open(context) {
    // Blocks of swap that a writer holds, by device.
    const blocks = new PerKernel(() => new Set<string>());
    const targets = new Map<string, string>();
    let failed: { readonly id: string; readonly k: string; readonly of: string } | undefined;
    const goesOn = (k: string) => {
      if (failed === undefined || (k !== failed.of && k !== failed.k)) return;
      const [left] = blocks.of(failed.k);
      if (left === undefined) context.held();
      else context.violated(`kernel ${failed.k} keeps blocks of '${left}' for a failed image`);
      failed = undefined;
    };
    return {
      facts: {
        boot: ({ k }) => blocks.forget(k),
        // An image in swap takes its blocks as it is written.
        image_device({ k, device, kind, active }) {
          if (kind === "swap" && active) targets.set(k, plainDevice(device));
          else targets.delete(k);
        },
        swap_area({ k, device: name, op, result }) {
          const device = plainDevice(name);
          if (op === "allocate" && result >= 0) blocks.of(k).add(device);
          else if (op === "free" || op === "off") blocks.of(k).delete(device);
        },
        image({ k, op, id, of }) {
          const target = targets.get(k);
          if (op === "begin" && target !== undefined) blocks.of(k).add(target);
          if (op === "begin") failed = undefined;
          else if (op === "abort") failed = { id, k, of: of ?? k };
          else if (op === "commit" && id === failed?.id) {
            context.violated(`image ${id} is committed although writing it failed`);
          }
          if (op === "commit") blocks.forget(k);
        },
        power({ op, k }) {
          if ((op === "sleep" || op === "off") && k !== undefined && k === failed?.k) {
            context.violated(`kernel ${k} turns the machine off after its image failed`);
          }
          if (op !== "wake" && op !== "on") failed = undefined;
        },
        thaw({ k, what }) {
          if (what !== "kthreads") goesOn(k);
        },
        resumed: ({ k }) => goesOn(k),
      },
    };
  },
};

const ONLY_DOWN: Rule = {
  id: "F55",
  severity: "error",
  statement: "After the commit the kernel in the image does nothing but go down, unless the " +
    "image is invalidated first",
  source: "protocol.md F.1 F55, B.5.4 (power_down)",
  systems: "VS",
  kind: "never",
  open(context) {
    let image: { readonly id: string; readonly of: string } | undefined;
    const does = (k: string, what: string) => {
      if (image?.of !== k) return;
      context.violated(`kernel ${k} ${what} although image ${image.id} of it is valid`);
      image = undefined;
    };
    return {
      facts: {
        image({ k, op, id, of }) {
          if (op === "commit") image = { id, of: of ?? k };
          else if (op === "invalidate" && id === image?.id) {
            context.held();
            image = undefined;
          } else if (op === "begin") image = undefined;
        },
        power({ op }) {
          if (op === "on" || op === "wake") return;
          if (image !== undefined && (op === "off" || op === "sleep")) context.held();
          image = undefined;
        },
        thaw({ k, what }) {
          if (what !== "kthreads") does(k, "thaws its tasks");
        },
        resumed: ({ k }) => does(k, "goes on"),
        exec: ({ k }) => does(k, "executes an image"),
        mount: ({ k, fs }) => does(k, `mounts '${fs}'`),
        fs_read: ({ k, fs }) => does(k, `reads '${fs}'`),
        fs_write: ({ k, fs }) => does(k, `writes '${fs}'`),
      },
    };
  },
};

/** Rules F54 and F55. */
export const IMAGE_END_RULES: readonly Rule[] = [GIVEN_UP, ONLY_DOWN];
