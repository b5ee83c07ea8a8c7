/**
 * The synthetic kernel: a bzImage with a real header, whose protected-mode part is a stamp (by
 * which the CPU knows which kernel it is) and half a MiB of bytes that stand for text and data.
 *
 * @module
 */
import { emitBzImage, type KernelArch } from "../../machine/formats/bzimage.ts";
import { Random } from "../../machine/random.ts";

const BODY_BYTES = 512 * 1024;
const MIB = 1024 ** 2;

/** Which kernel. */
export interface SyntheticKernel {
  readonly arch: KernelArch;
  /** Number of the kernel profile, for the stamp. */
  readonly version: number;
  /** Name of the kernel profile, such as "2.6.27". */
  readonly profile: string;
  /** What `uname -r` says; the profile's name unless given. */
  readonly release?: string;
  /** Where it asks to be loaded; the usual place of its architecture unless given. */
  readonly address?: number;
}

/** Boot protocol of the kernel releases that profiles name; of others, the newest here. */
const PROTOCOLS: readonly (readonly [RegExp, number])[] = [
  [/^2\.6\.23\b/, 0x0206],
  [/^2\.6\.24\b/, 0x0207],
  [/^2\.6\.2[5-9]\b/, 0x0209],
];

function protocolOf({ arch, profile }: SyntheticKernel): number {
  // Our x86_64 kernels are entered at 0x200, which boot protocol 2.12 brought.
  if (arch === "x86_64") return 0x020f;
  return PROTOCOLS.find(([name]) => name.test(profile))?.[1] ?? 0x020f;
}

/** Bytes that look like code to a compressor and are the same for the same kernel. */
function bodyOf({ version }: SyntheticKernel): Uint8Array {
  const random = new Random(version);
  const words = new Uint32Array(256);
  for (let index = 0; index < words.length; index++) words[index] = random.word("dictionary");
  const body = new Uint8Array(BODY_BYTES);
  const view = new DataView(body.buffer);
  for (let offset = 0; offset < BODY_BYTES; offset += 16) {
    const word = random.word("text");
    for (let part = 0; part < 4; part++) {
      view.setUint32(offset + part * 4, words[(word >>> (part * 8)) & 0xff] ?? 0, true);
    }
  }
  return body;
}

/** The file, the same for the same arguments. */
export function syntheticKernel(kernel: SyntheticKernel): Uint8Array {
  const is64 = kernel.arch === "x86_64";
  const release = kernel.release ?? kernel.profile;
  return emitBzImage({
    arch: kernel.arch,
    protocolVersion: protocolOf(kernel),
    kernelVersion: `${release} (kjump@laboratory) #1 SMP`,
    stampVersion: kernel.version,
    body: bodyOf(kernel),
    relocatable: true,
    alignment: is64 ? 2 * MIB : 4096,
    initSize: is64 ? 4 * MIB : 2 * MIB,
    prefAddress: kernel.address ?? (is64 ? 16 * MIB : MIB),
  });
}
