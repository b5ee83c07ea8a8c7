/** dd: parts of files, as a shell's user takes them. */
import assert from "node:assert/strict";
import { atA, lastPrinted, playText } from "./transcript_kit.ts";

const FILE = "```machine\nfile: /root/payload 300K\n```\n";

async function lastOf(...lines: string[]): Promise<readonly string[]> {
  const played = await playText(`${FILE}${atA(...lines)}`);
  assert.equal(played.parting, undefined, played.parting?.message ?? "");
  return lastPrinted(played);
}

Deno.test("dd takes blocks from where they are wanted, over the borders of pages", async () => {
  const printed = await lastOf(
    "A$ seq 2000 > /tmp/numbers; dd if=/tmp/numbers of=/tmp/part bs=100 skip=40 count=2",
    "A$ head -c 4200 /tmp/numbers | tail -c 200 > /tmp/wanted; cmp /tmp/part /tmp/wanted; echo $?",
  );
  assert.deepEqual(printed, ["0"]);
});

Deno.test("dd reads a file of a disk to its end, a short block last", async () => {
  const printed = await lastOf("A$ dd if=/root/payload of=/tmp/end bs=100000 skip=3");
  assert.deepEqual(printed, ["0+1 records in", "0+1 records out", "7200 bytes copied"]);
  const behind = await lastOf("A$ dd if=/root/payload of=/tmp/end bs=512 skip=600; ls -l /tmp/end");
  assert.deepEqual(behind.slice(0, 3), ["0+0 records in", "0+0 records out", "0 bytes copied"]);
});

Deno.test("dd says what it cannot do, and ends with 1", async () => {
  const usage = "dd: usage: dd if=FILE of=FILE [bs=BYTES] [skip=BLOCKS] [seek=BLOCKS] " +
    "[count=BLOCKS]";
  for (
    const words of ["", "if=/x", "if=/x of=/y bs=0", "if=/x of=/y bs=1k", "if=/x of=/y seek=1"]
  ) {
    assert.deepEqual(await lastOf(`A$ dd ${words}; echo $?`), [usage, "1"]);
  }
  assert.deepEqual(await lastOf("A$ dd if=/none of=/tmp/x; echo $?"), [
    "dd: cannot open '/none': No such file or directory",
    "1",
  ]);
  assert.deepEqual(await lastOf("A$ dd if=/root/payload of=/tmp/x bs=1000; echo $?"), [
    "dd: more than 131072 bytes; take a smaller count=",
    "1",
  ]);
  assert.deepEqual(await lastOf("A$ dd if=/root/payload of=/none/x count=1; echo $?"), [
    "dd: error writing '/none/x': No such file or directory",
    "1",
  ]);
  assert.deepEqual(await lastOf("A$ dd if=/proc/kimgcore of=/tmp/x; echo $?"), [
    "dd: cannot open '/proc/kimgcore': No such file or directory",
    "1",
  ]);
});
