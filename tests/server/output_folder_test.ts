import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { EXIT, FormatError, ProtocolError, UsageError } from "../../machine/errors.ts";
import { failureOf, Interrupted } from "../../server/terminal/failure.ts";
import { folderOf, joined, OutputFolder } from "../../server/terminal/output_folder.ts";
import { ScratchFolder } from "./terminal_kit.ts";

Deno.test("OutputFolder gives a file its name only when it is whole", () => {
  using scratch = new ScratchFolder();
  const path = scratch.file("out");
  {
    using folder = new OutputFolder(path);
    Deno.writeTextFileSync(folder.part("a"), "1");
    strictEqual(folder.write("b", "2"), `${path}/b`);
    deepStrictEqual(scratch.names("out"), [".kjump.lock", "a.part", "b"]);
  }
  deepStrictEqual(scratch.names("out"), ["b"], "what is unfinished and the lock are gone");
});

Deno.test("OutputFolder puts a new file or folder in the place of an older one", () => {
  using scratch = new ScratchFolder();
  for (const round of ["1", "2"]) {
    using folder = new OutputFolder(scratch.file("out"));
    folder.write("a", round);
    const part = folder.part("blobs");
    Deno.mkdirSync(part);
    Deno.writeTextFileSync(`${part}/${round}`, "");
    folder.finish("blobs");
  }
  strictEqual(Deno.readTextFileSync(scratch.file("out/a")), "2");
  deepStrictEqual(scratch.names("out/blobs"), ["2"]);
});

Deno.test("OutputFolder refuses a folder that another run holds, and gives it back", () => {
  using scratch = new ScratchFolder();
  const path = scratch.file("out");
  {
    using _held = new OutputFolder(path);
    throws(() => new OutputFolder(path), { name: "UsageError", message: /Another run is writing/ });
    ok(scratch.names("out").includes(".kjump.lock"), "the refused one removes nothing");
  }
  new OutputFolder(path)[Symbol.dispose]();
});

Deno.test("OutputFolder takes over the lock file that a killed run left", () => {
  using scratch = new ScratchFolder();
  Deno.mkdirSync(scratch.file("out"));
  scratch.write("out/.kjump.lock", "");
  new OutputFolder(scratch.file("out"))[Symbol.dispose]();
  deepStrictEqual(scratch.names("out"), []);
});

Deno.test("OutputFolder says in one sentence why a folder cannot be", () => {
  using scratch = new ScratchFolder();
  const file = scratch.write("file", "");
  throws(() => new OutputFolder(file), UsageError);
  throws(() => new OutputFolder(`${file}/below`), UsageError);
});

Deno.test("joined and folderOf are each other's inverse", () => {
  strictEqual(joined("a/b", "c"), "a/b/c");
  strictEqual(joined(".", "c"), "c");
  strictEqual(folderOf("a/b/c"), "a/b");
  strictEqual(folderOf("c"), ".");
  strictEqual(folderOf("/c"), "/");
});

Deno.test("failureOf maps every kind of error to a code and one sentence", () => {
  const place = { actor: "disk", type: "disk.read", state: "off", seq: 7 };
  const cases: readonly (readonly [Error, number, RegExp])[] = [
    [new UsageError("no"), EXIT.usage, /^no\.$/],
    [new Interrupted("Stopped"), EXIT.broken, /^Stopped\.$/],
    [new Error("write: No space left on device (os error 28)"), EXIT.usage, /disk is full/],
    [new ProtocolError("Not listed", place), EXIT.internal, /'disk' in state 'off'.* at seq 7/],
    [new FormatError("ELF", 3, "x"), EXIT.internal, /at byte 3/],
    [new Error("boom"), EXIT.internal, /Internal error: Error: boom\. .*--stack/],
  ];
  for (const [error, code, sentence] of cases) {
    const failure = failureOf(error);
    strictEqual(failure.code, code, error.message);
    ok(sentence.test(failure.sentence), failure.sentence);
    ok(!failure.sentence.includes("\n"));
  }
});
