import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { buildAcpiTables } from "../../machine/formats/acpi/build.ts";
import { notebook } from "../machine/formats/acpi/machine.ts";
import { hasTool, run } from "./tools.ts";

const COMPLAINT = /\b(?:error|warning|invalid|incorrect|truncat\w*|mismatch)\b/i;
const CLEAN = /Compilation successful\. 0 Errors, 0 Warnings, 0 Remarks/;

async function withTables(
  revision: number,
  use: (folder: string, names: readonly string[]) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const tables = buildAcpiTables(notebook(revision));
    for (const { name, bytes } of tables) {
      await Deno.writeFile(`${folder}/${name.toLowerCase()}.dat`, bytes);
    }
    // iasl takes tables only, and RSDP is none: it has no table header.
    const names = tables.map(({ name }) => name.toLowerCase()).filter((name) => name !== "rsdp");
    await use(folder, names);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const revision of [1, 3, 4, 5, 6]) {
  Deno.test({
    name: `iasl takes the tables of revision ${revision} apart and together without complaint`,
    ignore: !hasTool("iasl"),
    fn: () =>
      withTables(revision, async (folder, names) => {
        for (const name of names) {
          const apart = await run("iasl", ["-d", `${folder}/${name}.dat`]);
          strictEqual(apart.code, 0, name);
          doesNotMatch(apart.stdout + apart.stderr, COMPLAINT, name);
          const together = await run("iasl", [`${folder}/${name}.dsl`]);
          strictEqual(together.code, 0, name);
          match(together.stdout + together.stderr, CLEAN, name);
        }
      }),
  });
}

Deno.test({
  name: "acpiexec runs the sleep methods of the DSDT",
  ignore: !hasTool("acpiexec"),
  fn: () =>
    withTables(4, async (folder) => {
      const steps = ["\\_S4", "\\_TTS 4", "\\_PTS 4", "\\_GTS 4", "\\_BFS 4", "\\_WAK 4"];
      const script = steps.map((step) => `evaluate ${step}`).join("; ");
      const { code, stdout, stderr } = await run("acpiexec", [
        "-b",
        script,
        `${folder}/dsdt.dat`,
      ]);
      strictEqual(code, 0);
      const output = stdout + stderr;
      match(output, /Evaluation of \\_S4 returned[^]*?\[Integer\] = 0000000000000006/);
      match(output, /Evaluation of \\_WAK returned[^]*?\[Package\] Contains 2 Elements/);
      doesNotMatch(output, /AE_[A-Z_]+|failed/i);
    }),
});
