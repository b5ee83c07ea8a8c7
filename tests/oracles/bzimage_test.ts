import { match, ok, strictEqual, throws } from "node:assert/strict";
import { FormatError } from "../../machine/errors.ts";
import { emitBootParams, LOADER_KEXEC } from "../../machine/formats/boot_params.ts";
import {
  type BzImageSource,
  emitBzImage,
  parseBzImage,
  setupHeaderBytes,
} from "../../machine/formats/bzimage.ts";
import { leastWindow } from "../../machine/formats/kernel_window.ts";
import { hasTool, run } from "./tools.ts";
import { realKernel } from "./real_kernel.ts";

const MIB = 1024 * 1024;

const SOURCES: readonly BzImageSource[] = [
  {
    arch: "x86_64",
    protocolVersion: 0x020f,
    kernelVersion: "6.1.192-kjump (lab@kjump) #1 SMP",
    stampVersion: 1,
    body: new Uint8Array(5000),
    relocatable: true,
    alignment: 2 * MIB,
    initSize: 16 * MIB,
    prefAddress: 16 * MIB,
  },
  {
    arch: "i386",
    protocolVersion: 0x0209,
    kernelVersion: "2.6.27-kjump (lab@kjump) #1",
    stampVersion: 1,
    body: new Uint8Array(5000),
    relocatable: true,
    alignment: MIB,
    initSize: 0,
    prefAddress: MIB,
  },
];

const KERNEL = realKernel();

async function fileSays(path: string): Promise<string> {
  const { code, stdout } = await run("file", ["-b", "-L", path]);
  strictEqual(code, 0);
  return stdout;
}

for (const source of SOURCES) {
  Deno.test({
    name: `file knows an emitted ${source.arch} bzImage and its version`,
    ignore: !hasTool("file"),
    fn: async () => {
      const path = await Deno.makeTempFile();
      try {
        await Deno.writeFile(path, emitBzImage(source));
        const said = await fileSays(path);
        const wanted = `Linux kernel x86 boot executable bzImage, version ${source.kernelVersion}`;
        ok(said.startsWith(wanted), said);
      } finally {
        await Deno.remove(path);
      }
    },
  });
}

Deno.test({
  name: "parseBzImage reads a real kernel as file does",
  ignore: KERNEL === undefined || !hasTool("file"),
  fn: async () => {
    if (KERNEL === undefined) return;
    const bytes = await Deno.readFile(KERNEL);
    const info = parseBzImage(bytes);
    const said = await fileSays(KERNEL);
    match(info.kernelVersion, /^\d+\.\d+\.\d+/);
    ok(said.includes(`bzImage, version ${info.kernelVersion}`), said);
    ok(info.payloadOffset + info.payloadLength <= info.bodyBytes);
    ok(info.initSize > info.bodyBytes);
    strictEqual(info.kernelAlignment, 2 ** info.minAlignment);
    throws(() => parseBzImage(bytes.subarray(0, bytes.length / 2)), FormatError);
  },
});

Deno.test({
  name: "emitBootParams takes a real kernel's header, and leastWindow has a window for it",
  ignore: KERNEL === undefined,
  fn: async () => {
    if (KERNEL === undefined) return;
    const bytes = await Deno.readFile(KERNEL);
    const page = emitBootParams({
      setupHeader: setupHeaderBytes(bytes),
      loaderType: LOADER_KEXEC,
      commandLineAddress: 0x1000,
      ramdiskAddress: 0,
      ramdiskBytes: 0,
      setupDataAddress: 0,
      acpiRsdpAddress: 0,
      e820: [],
    });
    strictEqual(page[0x1f1], bytes[0x1f1]);
    const kernel = parseBzImage(bytes);
    const least = leastWindow({
      arch: kernel.arch,
      kernel,
      initrdBytes: 8 * MIB,
      cmdlineBytes: 300,
      coreHeaderBytes: 1024,
      purgatoryBytes: 0x70e0,
      memMin: 64 * MIB,
    });
    ok(least !== undefined);
    ok(least.windowBytes > kernel.initSize && least.windowBytes < kernel.initSize + 16 * MIB);
  },
});
