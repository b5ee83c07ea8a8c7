import { match, strictEqual } from "node:assert/strict";
import { emitCpio, MODE_DIRECTORY, MODE_FILE, parseCpio } from "../../machine/formats/cpio.ts";
import { hasTool, run } from "./tools.ts";

const ROOTFS = emitCpio([
  { path: "bin", mode: MODE_DIRECTORY | 0o755, data: new Uint8Array() },
  { path: "bin/kexec", mode: MODE_FILE | 0o755, data: new TextEncoder().encode("#!kexec\n") },
  { path: "init", mode: MODE_FILE | 0o700, data: new Uint8Array(5000).fill(7) },
]);

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "file calls an emitted archive newc cpio",
  ignore: !hasTool("file"),
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeFile(`${folder}/rootfs`, ROOTFS);
      const { stdout } = await run("file", ["-b", `${folder}/rootfs`]);
      match(stdout, /^ASCII cpio archive \(SVR4 with no CRC\)/);
    }),
});

Deno.test({
  name: "cpio lists the members of an emitted archive",
  ignore: !hasTool("cpio"),
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeFile(`${folder}/rootfs`, ROOTFS);
      const { code, stdout } = await run("cpio", ["-t", "-F", `${folder}/rootfs`]);
      strictEqual(code, 0);
      strictEqual(stdout, "bin\nbin/kexec\ninit\n");
    }),
});

Deno.test({
  name: "parseCpio reads what cpio makes",
  ignore: !hasTool("cpio"),
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/init`, "hello");
      const archive = `${folder}.cpio`;
      const script = 'cd "$1" && echo init | cpio -o -H newc > "$2"';
      strictEqual((await run("sh", ["-c", script, "sh", folder, archive])).code, 0);
      const entries = parseCpio(await Deno.readFile(archive));
      await Deno.remove(archive);
      strictEqual(entries[0]?.path, "init");
      strictEqual(new TextDecoder().decode(entries[0]?.data), "hello");
    }),
});
