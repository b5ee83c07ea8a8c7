import assert from "node:assert/strict";
import { buildDisk } from "../../actors/disk_image/build_disk.ts";
import type { HardwareSetup } from "../../actors/hardware.ts";
import { walkAcpi } from "../../machine/formats/acpi/walk.ts";
import { diskLayout } from "../../machine/formats/disk_layout.ts";
import { parseE820Counted } from "../../machine/formats/e820_table.ts";
import {
  laptopE820,
  presentLaptopE820,
  virtualMachineE820,
} from "../../machine/formats/e820_profiles.ts";
import { parseMbr } from "../../machine/formats/mbr.ts";
import { NVRAM_BYTES, parseNvram } from "../../machine/formats/nvram.ts";
import { parseStamp, verifyStamp } from "../../machine/formats/stamp.ts";
import { hardwareProfile, hardwareSignature } from "../../machine/hardware_profile.ts";
import {
  type BenchPlan,
  type BenchRun,
  blankMedium,
  driverOf,
  type Hands,
  runBench,
  type Story,
} from "./bench.ts";
import {
  machine,
  mediumOf,
  MEMORY_BYTES,
  plainCpu,
  REAL_SECONDS,
  SETUP,
  SOURCE,
  type Told,
} from "./fresh_disk.ts";

const nobody = (): Told => ({ entries: [], halts: [] });

/** Powers on; the "kernel" is a driver that is started instead of the boot loader's kernel. */
function run(
  story: ((hands: Hands) => Story) | undefined,
  plan: Partial<BenchPlan> = {},
  setup: Partial<HardwareSetup> = {},
  told: Told = nobody(),
): BenchRun {
  const starts = story === undefined ? undefined : (out: { spawn: Spawn }) => {
    out.spawn("A", "driver", null);
  };
  return runBench({
    hardware: machine(setup),
    behaviours: [
      plainCpu(told, starts),
      ...(story === undefined ? [] : [driverOf("driver", story)]),
    ],
    medium: plan.medium ?? mediumOf(),
    ramBytes: MEMORY_BYTES,
    ...plan,
  });
}
type Spawn = (name: string, behaviour: string, config: null) => void;

function nvramOf(bench: BenchRun) {
  const sector = diskLayout({ memoryBytes: MEMORY_BYTES })[3]?.firstSector ?? 0;
  return parseNvram(bench.bytes(sector * 512, NVRAM_BYTES));
}

const { acpi } = hardwareProfile("small-vm");
const write = (hands: Hands, port: number, value: number) =>
  hands.ask("firmware", "acpi.write", { tag: "w", by: "A", port, value });
function* read(hands: Hands, port: number) {
  const { body } = yield* hands.ask("firmware", "acpi.read", { tag: "r", by: "A", port });
  return Number(Reflect.get(body, "value"));
}

Deno.test("firmware enters a stamped boot sector with map and tables in RAM", () => {
  const told = nobody();
  const bench = run(undefined, {}, {}, told);
  const [first] = told.entries;
  assert.deepEqual(first, {
    source: "firmware",
    entry: 0x7c00,
    sp: 0x7c00,
    word: 0,
    argument: 0x9fd00,
    preserve: false,
  });
  const { ram } = bench.scheduler;
  const { bootCode, partitions } = parseMbr(ram.view(0x7c00, 512).slice());
  const stamp = parseStamp(bootCode);
  assert.ok(stamp !== undefined && verifyStamp(stamp, bootCode.slice(64, 64 + stamp.length)));
  assert.deepEqual(partitions, diskLayout({ memoryBytes: MEMORY_BYTES }));
  assert.deepEqual(parseE820Counted(ram.view(0x9fd00, 2564)), virtualMachineE820(MEMORY_BYTES));
  const tables = walkAcpi((address, length) => ram.view(address, length).slice());
  assert.equal(tables?.facs.hardwareSignature, hardwareSignature(SETUP));
  assert.deepEqual(tables?.s5, { a: 0, b: 0 });
  assert.equal(tables?.cpuCount, 1);
  assert.deepEqual(bench.facts("power"), [{ op: "on" }]);
});

