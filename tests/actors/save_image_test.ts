import assert from "node:assert/strict";
import { sha256 } from "../../machine/digest.ts";
import { parseSums } from "../../actors/kernel/small_files.ts";
import { parseManifest } from "../../actors/programs/image_manifest.ts";
import { type Call, type KernelRun, volumeOn } from "./kernel_kit.ts";
import {
  disk,
  ENTRY,
  FRAMES,
  inB,
  INFO,
  MEM_MAP,
  NOTE,
  pagesOf,
  RAM,
  save,
  saved,
  USED,
  WINDOW,
} from "./image_kit.ts";
import { hasTool, run as runTool } from "../oracles/tools.ts";

const MIB = 1024 ** 2;

Deno.test("save-image writes A's pages and nothing else, names them last, then switches off", () => {
  const run = inB({ calls: [save] });
  const lines = run.printed();
  assert.equal(lines.at(-2), "OFF", lines.join("\n"));
  const files = saved(run);
  assert.equal(files.superblock().state & 1, 1, "unmounted");
  assert.equal(files.inodeAt("/dump.elf.part"), undefined);
  const dump = files.fileAt("/dump.elf");
  const pages = pagesOf(dump);
  const wanted = [
    { pfn: NOTE / 4096, count: 1 },
    { pfn: MEM_MAP / 4096, count: FRAMES * 8 / 4096 },
    ...USED,
  ].flatMap(({ pfn, count }) => Array.from({ length: count }, (_, index) => pfn + index));
  assert.deepEqual([...pages.keys()].toSorted((a, b) => a - b), wanted.toSorted((a, b) => a - b));
  for (const [pfn, bytes] of pages) assert.deepEqual(bytes, run.ram.view(pfn * 4096, 4096).slice());
  const sumText = new TextDecoder().decode(files.fileAt("/dump.elf.sum"));
  const sums = parseSums(sumText) ?? [];
  assert.equal(sums.length, Math.ceil(dump.length / 65_536));
  for (const [index, sum] of sums.entries()) {
    assert.equal(sum, sha256(dump.subarray(index * 65_536, (index + 1) * 65_536)));
  }
  const manifest = parseManifest(new TextDecoder().decode(files.fileAt("/manifest")));
  assert.equal(manifest?.id, `A@${ENTRY}`);
  assert.equal(manifest?.pages, wanted.length);
  assert.equal(manifest?.sums, sha256(sumText));
  assert.equal(new TextDecoder().decode(files.fileAt("/kexec_jump_back_entry")), `${ENTRY}\n`);
});

Deno.test("save-image says begin, pages, flush, commit, flush, in that order", () => {
  const { events } = inB({ calls: [save] });
  const steps = events.flatMap(({ type, summary }) => {
    if (type === "fact.image") return [String(summary?.["op"])];
    if (type === "fact.flush" && summary?.["op"] === "done") return ["flushed"];
    return [];
  });
  const once = steps.filter((step, index) => step !== "page" || step !== steps[index - 1]);
  // The last flush is that of unmounting.
  const wanted = ["flushed", "begin", "page", "flushed", "commit", "flushed", "flushed"];
  assert.deepEqual(once, wanted);
  const images = events.filter(({ type }) => type === "fact.image");
  assert.ok(images.every(({ summary }) => summary?.["id"] === `A@${ENTRY}`));
});

Deno.test("save-image takes free pages too where nothing says which are free", () => {
  const run = inB({ calls: [save], medium: disk(60) }, false);
  assert.equal(run.printed().at(-2), "OFF");
  const pages = pagesOf(saved(run, 60).fileAt("/dump.elf"));
  assert.equal(pages.size, (RAM - MIB - (WINDOW.end - WINDOW.start)) / 4096);
  const text = new TextDecoder().decode(INFO);
  const medium = disk(60);
  const told = inB({
    medium,
    calls: [
      ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }],
      ["fs_write_small", { path: "/mnt/vmcoreinfo", text }],
      save,
    ],
  }, false);
  const filtered = pagesOf(volumeOn(told.medium, 17, 60).fileAt("/dump.elf"));
  assert.equal(filtered.size, 1 + FRAMES * 8 / 4096 + 1001);
});

Deno.test("save-image does not trust an information file of another boot", () => {
  const text = new TextDecoder().decode(INFO).replace("=e00000", "=1700000");
  const mount: Call = ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }];
  const run = inB({
    medium: disk(60),
    calls: [mount, ["fs_write_small", { path: "/mnt/vmcoreinfo", text }], save],
  }, false);
  assert.equal(
    run.printed()[0],
    "save-image: nothing says which pages are free: saving all of them",
  );
  const pages = pagesOf(saved(run, 60).fileAt("/dump.elf"));
  assert.equal(pages.size, (RAM - MIB - (WINDOW.end - WINDOW.start)) / 4096);
});

Deno.test("save-image without room, or on a disk that fails, leaves no image and the power on", () => {
  const full = inB({ calls: [save], medium: disk(4) });
  assert.deepEqual(full.results, [1]);
  assert.match(
    full.printed().at(-1) ?? "",
    /^save-image: write_buffer: Can't write the dump file\(\/mnt\/dump.elf.part\). No space left/,
  );
  assert.deepEqual(full.facts("image").map(({ op }) => op), ["begin", "abort"]);
  const names = (run: KernelRun, mib: number) => saved(run, mib).list().map(({ path }) => path);
  assert.deepEqual(names(full, 4).filter((path) => path.includes("dump")), []);
  const badSectors = [{ sector: 17 * 2048 + 2000, count: 8, on: "write" as const }];
  const broken = inB({ calls: [save], badSectors });
  assert.deepEqual(broken.results, [1], broken.printed().join("\n"));
  assert.ok(!broken.printed().includes("OFF"));
  assert.deepEqual(broken.facts("image").map(({ op }) => op).filter((op) => op !== "page"), [
    "begin",
    "abort",
  ]);
  assert.deepEqual(names(broken, 40).filter((path) => path.includes("dump")), []);
  const lost = inB({ calls: [save], state: { commandLine: "root=/dev/ram0" } });
  assert.deepEqual(lost.results, [1]);
  assert.equal(lost.printed()[0], "save-image: no kexec_jump_back_entry= on the command line");
});

Deno.test("save-image in the place of an earlier image first takes that one's name away", () => {
  const first = inB({ calls: [save] });
  const second = inB({ calls: [save], medium: first.medium });
  assert.equal(second.printed().at(-2), "OFF");
  assert.deepEqual(
    saved(second).list().map(({ path }) => path).filter((path) => path.includes("dump")).toSorted(),
    ["/dump.elf", "/dump.elf.sum"],
  );
});

Deno.test("a saved image is an ELF core that readelf reads, on a file system e2fsck likes", {
  ignore: !hasTool("readelf") || !hasTool("e2fsck"),
}, async () => {
  const run = inB({ calls: [save] });
  const directory = await Deno.makeTempDir();
  try {
    const bytes = new Uint8Array(40 * MIB);
    run.medium.read(17 * MIB, bytes);
    await Deno.writeFile(`${directory}/partition`, bytes);
    await Deno.writeFile(`${directory}/dump.elf`, saved(run).fileAt("/dump.elf"));
    const check = await runTool("e2fsck", ["-fn", `${directory}/partition`]);
    assert.equal(check.code, 0, check.stdout);
    const { code, stdout, stderr } = await runTool("readelf", ["-lW", `${directory}/dump.elf`]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.equal(stdout.match(/^ {2}LOAD/gm)?.length, 5);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
