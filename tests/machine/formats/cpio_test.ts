import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  type CpioEntry,
  emitCpio,
  MODE_DIRECTORY,
  MODE_FILE,
  MODE_LINK,
  parseCpio,
} from "../../../machine/formats/cpio.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

const ROOTFS: readonly CpioEntry[] = [
  { path: "bin", mode: MODE_DIRECTORY | 0o755, data: new Uint8Array() },
  { path: "bin/kexec", mode: MODE_FILE | 0o755, data: bytesOf("#!kexec\n") },
  { path: "bin/sh", mode: MODE_LINK | 0o777, data: bytesOf("kexec") },
  { path: "init", mode: MODE_FILE | 0o700, data: bytesOf("hello") },
];

Deno.test("emitCpio writes a header of 110 characters, name and data padded to four", () => {
  const archive = emitCpio([{ path: "init", mode: MODE_FILE | 0o755, data: bytesOf("hello") }]);
  strictEqual(archive.length, 512);
  const text = new TextDecoder().decode(archive);
  const zero = "00000000";
  const header = "070701" + "00000001" + "000081ed" + zero + zero + "00000001" + zero + "00000005" +
    zero.repeat(4) + "00000005" + zero;
  strictEqual(header.length, 110);
  strictEqual(text.slice(0, 124), header + "init\0\0" + "hello\0\0\0");
  const trailer = "070701" + zero.repeat(4) + "00000001" + zero.repeat(6) + "0000000b" + zero +
    "TRAILER!!!\0";
  strictEqual(text.slice(124).replace(/\0+$/, ""), trailer.replace(/\0$/, ""));
});

Deno.test("parseCpio gives back what emitCpio was given", () => {
  deepStrictEqual(parseCpio(emitCpio(ROOTFS)), ROOTFS);
  deepStrictEqual(parseCpio(emitCpio([])), []);
  const entry = fc.record({
    path: fc.stringMatching(/^[a-zé/.]{1,20}$/),
    mode: fc.nat(0xffff_ffff),
    data: fc.uint8Array({ maxLength: 30 }),
  }, { noNullPrototype: true });
  fc.assert(fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
    deepStrictEqual(parseCpio(emitCpio(entries)), entries);
  }));
});

Deno.test("parseCpio refuses an archive truncated anywhere before its trailer's end", () => {
  const archive = emitCpio(ROOTFS);
  const end = archive.findLastIndex((byte) => byte !== 0) + 2;
  for (let length = 0; length < end; length++) {
    throws(() => parseCpio(archive.subarray(0, length)), FormatError, `${length}`);
  }
  strictEqual(parseCpio(archive.subarray(0, end)).length, ROOTFS.length);
});

Deno.test("parseCpio says what is wrong and where", () => {
  const cases: readonly (readonly [number, string, RegExp])[] = [
    [0, "070702", /magic '070702', wanted 070701 \(at byte 0\)/],
    [0, "\xff", /magic/],
    [14, "0000 1ed", /not eight hexadecimal digits \(at byte 14\)/],
    [54, "7fffffff", /'bin' ends past the end/],
    [94, "00000000", /a name of 0 bytes/],
    [94, "ffffffff", /a name of 4294967295 bytes/],
    [110, "b\0n", /not ended by one NUL \(at byte 110\)/],
  ];
  for (const [offset, text, message] of cases) {
    const archive = emitCpio(ROOTFS);
    archive.set([...text].map((character) => character.charCodeAt(0)), offset);
    throws(() => parseCpio(archive), { name: "FormatError", message }, text);
  }
  const archive = emitCpio(ROOTFS);
  archive[110] = 0xff;
  throws(() => parseCpio(archive), /not UTF-8/);
});

Deno.test("emitCpio refuses paths that cannot be named", () => {
  const entry = { mode: MODE_FILE, data: new Uint8Array() };
  for (const path of ["", "TRAILER!!!", "a\0b", "x".repeat(4096)]) {
    throws(() => emitCpio([{ ...entry, path }]), RangeError, path.slice(0, 12));
  }
  throws(() => emitCpio([{ ...entry, path: "a", mode: 2 ** 32 }]), RangeError);
});