for (
  const [name, memoryBytes, map] of [
    ["t42", 512 * 1024 ** 2, laptopE820],
    ["laptop", 5 * 1024 ** 3, presentLaptopE820],
  ] as const
) {
  Deno.test(`firmware of the ${name} leaves its map and its tables`, () => {
    const told = nobody();
    const size = { hardwareProfile: name, memoryBytes, cpuCount: 2 };
    // The laptop's RAM as far as its tables reach, so that the test stays small.
    const ramBytes = Math.min(memoryBytes, 2 * 1024 ** 3);
    const bench = run(undefined, { ramBytes, cycles: 1 }, size, told);
    const { ram } = bench.scheduler;
    const argument = Number(told.entries[0]?.["argument"]);
    assert.deepEqual(parseE820Counted(ram.view(argument, 2564)), map(memoryBytes));
    const tables = walkAcpi((address, length) => ram.view(address, length).slice());
    assert.deepEqual(tables?.s4, { a: 6, b: 0 });
    assert.equal(tables?.cpuCount, 2);
    assert.match(bench.shown[0] ?? "", /^Hardware changed: hardwareProfile was small-vm, is /);
  });
}

Deno.test("firmware without a boot sector says so and stays where it is", () => {
  const told = nobody();
  const bench = run(undefined, { medium: blankMedium(), ramBytes: MEMORY_BYTES }, {}, told);
  assert.match(bench.shown[0] ?? "", /^No bootable device: .*55 AA/);
  assert.deepEqual(told.entries, []);
  assert.deepEqual(bench.facts("panic"), [{ k: "firmware", reason: "no bootable device" }]);
});

Deno.test("firmware writes the settings it boots with, past the drive's cache", () => {
  const bench = run(undefined);
  assert.deepEqual(nvramOf(bench), {
    sequence: 1,
    rtcSeconds: REAL_SECONDS + 1,
    hardwareSignature: hardwareSignature(SETUP),
    sleepType: 0,
    hardwareProfile: "small-vm",
    memoryBytes: MEMORY_BYTES,
    cpuCount: 1,
    bootDefault: "linux",
  });
  assert.deepEqual(bench.facts("flush"), []);
});

Deno.test("firmware goes to S5 by SLP_EN and keeps clock and state over the power-off", () => {
  const bench = run(function* (hands) {
    yield* hands.ask("rtc", "timer.arm", { tag: "t", delay_ns: 5_000_000_000 });
    yield* hands.ask("firmware", "acpi.evaluate", {
      tag: "p",
      by: "A",
      method: "_PTS",
      argument: 5,
    });
    yield* write(hands, acpi.pm1aControlPort, 0);
    hands.out.send("firmware", "acpi.write", {
      tag: "off",
      by: "A",
      port: acpi.pm1aControlPort,
      value: 1 << 13,
    });
    yield;
  });
  assert.equal(bench.scheduler.outcome, "off");
  assert.deepEqual(bench.facts("power").at(-1), { op: "off", state: "S5", k: "A" });
  assert.deepEqual(bench.facts("acpi"), [
    { k: "A", method: "_PTS", argument: 5 },
    { k: "A", register: "PM1a_CNT", value: "0x0" },
    { k: "A", register: "PM1a_CNT", value: "0x2000" },
  ]);
  const record = nvramOf(bench);
  assert.equal(record?.sequence, 2);
  assert.equal(record?.sleepType, 5);
  assert.equal(record?.rtcSeconds, REAL_SECONDS + 6);
});

function* goToS4(hands: Hands): Story {
  const port = acpi.pm1aControlPort;
  hands.out.send("firmware", "acpi.write", { tag: "off", by: "A", port, value: 2 << 10 | 1 << 13 });
  yield;
}

