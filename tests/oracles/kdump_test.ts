import assert from "node:assert/strict";
import { type KdumpContents, type KdumpWord, planKdump } from "../../machine/formats/kdump.ts";
import { firstKdumpCursor, packKdumpPages } from "../../machine/formats/kdump_pages.ts";
import { hasTool, pythonWith, run } from "./tools.ts";

const python = pythonWith("kdumpfile");
const PAGES = 40;
const FIRST = 256;

/** Zeros, one byte all over, noise, by turns. */
function pageOf(index: number): Uint8Array {
  const page = new Uint8Array(4096);
  if (index % 3 === 1) page.fill(index);
  if (index % 3 === 2) page.forEach((_, at) => page[at] = Math.imul(at + index, 0x9e37_79b1) >> 24);
  return page;
}

function fileOf(word: KdumpWord, compression: number): Uint8Array {
  const info = "OSRELEASE=2.6.27\nPAGESIZE=4096\n";
  const notes = new Uint8Array(12 + 12 + 32);
  const view = new DataView(notes.buffer);
  view.setUint32(0, 11, true);
  view.setUint32(4, info.length, true);
  notes.set(new TextEncoder().encode("VMCOREINFO\0\0"), 12);
  notes.set(new TextEncoder().encode(info), 24);
  const contents: KdumpContents = {
    word,
    utsname: ["Linux", "A", "2.6.27", "#1 SMP", word === 8 ? "x86_64" : "i686", "(none)"],
    seconds: 1_200_000_000,
    microseconds: 0,
    compression,
    level: 17,
    cpuCount: 1,
    physicalBase: 0,
    maxPfn: 4096,
    present: [{ pfn: 1, count: 159 }, { pfn: FIRST, count: 3840 }],
    dumped: [{ pfn: FIRST, count: PAGES }],
    notes,
    vmcoreinfo: { offset: 24, length: info.length },
  };
  const plan = planKdump(contents);
  const pages = new Uint8Array(PAGES * 4096);
  for (let index = 0; index < PAGES; index++) pages.set(pageOf(index), index * 4096);
  const packing = { compression, sharesZeros: true };
  const piece = packKdumpPages(plan, firstKdumpCursor(plan), pages, packing);
  const file = new Uint8Array(piece.cursor.dataAt);
  file.set(plan.head);
  file.set(piece.descriptors, piece.descriptorsAt);
  file.set(piece.data, piece.dataAt);
  return file;
}

const READER = `
import kdumpfile, sys
with open(sys.argv[1], "rb") as file:
    dump = kdumpfile.kdumpfile(sys.argv[1])
    print(dump.attr["file.format"], dump.attr["arch.name"], dump.attr["max_pfn"])
    print(dump.attr["linux.vmcoreinfo.lines.OSRELEASE"])
    wanted = open(sys.argv[2], "rb").read()
    found = dump.read(kdumpfile.KDUMP_MACHPHYSADDR, ${FIRST * 4096}, ${PAGES * 4096})
    assert bytes(found) == wanted
`;

for (const [arch, word] of [["x86_64", 8], ["ia32", 4]] as const) {
  for (const [name, compression] of [["zlib", 1], ["LZO", 2], ["nothing", 0]] as const) {
    Deno.test({
      name: `libkdumpfile reads what planKdump and packKdumpPages write: ${arch}, ${name}`,
      ignore: python === undefined,
      fn: async () => {
        const directory = await Deno.makeTempDir();
        try {
          const pages = new Uint8Array(PAGES * 4096);
          for (let index = 0; index < PAGES; index++) pages.set(pageOf(index), index * 4096);
          await Deno.writeFile(`${directory}/dump`, fileOf(word, compression));
          await Deno.writeFile(`${directory}/pages`, pages);
          const args = ["-c", READER, `${directory}/dump`, `${directory}/pages`];
          const { code, stdout, stderr } = await run(python ?? "", args);
          assert.equal(code, 0, stderr);
          const [first, ...info] = stdout.split("\n");
          assert.equal(first, `diskdump ${arch} 4096`);
          assert(info.includes("2.6.27"), stdout);
        } finally {
          await Deno.remove(directory, { recursive: true });
        }
      },
    });
  }
}

Deno.test({
  name: "file knows a dump that planKdump begins",
  ignore: !hasTool("file"),
  fn: async () => {
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeFile(path, fileOf(8, 1));
      const { stdout } = await run("file", ["-b", path]);
      assert.match(stdout, /^Kdump compressed dump v6, system Linux, node A, release 2.6.27/);
    } finally {
      await Deno.remove(path);
    }
  },
});
