/**
 * The step with which the programs that save and restore an image begin: the hibernating
 * partition is mounted where they keep it.
 *
 * @module
 */
import { volumeAt } from "../kernel/mounts.ts";
import { call, next, type Step } from "../kernel/procedure.ts";
import { isError } from "../kernel/values.ts";
import { failWith, reasonOf } from "./command_line.ts";
import { IMAGE_PARTITION, IMAGE_ROOT } from "./image_manifest.ts";

/** Mounts the partition unless it is mounted; a failure ends the program named. */
export function mountImageRoot(program: string): Step {
  return {
    name: "mount",
    run: (kernel) =>
      volumeAt(kernel, IMAGE_ROOT) === undefined
        ? call("fs_mount", { path: IMAGE_ROOT, partition: IMAGE_PARTITION, readOnly: false })
        : next,
    then: (kernel, _vars, answer) =>
      isError(answer)
        ? failWith(kernel, 1, `${program}: mounting ${IMAGE_ROOT} failed: ${reasonOf(answer)}`)
        : next,
  };
}
