/**
 * A real bzImage as B and C: its bytes are loaded, checked by purgatory, found in RAM by the
 * processor through boot_params, and hibernate a machine in a window that its header decides.
 *
 * @module
 */
import { match, strictEqual, throws } from "node:assert/strict";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { windowOf } from "../../actors/scenario/mainline_run.ts";
import { realKernel } from "../oracles/real_kernel.ts";

const MIB = 1024 ** 2;
const KERNEL = realKernel();

Deno.test({
  name: "hibernate --kernel with a real bzImage resumes A, on 512 MiB",
  ignore: KERNEL === undefined,
  fn: async () => {
    const out = await Deno.makeTempDir();
    try {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          ..."run --no-prompt --allow-read --allow-write cli.ts hibernate".split(" "),
          ...`--transport inline --memory 512M --quiet --out ${out} --kernel ${KERNEL}`.split(" "),
        ],
        cwd: new URL("../..", import.meta.url),
        env: { NO_COLOR: "1" },
      }).output();
      const said = new TextDecoder().decode(stdout);
      strictEqual(code, 0, said + new TextDecoder().decode(stderr));
      match(said, /^hibernate: ok: A hibernated/);
    } finally {
      await Deno.remove(out, { recursive: true });
    }
  },
});

Deno.test({
  name: "windowOf a real kernel on too small a machine says the least memory and --mem-max",
  ignore: KERNEL === undefined,
  fn: () => {
    const bytes = Deno.readFileSync(KERNEL ?? "");
    const profile = kernelProfile("6.1-cured");
    throws(
      () => windowOf(profile, 128 * MIB, bytes),
      /the least that works is --memory \d+M, with B's window ending at --mem-max=0x[0-9a-f]+/,
    );
  },
});