Deno.test("firmware remembers S4 on the disk and shows WAK_STS at the next power-on", () => {
  const first = run(goToS4);
  assert.deepEqual(first.facts("power").at(-1), { op: "sleep", state: "S4", k: "A" });
  assert.equal(nvramOf(first)?.sleepType, 4);
  const second = run(function* (hands) {
    assert.equal(yield* read(hands, acpi.pm1aEventPort), 0x8100);
    yield* write(hands, acpi.pm1aEventPort, 0x8000);
    assert.equal(yield* read(hands, acpi.pm1aEventPort), 0x0100);
  }, { medium: first.medium });
  assert.deepEqual(second.facts("power"), [{ op: "on" }, { op: "wake", state: "S4" }]);
  assert.equal(nvramOf(second)?.sleepType, 0);
});

Deno.test("firmware that finds an S4 without standby power wakes as from S5", () => {
  const first = run(goToS4);
  const second = run(
    function* (hands) {
      assert.equal(yield* read(hands, acpi.pm1aEventPort), 0);
    },
    { medium: first.medium },
    { unplugged: true },
  );
  assert.deepEqual(second.facts("power"), [{ op: "on" }]);
  assert.equal(nvramOf(second)?.sleepType, 0);
});

Deno.test("firmware makes its variables in NVS anew at each power-on", () => {
  const variables = (bench: BenchRun) => {
    const { start } = laptopE820(MEMORY_BYTES).find(({ type }) => type === 4) ?? { start: 0 };
    const bytes = bench.scheduler.ram.view(start + 64, 24).slice();
    assert.equal(new TextDecoder().decode(bytes.subarray(0, 8)), "KJNVSVAR");
    return bytes.slice(8).join();
  };
  const first = run(undefined, {}, { hardwareProfile: "t42" }, nobody());
  const second = run(undefined, { medium: first.medium }, { hardwareProfile: "t42" }, nobody());
  assert.notEqual(variables(first), variables(second));
});

Deno.test("firmware switches off for the APM BIOS's call, which is no ACPI fact", () => {
  const bench = run(function* (hands) {
    const port = acpi.smiCommandPort;
    hands.out.send("firmware", "acpi.write", { tag: "apm", by: "A", port, value: 0x0f });
    yield;
  });
  assert.deepEqual(bench.facts("power").at(-1), { op: "off", state: "S5", k: "A" });
  assert.deepEqual(bench.facts("acpi"), []);
});

Deno.test("firmware says what of the hardware changed since the last time", () => {
  const medium = mediumOf(buildDisk({ ...SOURCE, cpuCount: 4, signature: 1 }));
  const bench = run(undefined, { medium });
  const signature = hardwareSignature(SETUP);
  assert.equal(
    bench.shown[0],
    `Hardware changed: cpuCount was 4, is 1; hardwareSignature was 1, is ${signature}`,
  );
});

Deno.test("firmware goes on with fresh settings where both slots are damaged", () => {
  const medium = mediumOf();
  const sector = diskLayout({ memoryBytes: MEMORY_BYTES })[3]?.firstSector ?? 0;
  medium.write(sector * 512 + 100, Uint8Array.of(1, 2, 3));
  const bench = run(undefined, { medium });
  assert.match(bench.shown[0] ?? "", /^Settings are lost: /);
  assert.equal(nvramOf(bench)?.sequence, 0);
});

Deno.test("firmware keeps SLP_EN to itself and SCI_EN to the SMI command", () => {
  run(function* (hands) {
    assert.equal(yield* read(hands, acpi.pm1aControlPort), 0);
    yield* write(hands, acpi.smiCommandPort, acpi.acpiEnable);
    assert.equal(yield* read(hands, acpi.pm1aControlPort), 1);
    yield* write(hands, acpi.pm1aControlPort, 1 << 10);
    assert.equal(yield* read(hands, acpi.pm1aControlPort), 1 | 1 << 10);
    // S3, which this laboratory does not enter: nothing happens.
    yield* write(hands, acpi.pm1aControlPort, 1 << 10 | 1 << 13);
    assert.equal(yield* read(hands, acpi.pm1aControlPort), 1 | 1 << 10);
    yield* write(hands, acpi.smiCommandPort, acpi.acpiDisable);
    assert.equal(yield* read(hands, acpi.pm1aControlPort), 1 << 10);
  });
});

