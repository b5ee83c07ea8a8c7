import assert from "node:assert/strict";
import { physicalModeFile } from "../../actors/programs/physical_mode_program.ts";
import { hasTool, run } from "./tools.ts";

for (const arch of ["i386", "x86_64"] as const) {
  Deno.test({
    name: `readelf reads physicalModeFile of ${arch} without a warning`,
    ignore: !hasTool("readelf"),
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const path = `${folder}/phy_mode`;
        await Deno.writeFile(path, physicalModeFile({ arch, returns: "ret" }));
        const { code, stdout, stderr } = await run("readelf", ["-W", "-h", "-l", path]);
        assert.equal(code, 0);
        assert.equal(stderr, "");
        assert.match(stdout, /EXEC \(Executable file\)/);
        assert.match(stdout, /Entry point address:\s+0x200000\n/);
        const loads = stdout.split("\n").filter((line) => line.trim().startsWith("LOAD"));
        assert.equal(loads.length, 1);
        assert.match(loads[0] ?? "", /0x0*1000 0x0*200000 0x0*200000 0x0*2000 0x0*3000 RWE 0x1000/);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
