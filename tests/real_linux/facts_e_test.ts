/**
 * Facts 43 to 47 of a real Linux 6.1: dump files.
 */
import assert from "node:assert/strict";
import { parseElf, PT_LOAD, PT_NOTE } from "../../machine/formats/elf.ts";
import { NT_PRSTATUS, prstatusBytes } from "../../machine/formats/elf_notes.ts";
import { KDUMP_FLAG, planKdump } from "../../machine/formats/kdump.ts";
import { fromHex } from "../../machine/digest.ts";
import { REAL_VMCORE_HEADER } from "../machine/formats/real_vmcore.ts";
import { fileOn } from "../runs/dump_kit.ts";
import { notesOf } from "./vmcore_notes.ts";
import { savedByB } from "./scenarios.ts";

const PAGE = 4096;
const MIB = 1024 ** 2;
/** What `makedumpfile` reported of the recorded core. */
const ORIGINAL_PAGES = 0x559b;
const DISTINCT_PAGES = 18_299;

interface Pages {
  /** Over all PT_LOADs, each whole page it touches. */
  readonly summed: number;
  readonly distinct: number;
}

function pagesOf(file: Uint8Array): Pages {
  const seen = new Set<number>();
  let summed = 0;
  for (const { type, paddr, memsz } of parseElf(file).programs) {
    if (type !== PT_LOAD) continue;
    const [first, end] = [Math.floor(paddr / PAGE), Math.floor((paddr + memsz) / PAGE)];
    summed += end - first;
    for (let pfn = first; pfn < end; pfn++) seen.add(pfn);
  }
  return { summed, distinct: seen.size };
}

/** The recorded core's head, in a file as long as its head says its notes are. */
function recordedHead(): Uint8Array {
  const head = fromHex(REAL_VMCORE_HEADER);
  const file = new Uint8Array(0x2000);
  file.set(head);
  return file;
}

Deno.test("fact 43: a crash core is 5 headers, notes at 0x1000; the reservation is not in it", () => {
  const { programs } = parseElf(recordedHead());
  assert.deepEqual(programs.map(({ type }) => type), [PT_NOTE, ...Array(4).fill(PT_LOAD)]);
  const [note, , , low, high] = programs;
  assert.equal(note?.offset, 0x1000);
  assert.equal(prstatusBytes(64), 336);
  // Two note heads with their names, the registers, and VMCOREINFO of 3189 bytes.
  assert.equal(note?.filesz, 20 + 336 + 24 + Math.ceil(3189 / 4) * 4);
  assert.equal((low?.paddr ?? 0) + (low?.memsz ?? 0), 32 * MIB);
  assert.equal(high?.paddr, (32 + 56) * MIB);
});

const saved = savedByB("cp /proc/vmcore /hibernate/dump.elf");

interface Dumped {
  readonly lines: readonly string[];
  readonly length: number;
}

const dumps = new Map<string, Dumped>();

/** What the tool says and writes with those options. */
function dumped(options: string): Dumped {
  const kept = dumps.get(options);
  if (kept !== undefined) return kept;
  const run = savedByB(`makedumpfile ${options} --message-level 31 /proc/vmcore /hibernate/dump`);
  const made = { lines: run.lines, length: fileOn(run, 256, "/dump").length };
  dumps.set(options, made);
  return made;
}

/** The tool's report of what it left out: counts of pages by name. */
function reportOf(options: string): ReadonlyMap<string, number> {
  return new Map(
    dumped(options).lines.flatMap((line) => {
      const [, name = "", count] = /^B: +(.+?) *: (0x[0-9a-f]{16})$/.exec(line) ?? [];
      return count === undefined ? [] : [[name, Number(count)] as const];
    }),
  );
}

