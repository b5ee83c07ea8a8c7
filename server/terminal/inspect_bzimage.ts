/**
 * The set-up header of a bzImage.
 *
 * @module
 */
import { bzImageLoadBytes, kernelDigest, parseBzImage } from "../../machine/formats/bzimage.ts";
import { formatStamp, parseStamp, STAMP_BYTES } from "../../machine/formats/stamp.ts";
import type { DiskFile } from "./disk_file.ts";
import type { Inspection } from "./inspection.ts";
import { hexText, plural } from "./values.ts";

/** @throws {FormatError} if it is not a whole bzImage. */
export function inspectBzImage(file: DiskFile): Inspection {
  const bytes = file.read(0, file.byteLength);
  const info = parseBzImage(bytes);
  const major = info.protocolVersion >> 8;
  const minor = info.protocolVersion & 0xff;
  const body = bzImageLoadBytes(bytes);
  const stamp = body.length < STAMP_BYTES ? undefined : parseStamp(body.subarray(0, STAMP_BYTES));
  return {
    kind: "bzImage",
    about: `a bzImage for ${info.arch}, ${info.kernelVersion || "without a version text"}`,
    sections: [
      {
        title: "Set-up header",
        rows: [
          ["version text", info.kernelVersion],
          ["boot protocol", `${major}.${minor}`],
          ["arch", info.arch],
          ["set-up", plural(info.setupBytes, "byte")],
          ["protected-mode part", `${plural(info.bodyBytes, "byte")} (${info.loadBytes} loaded)`],
          ["load flags", hexText(info.loadFlags)],
          ["extended load flags", hexText(info.extendedLoadFlags)],
          ["relocatable", info.relocatable ? `yes, to ${hexText(info.kernelAlignment)}` : "no"],
          ["preferred address", hexText(info.preferredAddress)],
          ["init_size", `${hexText(info.initSize)}`],
          ["command line", `at most ${plural(info.commandLineSize, "byte")}`],
          ["ramdisk", `below ${hexText(info.initrdAddressMax)}`],
          ["payload", `${plural(info.payloadLength, "byte")} at ${hexText(info.payloadOffset)}`],
          ["SHA-256", kernelDigest(bytes)],
        ],
      },
      ...(stamp === undefined
        ? []
        : [{ title: "Stamp", rows: [["program", formatStamp(stamp)] as const] }]),
    ],
  };
}
