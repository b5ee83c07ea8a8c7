import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../../machine/digest.ts";
import { FormatError, LimitError } from "../../../machine/errors.ts";
import {
  CORE_NOTE_NAME,
  emitNotes,
  emitVmcoreinfo,
  findVmcoreinfo,
  notesLength,
  NT_PRSTATUS,
  parseNotes,
  parseVmcoreinfo,
  prstatusBytes,
  VMCOREINFO_BYTES_MAX,
  vmcoreinfoNote,
} from "../../../machine/formats/elf_notes.ts";

/** The header a recorded PRSTATUS note begins with: 5, 336, 1, "CORE", padded to eight. */
const PRSTATUS_HEADER = "05000000" + "50010000" + "01000000" + "434f524500000000";

const TEXT = emitVmcoreinfo([["OSRELEASE", "6.1.192"], ["SYMBOL(mem_map)", "ffffffff81c1f3e0"]]);

Deno.test("emitNotes begins a PRSTATUS note as a recorded vmcore does", () => {
  const desc = new Uint8Array(prstatusBytes(64));
  const bytes = emitNotes([{ name: CORE_NOTE_NAME, type: NT_PRSTATUS, desc }]);
  strictEqual(toHex(bytes.subarray(0, 20)), PRSTATUS_HEADER);
  strictEqual(bytes.length, 356);
});

Deno.test("emitNotes makes the recorded length of PRSTATUS and VMCOREINFO together", () => {
  const notes = [
    { name: CORE_NOTE_NAME, type: NT_PRSTATUS, desc: new Uint8Array(336) },
    vmcoreinfoNote(new Uint8Array(3189)),
  ];
  strictEqual(emitNotes(notes).length, 0xdf4);
});

Deno.test("parseNotes and emitNotes round-trip, also with a zeroed end", () => {
  const note = fc.record({
    name: fc.stringMatching(/^[A-Za-z_]{0,12}$/),
    type: fc.integer({ min: 1, max: 0xffff_ffff }),
    desc: fc.uint8Array({ maxLength: 40 }),
  }, { noNullPrototype: true });
  fc.assert(fc.property(fc.array(note, { maxLength: 5 }), fc.nat(40), (notes, zeros) => {
    const bytes = emitNotes(notes);
    const buffer = new Uint8Array(bytes.length + zeros);
    buffer.set(bytes);
    deepStrictEqual(parseNotes(buffer), notes);
    strictEqual(notesLength(buffer), bytes.length);
  }));
});

Deno.test("parseNotes stops at an all-zero header whatever follows", () => {
  const note = emitNotes([vmcoreinfoNote(TEXT)]);
  const bytes = new Uint8Array(note.length + 12 + 5).fill(0xff);
  bytes.set(note);
  bytes.fill(0, note.length, note.length + 12);
  strictEqual(parseNotes(bytes).length, 1);
  deepStrictEqual(parseNotes(new Uint8Array(4096)), []);
});

Deno.test("parseNotes refuses a truncated note at every byte", () => {
  const bytes = emitNotes([vmcoreinfoNote(TEXT)]);
  for (let length = 1; length < bytes.length; length++) {
    throws(() => parseNotes(bytes.subarray(0, length)), FormatError, `${length}`);
  }
});

Deno.test("parseNotes refuses sizes past the end and names that are none", () => {
  const huge = fromHex("ffffffff" + "ffffffff" + "01000000");
  throws(() => parseNotes(huge), { name: "FormatError", offset: 0 });
  throws(() => parseNotes(fromHex("04000000" + "00000000" + "01000000" + "434f5245")), FormatError);
  throws(() => parseNotes(fromHex("04000000" + "00000000" + "01000000" + "43005200")), FormatError);
  throws(() => parseNotes(fromHex("02000000" + "00000000" + "01000000" + "ff000000")), FormatError);
});

Deno.test("emitNotes refuses names with a NUL or outside ASCII, and wide types", () => {
  const desc = new Uint8Array();
  throws(() => emitNotes([{ name: "A\0B", type: 1, desc }]), RangeError);
  throws(() => emitNotes([{ name: "é", type: 1, desc }]), RangeError);
  throws(() => emitNotes([{ name: "A", type: 2 ** 32, desc }]), RangeError);
});

Deno.test("parseVmcoreinfo reads real lines and keeps '=' in values", () => {
  const map = parseVmcoreinfo("OSRELEASE=6.1.192\nNUMBER(X)=-129\nA=b=c\n\nbroken\n=x\n");
  deepStrictEqual([...map], [["OSRELEASE", "6.1.192"], ["NUMBER(X)", "-129"], ["A", "b=c"]]);
});

Deno.test("emitVmcoreinfo and parseVmcoreinfo round-trip", () => {
  const key = fc.stringMatching(/^[A-Z]{1,8}\([a-z_.]{1,12}\)$/);
  const value = fc.stringMatching(/^[0-9a-f=. ]{0,16}$/);
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(key, value), { selector: ([k]) => k }), (pairs) => {
      deepStrictEqual([...parseVmcoreinfo(new TextDecoder().decode(emitVmcoreinfo(pairs)))], pairs);
    }),
  );
});

Deno.test("emitVmcoreinfo takes 4096 bytes and not one more", () => {
  const room = VMCOREINFO_BYTES_MAX - "K=\n".length;
  strictEqual(emitVmcoreinfo([["K", "v".repeat(room)]]).length, 4096);
  throws(() => emitVmcoreinfo([["K", "v".repeat(room + 1)]]), LimitError);
});

Deno.test("emitVmcoreinfo refuses what would not be one line", () => {
  for (const pair of [["", "v"], ["A=B", "v"], ["A\n", "v"], ["A", "v\nw"]] as const) {
    throws(() => emitVmcoreinfo([pair]), RangeError);
  }
});

Deno.test("findVmcoreinfo finds its note among others, or nothing", () => {
  const core = { name: CORE_NOTE_NAME, type: NT_PRSTATUS, desc: new Uint8Array(144) };
  strictEqual(findVmcoreinfo([core]), undefined);
  const found = findVmcoreinfo(parseNotes(emitNotes([core, vmcoreinfoNote(TEXT)])));
  strictEqual(found?.get("OSRELEASE"), "6.1.192");
});
