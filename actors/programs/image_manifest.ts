/**
 * The files a saved image consists of, and the manifest that says what was saved.
 *
 * @module
 */
import { type Infer, natural, optional, record, text } from "../../machine/messages/shape.ts";

/** Where the hibernating partition is mounted. */
export const IMAGE_ROOT = "/mnt";

/** The files by what they are. The image is valid exactly while it has the name `image`. */
export const IMAGE_FILES = {
  part: `${IMAGE_ROOT}/dump.elf.part`,
  image: `${IMAGE_ROOT}/dump.elf`,
  used: `${IMAGE_ROOT}/dump.elf.used`,
  sums: `${IMAGE_ROOT}/dump.elf.sum`,
  entry: `${IMAGE_ROOT}/kexec_jump_back_entry`,
  manifest: `${IMAGE_ROOT}/manifest`,
  vmcoreinfo: `${IMAGE_ROOT}/vmcoreinfo`,
} as const;

const MANIFEST = record({
  version: natural,
  /** Name of the image in facts. */
  id: text,
  /** Name of the kernel in it, where that is known. */
  of: optional(text),
  /** Jump-back entry, hexadecimal with `0x`. */
  entry: text,
  level: natural,
  pages: natural,
  bytes: natural,
  /** Page frames in it, as run-length text. */
  runs: text,
  /** SHA-256 of the list of sums. */
  sums: text,
});

/** What the saver wrote about the image. */
export type ImageManifest = Infer<typeof MANIFEST>;

function isManifest(value: unknown): value is ImageManifest {
  return MANIFEST.check(value, "manifest") === undefined;
}

/** The text of a manifest. */
export function emitManifest(manifest: ImageManifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/** The manifest of a text, or `undefined` if it is none. */
export function parseManifest(text: string): ImageManifest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isManifest(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
