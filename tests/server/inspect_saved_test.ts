import { match, ok, strictEqual } from "node:assert/strict";
import { inspectFile } from "../../server/terminal/inspect.ts";
import type { Inspection } from "../../server/terminal/inspection.ts";
import { bytesOf, type Run } from "../runs/run_kit.ts";
import { hibernated } from "../runs/swsusp_kit.ts";
import { CYCLE, runV7 } from "../runs/v7_kit.ts";
import { ScratchFolder } from "./terminal_kit.ts";

function diskOf(run: Run): Inspection {
  using folder = new ScratchFolder();
  return inspectFile(folder.write("disk.img", bytesOf(run.medium)));
}

function rowsOf({ sections }: Inspection, title: string): Map<string, string> {
  const found = sections.find((each) => each.title === title);
  ok(found !== undefined, sections.map((each) => each.title).join(", "));
  return new Map(found.rows);
}

Deno.test("inspectFile tells what swsusp left on a disk: its signature, flags, pages", () => {
  const disk = diskOf(hibernated());
  strictEqual(rowsOf(disk, "Partition 6, swap").get("signature"), "S1SUSPEND");
  const image = rowsOf(disk, "Image of swsusp");
  strictEqual(image.get("signature before"), "SWAPSPACE2");
  match(image.get("image") ?? "", /^[0-9,]+ pages of data, [0-9,]+ in all$/);
  match(image.get("memory") ?? "", /^16,\d\d\d pages$/);
});

Deno.test("inspectFile tells the khdev header that v7 left on a disk", () => {
  const off = CYCLE.findIndex((step) => step.do === "off");
  ok(off > 0);
  const script = [...CYCLE.slice(0, off + 1), { do: "finish", outcome: "off" } as const];
  const disk = diskOf(runV7({ script }));
  const lines = [...rowsOf(disk, "Partition 7, khdev").keys()];
  ok(lines.some((line) => /^image A@0x[0-9a-f]+$/.test(line)), lines.join("\n"));
  ok(lines.some((line) => line.startsWith("kexec_jump_back_entry=0x")));
});
