/**
 * The step with which the programs that save and restore an image begin: the hibernating
 * partition is mounted where they keep it.
 *
 * @module
 */
import { hibernatingNumber, PARTITION } from "../../machine/formats/disk_layout.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { PLACE } from "../kernel/block_devices.ts";
import { type Kernel, numberOf } from "../kernel/kernel_context.ts";
import { volumeAt } from "../kernel/mounts.ts";
import { call, goto, next, type Step } from "../kernel/procedure.ts";
import { isError, readAs } from "../kernel/values.ts";
import { failWith, reasonOf } from "./command_line.ts";
import { IMAGE_ROOT } from "./image_manifest.ts";

/**
 * Mounts the partition, unless something is mounted there already; a failure ends the program
 * named. It is the third, unless the disk's table has the extended one there (the workshop's
 * layout): that cannot be mounted, and the table is looked at only then.
 */
export function mountImageRoot(program: string): readonly Step[] {
  const failed = (kernel: Kernel, answer: Plain) =>
    failWith(kernel, 1, `${program}: mounting ${IMAGE_ROOT} failed: ${reasonOf(answer)}`);
  const mount = (partition: number) =>
    call("fs_mount", { path: IMAGE_ROOT, partition, readOnly: false });
  return [
    {
      name: "mount",
      run: (kernel) =>
        volumeAt(kernel, IMAGE_ROOT) === undefined ? mount(PARTITION.hibernating) : goto("mounted"),
      then(_kernel, vars, answer) {
        if (!isError(answer)) return goto("mounted");
        vars["mountResult"] = answer;
        return next;
      },
    },
    {
      name: "look",
      run: () => call("partition_place", { partition: PARTITION.hibernating }),
      then(kernel, vars, answer) {
        const number = isError(answer)
          ? PARTITION.hibernating
          : hibernatingNumber(readAs(PLACE, answer).type);
        vars["imagePartition"] = number;
        return number === PARTITION.hibernating ? failed(kernel, vars["mountResult"] ?? 0) : next;
      },
    },
    {
      name: "mount logical",
      run: (_kernel, vars) => mount(numberOf(vars["imagePartition"])),
      then: (kernel, _vars, answer) => isError(answer) ? failed(kernel, answer) : next,
    },
    { name: "mounted", run: () => next },
  ];
}
