/**
 * dd and partitions: what it reads from one, and that of one it writes to only the bytes change
 * that were given.
 */
import assert from "node:assert/strict";
import { lastPrinted, playText } from "../server/transcript_kit.ts";

function atA(...lines: string[]): string {
  const machine = ["```machine", "layout: workshop", "```"];
  return [...machine, "```console", "# power on", "# boot A", ...lines, "```", ""].join("\n");
}

async function printed(...lines: string[]): Promise<readonly string[]> {
  const done = await playText(atA(...lines));
  assert.equal(done.parting, undefined);
  return lastPrinted(done);
}

const QUIET = "2> /dev/null";

Deno.test("dd reads a piece of a partition from where it is told", async () => {
  assert.deepEqual(
    await printed(`A$ dd if=/dev/sda6 of=/tmp/w bs=10 skip=1 count=1 ${QUIET}; wc -c < /tmp/w`),
    ["10"],
  );
  // The signature is in the last ten bytes of the first page, over a border of such blocks.
  assert.deepEqual(
    await printed(
      `A$ dd if=/dev/sda6 of=/tmp/w bs=2043 skip=2 count=1 ${QUIET}; head -c 10 /tmp/w`,
    ),
    ["SWAPSPACE2"],
  );
});

Deno.test("dd changes nothing of a partition but what it writes, over page borders too", async () => {
  assert.deepEqual(
    await printed(
      `A$ cd /tmp; dd if=/dev/sda7 of=before bs=4096 count=3 ${QUIET}`,
      "A$ seq 1 2000 > text; head -c 5000 text > piece",
      `A$ dd if=piece of=/dev/sda7 bs=1 seek=4000 ${QUIET}`,
      "A$ (head -c 4000 before; cat piece; tail -c 3288 before) > wanted",
      `A$ dd if=/dev/sda7 of=after bs=4096 count=3 ${QUIET}; cmp wanted after && echo the same`,
    ),
    ["the same"],
  );
});

Deno.test("dd says EBUSY of a mounted partition, EIO behind the end, and no seek= in files", async () => {
  const write = "dd if=/root/.profile of=/dev/sda2 bs=1";
  assert.deepEqual(
    await printed("A$ echo x > /tmp/x", `A$ ${write.replace("/root/.profile", "/tmp/x")}`),
    [
      "dd: error writing '/dev/sda2': Device or resource busy",
    ],
  );
  assert.deepEqual(
    await printed("A$ echo x > /tmp/x", "A$ dd if=/tmp/x of=/dev/sda7 bs=4096 seek=900000"),
    ["dd: error writing '/dev/sda7': Input/output error"],
  );
  assert.deepEqual(await printed("A$ dd if=/dev/sda70 of=/tmp/w"), [
    "dd: cannot open '/dev/sda70': No such file or directory",
  ]);
  const [usage = ""] = await printed("A$ dd if=/dev/sda7 of=/tmp/w seek=1");
  assert.match(usage, /^dd: usage: /);
});

Deno.test("/dev/null takes everything and gives nothing", async () => {
  assert.deepEqual(
    await printed("A$ echo lost > /dev/null; cat /dev/null; cat nothing 2> /dev/null; echo $?"),
    ["1"],
  );
});
