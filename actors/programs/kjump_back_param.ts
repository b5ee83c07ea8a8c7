/**
 * kjump_back_param: prints the parameters of a jumping-back image, of which a hibernation image is
 * one kind (protocol.md A.2). Ours reads the header of a hibernating partition.
 *
 * @module
 */
import { describeKhdevHeader } from "../../machine/formats/khdev_header.ts";
import { fromHex } from "../../machine/hex.ts";
import { partitionOf } from "../kernel/block_devices.ts";
import { textOf } from "../kernel/kernel_context.ts";
import { call, done, next, type Procedure, procedure } from "../kernel/procedure.ts";
import { isError } from "../kernel/values.ts";
import { reasonOf, wordsOf } from "./command_line.ts";
import { headerIn } from "./go_to_khdev.ts";
import { dies } from "./kexec_messages.ts";

/** `program:kjump_back_param {argv}`: `kjump_back_param DEVICE`. */
const kjumpBackParam = procedure("program:kjump_back_param", [
  {
    name: "device",
    run: (kernel, vars) => {
      const [, device, ...more] = wordsOf(vars);
      if (device === undefined || more.length > 0) {
        return dies(kernel, 1, "Usage: kjump_back_param DEVICE");
      }
      const partition = partitionOf(device);
      if (partition === undefined) {
        return dies(kernel, 1, `kjump_back_param: ${device}: No such device`);
      }
      return call("partition_place", { partition });
    },
    then: (kernel, vars, answer) => {
      if (isError(answer)) return dies(kernel, 1, `kjump_back_param: ${reasonOf(answer)}`);
      vars["place"] = answer;
      return next;
    },
  },
  {
    name: "header",
    run: (_kernel, vars) => call("khdev_read_block", { place: vars["place"] ?? {} }),
    then: (kernel, vars, answer) => {
      if (isError(answer)) return dies(kernel, 1, `kjump_back_param: ${reasonOf(answer)}`);
      const header = headerIn(fromHex(textOf(answer)));
      if (typeof header === "string") {
        return dies(kernel, 1, `kjump_back_param: ${wordsOf(vars)[1]}: ${header}`);
      }
      for (const line of describeKhdevHeader(header)) kernel.say(line);
      return done();
    },
  },
]);

/** Procedures of this program. */
export const KJUMP_BACK_PARAM_PROCEDURES: readonly Procedure[] = [kjumpBackParam];