Deno.test("fact 44: the sum over the PT_LOADs counts the kernel's text twice", () => {
  const { summed, distinct } = pagesOf(recordedHead());
  assert.deepEqual([summed, distinct], [ORIGINAL_PAGES, DISTINCT_PAGES]);
  const file = fileOn(saved, 256, "/dump.elf");
  const here = pagesOf(file);
  const text = parseElf(file).programs.find(({ type }) => type === PT_LOAD);
  assert.equal(here.summed - here.distinct, (text?.memsz ?? 0) / PAGE);
  const original = (options: string) => reportOf(options).get("Original pages");
  assert.equal(original("-d 31"), here.summed);
  // A page that is only half in a range counts in ELF.
  assert.equal(original("-E -d 31"), here.summed + 1);
});

Deno.test("fact 45: a zero page of another class counts in that one, where the class is left out too", () => {
  const zeroPages = (options: string) => reportOf(options).get("Pages filled with zero") ?? 0;
  const all = reportOf("-d 31");
  assert.ok(0 < zeroPages("-d 31") && zeroPages("-d 31") < zeroPages("-d 1"));
  assert.ok((all.get("Free pages") ?? 0) > 0);
  const excluded = ["Non-private cache", "Private cache", "User process data", "Free"]
    .reduce((sum, name) => sum + (all.get(`${name} pages`) ?? 0), zeroPages("-d 31"));
  assert.equal(all.get("Excluded pages"), excluded);
});

Deno.test("fact 46: a compressed dump's header has the recorded figures, and a bit for each kind", () => {
  const recorded = JSON.parse(Deno.readTextFileSync(
    new URL(
      "../../fixtures/recordings/kdump/kdump_compressed.c.d31.header.json",
      import.meta.url,
    ),
  ));
  const { head } = planKdump({
    word: 8,
    utsname: ["Linux", "A", "6.1.192", "#1", "x86_64", "(none)"],
    seconds: 0,
    microseconds: 0,
    compression: KDUMP_FLAG.zlib,
    level: 31,
    cpuCount: 1,
    physicalBase: 0,
    maxPfn: recorded.max_mapnr,
    present: [{ pfn: 1, count: DISTINCT_PAGES }],
    dumped: [{ pfn: 1, count: 5922 }],
    notes: new Uint8Array(3569),
    vmcoreinfo: { offset: 380, length: 3189 },
  });
  const view = new DataView(head.buffer, head.byteOffset);
  assert.equal(new TextDecoder().decode(head.subarray(0, 8)), recorded.signature);
  assert.deepEqual([8, 424, 428, 432, 436, 440].map((at) => view.getUint32(at, true)), [
    recorded.header_version,
    recorded.status,
    recorded.block_size,
    recorded.sub_hdr_size,
    recorded.bitmap_blocks,
    recorded.max_mapnr,
  ]);
  assert.deepEqual([KDUMP_FLAG.zlib, KDUMP_FLAG.lzo], [1, 2]);
});

Deno.test("fact 46: zlib makes less of it than LZO, LZO less than nothing; -z and -p change nothing", () => {
  const [plain = 0, zlib = 0, lzo = 0, snappy, zstd] = ["", "-c ", "-l ", "-z ", "-p "].map((
    kind,
  ) => dumped(`${kind}-d 31`).length);
  assert.ok(0 < zlib && zlib < lzo && lzo < plain, `${zlib} ${lzo} ${plain}`);
  assert.deepEqual([snappy, zstd], [plain, plain]);
});

Deno.test("fact 47: makedumpfile works on the core of a jump as well, which has no registers", () => {
  const file = fileOn(
    savedByB("makedumpfile -E -d 16 /proc/vmcore /hibernate/dump"),
    256,
    "/dump",
  );
  const { distinct } = pagesOf(file);
  assert.ok(distinct > 0 && distinct < pagesOf(fileOn(saved, 256, "/dump.elf")).distinct);
  assert.ok(!notesOf(file).some(({ type, name }) => name === "CORE" && type === NT_PRSTATUS));
});
