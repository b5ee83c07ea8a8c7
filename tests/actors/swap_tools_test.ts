import assert from "node:assert/strict";
import { parseSwapHeader } from "../../machine/formats/swap_header.ts";
import { hasTool, run as runTool } from "../oracles/tools.ts";
import { headerOn, runSwap, SWAP_START, swapDisk, swapPage } from "./swap_kit.ts";
import type { Call } from "./kernel_kit.ts";

/** A program's call, as a shell makes it. */
function line(text: string): Call {
  const argv = text.split(" ");
  return [`program:${argv[0]}`, { argv }];
}

/** Runs lines one after the other; statuses and what was said. */
function lines(texts: readonly string[], medium = swapDisk(4), more = {}) {
  const run = runSwap({ medium, calls: texts.map(line), ...more });
  return { ...run, said: run.printed() };
}

const UUID = "12345678-9abc-4def-8123-456789abcdef";

Deno.test("mkswap writes a header that says what it was told", () => {
  const medium = swapDisk(4);
  medium.write(SWAP_START, new Uint8Array(4096));
  const { results, said } = lines([`mkswap -L mine -U ${UUID} /dev/sda2`], medium);
  assert.deepEqual(results, [0]);
  assert.deepEqual(said, [
    "Setting up swapspace version 1, size = 4 MiB (4190208 bytes)",
    `LABEL=mine, UUID=${UUID}`,
  ]);
  const header = headerOn(medium);
  assert.equal(header.lastPage, 1023);
  assert.equal(header.label, "mine");
  assert.equal(header.signature, "SWAPSPACE2");
});

Deno.test("mkswap gives every area another UUID, and takes a smaller size", () => {
  const medium = swapDisk(4);
  const { said } = lines(["mkswap /dev/hda2", "mkswap 8:2 2048"], medium);
  const uuids = said.filter((text) => text.includes("UUID="));
  assert.equal(new Set(uuids).size, 2);
  assert.match(uuids[0] ?? "", /^no label, UUID=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(headerOn(medium).lastPage, 511);
});

Deno.test("mkswap refuses what is mounted, in use, too small, or not there", () => {
  const mounts = [{
    path: "/mnt",
    partition: 1,
    firstSector: 2048,
    readOnly: false,
    cache: { pfn: 1, count: 1 },
    blocks: [],
    dirty: [],
  }];
  const { results, said } = lines(
    [
      "mkswap",
      "mkswap -x /dev/sda2",
      "mkswap -U nonsense /dev/sda2",
      "mkswap /dev/sda1",
      "mkswap /dev/sda2 36",
      "mkswap /dev/sda2 4100",
      "mkswap /dev/sda2 many",
      "mkswap /dev/sda7",
      "swapon /dev/sda2",
      "mkswap /dev/sda2",
    ],
    swapDisk(4),
    { state: { profile: "6.1-cured", mounts } },
  );
  assert.deepEqual(results, [1, 1, 1, 1, 1, 1, 1, 1, 0, 1]);
  assert.deepEqual(said.filter((text) => text.startsWith("mkswap")), [
    "mkswap: error: Nowhere to set up swap on?",
    "mkswap: invalid option -- 'x'",
    "mkswap: error: parsing UUID failed",
    "mkswap: error: /dev/sda1 is mounted; will not make swapspace",
    "mkswap: error: swap area needs to be at least 40 KiB",
    "mkswap: error: size 4100 KiB is larger than device size",
    "mkswap: invalid block count argument: 'many'",
    "mkswap: cannot open /dev/sda7: No such file or directory",
    "mkswap: cannot open /dev/sda2: Device or resource busy",
  ]);
});

Deno.test("swapon and swapoff give the errnos that were measured", () => {
  const { results, said } = lines([
    "swapoff /dev/sda2",
    "swapon /dev/sda2",
    "swapon /dev/hda2",
    "swapoff /dev/sda2",
    "swapon /dev/sda1",
    "swapon /dev/sda9",
    "swapon",
  ]);
  assert.deepEqual(results, [1, 0, 1, 0, 1, 1, 1]);
  assert.deepEqual(said.filter((text) => text.startsWith("swap")), [
    "swapoff: /dev/sda2: Invalid argument",
    "swapon: /dev/hda2: Device or resource busy",
    "swapon: /dev/sda1: Invalid argument",
    "swapon: /dev/sda9: No such file or directory",
    "swapon: usage: swapon DEVICE",
  ]);
});

Deno.test("swapon refuses an area with an image, another version, or longer than its partition", () => {
  const changes: readonly ((page: Uint8Array) => void)[] = [
    (page) => page.set(new TextEncoder().encode("S1SUSPEND\0"), 4086),
    (page) => page.set([2], 1024),
    (page) => page.set([0, 4, 0, 0], 1028),
    (page) => page.set([0, 0, 0, 0], 1028),
    (page) => page.set([1], 1032),
  ];
  for (const change of changes) {
    const medium = swapDisk(4);
    const page = swapPage(medium, 0);
    change(page);
    medium.write(SWAP_START, page);
    const { results, state } = lines(["swapon /dev/sda2"], medium);
    assert.deepEqual(results, [1]);
    assert.equal(state.swaps, undefined);
    assert.deepEqual(state.free, [{ pfn: 256, count: 2500 }]);
  }
});

Deno.test("swapon says so in facts and in /proc/swaps", () => {
  const { said, facts } = lines(["cat /proc/swaps", "swapon 3:2", "cat /proc/swaps"]);
  assert.deepEqual(said, [
    "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority",
    "Adding 4092k swap on /dev/sda2.  Priority:-2 extents:1 across:4092k",
    "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority",
    `${"/dev/sda2".padEnd(39)} partition\t4092\t\t0\t\t-2`,
  ]);
  assert.deepEqual(facts("swap_area"), [{
    k: "K",
    device: "sda2",
    op: "on",
    blocks: 1023,
    result: 0,
  }]);
});

Deno.test({
  name: "mkswap writes what mkswap of util-linux writes",
  ignore: !hasTool("mkswap"),
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      const path = `${directory}/area`;
      await Deno.writeFile(path, new Uint8Array(4 * 1024 ** 2), { mode: 0o600 });
      const { code, stdout } = await runTool("mkswap", ["-L", "mine", "-U", UUID, path]);
      assert.equal(code, 0);
      const medium = swapDisk(4);
      const { said } = lines([`mkswap -L mine -U ${UUID} /dev/sda2`], medium);
      assert.deepEqual(stdout.trimEnd().split("\n"), said);
      const real = (await Deno.readFile(path)).subarray(0, 4096);
      assert.deepEqual(swapPage(medium, 0), real);
      assert.equal(parseSwapHeader(real).label, "mine");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
