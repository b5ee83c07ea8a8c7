/**
 * What identifies the hardware configuration for which an image of B was prepared (protocol.md
 * B.2.2, F13): the signature firmware keeps in the FACS, and its memory map. B's core headers and
 * its memory map date from the preparation, so the image is right only for the same machine.
 *
 * @module
 */
import { e820Crc32 } from "../../machine/formats/e820.ts";
import { type Infer, record, text } from "../../machine/messages/shape.ts";
import type { Kernel } from "./kernel_context.ts";

const CONFIGURATION = record({
  /** FACS hardware signature, hexadecimal with `0x`; "none" for a kernel without ACPI. */
  signature: text,
  /** CRC-32 over the firmware's memory map, likewise. */
  map: text,
  /** Release of the kernel in the image and of the one that loads it. */
  release: text,
});

/** See the module's header. */
export type HardwareConfiguration = Infer<typeof CONFIGURATION>;

/** The side file of an image: what was so when it was prepared. */
export function configurationPath(image: string): string {
  return `${image}.hw`;
}

/** The machine as this kernel finds it. */
export function hardwareConfiguration(kernel: Kernel): HardwareConfiguration {
  const { acpi, firmwareMap } = kernel.state;
  const hex = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`;
  const signature = acpi?.sleep?.signature;
  return {
    signature: signature === undefined ? "none" : hex(signature),
    map: hex(e820Crc32(firmwareMap)),
    release: kernel.profile.release,
  };
}

/** The text of a side file. */
export function emitConfiguration(configuration: HardwareConfiguration): string {
  return `${JSON.stringify(configuration, null, 1)}\n`;
}

function isConfiguration(value: unknown): value is HardwareConfiguration {
  return CONFIGURATION.check(value, "configuration") === undefined;
}

/** The configuration of a text, or `undefined` if it is none. */
export function parseConfiguration(source: string): HardwareConfiguration | undefined {
  try {
    const value: unknown = JSON.parse(source);
    return isConfiguration(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What differs, for a person; "" where nothing does. */
export function difference(
  prepared: HardwareConfiguration,
  found: HardwareConfiguration,
): string {
  const parts: string[] = [];
  if (prepared.signature !== found.signature) {
    parts.push(`hardware signature ${prepared.signature}, now ${found.signature}`);
  }
  if (prepared.map !== found.map) parts.push(`memory map ${prepared.map}, now ${found.map}`);
  if (prepared.release !== found.release) {
    parts.push(`kernel ${prepared.release}, now ${found.release}`);
  }
  return parts.join("; ");
}