Deno.test("firmware has event registers of its own, and all ones where nobody answers", () => {
  run(function* (hands) {
    yield* write(hands, acpi.pm1aEventPort + 2, 0x0520);
    assert.equal(yield* read(hands, acpi.pm1aEventPort + 2), 0x0520);
    yield* write(hands, acpi.gpe0Port + 2, 0x0100);
    assert.equal(yield* read(hands, acpi.gpe0Port + 2), 0x0100);
    assert.equal(yield* read(hands, acpi.gpe0Port), 0);
    assert.equal(yield* read(hands, 0x1234), 0xffff);
    const timer = yield* read(hands, acpi.pmTimerPort);
    assert.equal(timer, Math.floor((hands.out.now - 1000) * (3_579_545 / 1e9)) % 2 ** 24);
  });
});

Deno.test("firmware answers ENOENT for a method that its DSDT lacks, and a refusal that was chosen", () => {
  const refusals = [{ device: "firmware", phase: "_PTS", time: 2, result: -5 }];
  const results: unknown[] = [];
  const bench = run(
    function* (hands) {
      for (const method of ["_GTS", "_PTS", "_PTS", "_WAK"]) {
        const { body } = yield* hands.ask("firmware", "acpi.evaluate", {
          tag: "e",
          by: "A",
          method,
          argument: 4,
        });
        results.push(Reflect.get(body, "result"));
      }
    },
    {},
    { refusals },
  );
  assert.deepEqual(results, [-2, 0, -5, 0]);
  assert.equal(bench.facts("acpi").length, 3);
});

Deno.test("firmware ignores SLP_EN as often as it is told", () => {
  const bench = run(
    function* (hands) {
      yield* write(hands, acpi.pm1aControlPort, 1 << 13);
      yield* goToS4(hands);
    },
    {},
    { ignoredSleeps: 1 },
  );
  assert.equal(bench.scheduler.outcome, "off");
  assert.equal(bench.facts("power").at(-1)?.["state"], "S4");
});

/** Writes a sector into the disk's cache, then goes down by `end`. */
function unflushed(end: (hands: Hands) => Story): (hands: Hands) => Story {
  return function* (hands) {
    yield* hands.ask("disk", "device.probe", { tag: "p", by: "A", registers: { command: 1 } });
    const ranges = [{ start: 0x20_0000, length: 512 }];
    const { body } = yield* hands.ask("memory", "memory.acquire", {
      tag: "b",
      by: "A",
      ranges,
      write: true,
    });
    hands.access.writable(0x20_0000, 512).fill(0xee);
    const grants = Reflect.get(body, "grants");
    yield* hands.ask("disk", "disk.write", { tag: "w", by: "A", sector: 1, count: 1, grants });
    yield* end(hands);
  };
}

Deno.test("firmware lets what a kernel left unflushed go with the power", () => {
  const bench = run(unflushed(goToS4));
  assert.equal(bench.bytes(512, 1)[0], 0);
});

Deno.test("firmware resets the machine: the drive keeps its power, everything starts again", () => {
  const told = nobody();
  let resets = 0;
  const bench = run(
    unflushed(function* (hands) {
      if (resets++ > 0) return;
      hands.out.send("firmware", "firmware.reset", { reason: "triple fault" });
      yield;
    }),
    {},
    {},
    told,
  );
  const ops = bench.facts("power").map(({ op }) => op);
  assert.deepEqual(ops, ["on", "reset", "on"]);
  assert.equal(bench.bytes(512, 1)[0], 0xee);
  const entries = told.entries.filter(({ source }) => source === "firmware");
  assert.equal(entries.length, 2);
});

Deno.test("firmware resets through the reset register", () => {
  let resets = 0;
  const bench = run(function* (hands) {
    if (resets++ > 0) return;
    hands.out.send("firmware", "acpi.write", { tag: "x", by: "A", port: 0xcf9, value: 6 });
    yield;
  });
  assert.deepEqual(bench.facts("power")[1], { op: "reset", state: "S0", k: "A" });
});
