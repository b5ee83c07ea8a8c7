import assert from "node:assert/strict";
import { toHex } from "../../machine/digest.ts";
import type { FlatStore } from "../../machine/flat_store.ts";
import { EM_386 } from "../../machine/formats/elf.ts";
import { emitNotes, vmcoreinfoNote } from "../../machine/formats/elf_notes.ts";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { fieldOf } from "../../actors/kernel/values.ts";
import { type Call, noise, runKernel } from "./kernel_kit.ts";
import {
  CORE_HEADERS,
  disk,
  inB,
  INFO,
  memoryOfA,
  pagesOf,
  RAM,
  saved,
  script,
  WINDOW,
} from "./image_kit.ts";

const MIB = 1024 ** 2;

Deno.test("vmcore_open rebuilds the file from the core headers, and says which memory it is", () => {
  const { results, facts } = inB({ calls: [["vmcore_open"]] });
  assert.deepEqual(facts("vmcore"), [
    { k: "K", ranges: "0x100000-0x400000,0xc00000-0x2000000" },
  ]);
  assert.equal(fieldOf(results[0], "notes"), toHex(emitNotes([vmcoreinfoNote(INFO)])));
  assert.equal(fieldOf(results[0], "machine"), EM_386);
});

Deno.test("vmcore_open refuses headers that are not sane, notes out of memory and no notes", () => {
  const open: Call[] = [["vmcore_open"]];
  const fill = (change: (ram: FlatStore) => void) => (ram: FlatStore) => {
    memoryOfA(ram, true);
    change(ram);
  };
  const broken = inB({
    calls: open,
    fillRam: fill((ram) => ram.write(CORE_HEADERS, noise(16, 1))),
  });
  assert.deepEqual(broken.results, [-ERRNO.EINVAL]);
  const far = inB({ calls: open, state: { firmwareMap: [{ start: 0, length: MIB, type: 1 }] } });
  assert.deepEqual(far.results, [-ERRNO.EFAULT]);
  assert.deepEqual(inB({ calls: open, state: { profile: "6.1" } }, false).results, [-ERRNO.ENOMEM]);
  assert.ok(typeof inB({ calls: open }, false).results[0] === "object", "2.6.27 does without");
  const { results } = runKernel({ medium: disk(), calls: open });
  assert.deepEqual(results, [-ERRNO.ENOENT]);
});

Deno.test("cp /proc/vmcore writes the file that the notes and ranges of the previous kernel make", () => {
  const mount: Call = ["fs_mount", { path: "/mnt", partition: 3, readOnly: false }];
  const run = inB({
    medium: disk(60),
    calls: [mount, script("cp", "/proc/vmcore", "/mnt/dump.elf"), ["fs_unmount", { path: "/mnt" }]],
  });
  assert.deepEqual(run.results, [0, 0, 0], run.printed().join("\n"));
  const dump = saved(run, 60).fileAt("/dump.elf");
  const note = emitNotes([vmcoreinfoNote(INFO)]);
  assert.deepEqual(dump.subarray(4096, 4096 + note.length), note);
  const pages = pagesOf(dump);
  assert.equal(pages.size, (RAM - MIB - (WINDOW.end - WINDOW.start)) / 4096);
  for (const [pfn, bytes] of pages) assert.deepEqual(bytes, run.ram.view(pfn * 4096, 4096).slice());
  const full = inB({ medium: disk(8), calls: [mount, script("cp", "/proc/vmcore", "/mnt/d")] });
  assert.deepEqual(full.results, [0, 1]);
  assert.equal(full.printed()[0], "cp: error writing '/mnt/d': No space left on device");
});
