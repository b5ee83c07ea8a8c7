import assert from "node:assert/strict";
import { type HardwareActor, hardwareActors, type HardwareSetup } from "../../actors/hardware.ts";
import { packetBytes } from "../../actors/network.ts";
import type { Envelope } from "../../machine/actor.ts";
import { hardwareProfile } from "../../machine/hardware_profile.ts";
import {
  actorOf,
  type BenchRun,
  driverOf,
  type Hands,
  LINK_NS,
  runBench,
  type Story,
} from "./bench.ts";

const SETUP: HardwareSetup = {
  hardwareProfile: "small-vm",
  memoryBytes: 64 * 1024 ** 2,
  cpuCount: 1,
  realBaseUs: 1_200_000_000_000_000,
};
const DRIVER: HardwareActor = { name: "A", behaviour: "driver", config: null };
const CPU: HardwareActor = { name: "cpu", behaviour: "forwarding", config: null };

/** A processor that calls the kernel's handler. */
const forwarding = actorOf("forwarding", "cpu", ({ body }, out) => {
  const line = Number(Reflect.get(body, "line"));
  out.send("A", "kernel.interrupt", { line, device: String(Reflect.get(body, "device")) });
});

function tell(story: (hands: Hands) => Story, setup: Partial<HardwareSetup> = {}): BenchRun {
  const parts = hardwareActors({ ...SETUP, ...setup }).filter(({ name }) => name !== "firmware");
  return runBench({
    hardware: [...parts, CPU, DRIVER],
    behaviours: [driverOf("driver", story), forwarding],
  });
}

const DEVICES = ["disk", "console", "network", "rtc", "pci"];

function phase(hands: Hands, device: string, name: string, registers?: Record<string, number>) {
  return hands.ask(device, "device.phase", {
    tag: `${device} ${name}`,
    by: "A",
    phase: name,
    event: "FREEZE",
    ...(registers === undefined ? {} : { registers }),
  });
}

function* use(hands: Hands, device: string, by = "A") {
  const done = yield* hands.ask(device, "device.use", { tag: `use ${device}`, by });
  return `${Reflect.get(done.body, "value")} ${Reflect.get(done.body, "result")}`;
}

const probe = (hands: Hands, device: string, by = "A") =>
  hands.ask(device, "device.probe", { tag: `probe ${device}`, by, registers: { command: 7 } });

for (const device of DEVICES) {
  Deno.test(`deviceHandlers let '${device}' live only for the kernel that programmed it`, () => {
    tell(function* (hands) {
      assert.equal(yield* use(hands, device), "dead -5");
      yield* probe(hands, device);
      assert.equal(yield* use(hands, device), "alive 0");
      assert.equal(yield* use(hands, device, "B"), "dead -5");
      yield* probe(hands, device, "B");
      assert.equal(yield* use(hands, device), "dead -5");
    });
  });

  Deno.test(`deviceHandlers keep power and wake-up of '${device}' as they are in a freeze`, () => {
    tell(function* (hands) {
      yield* probe(hands, device);
      for (const name of ["prepare", "freeze", "freeze_late", "freeze_noirq"]) {
        const { body } = yield* phase(hands, device, name);
        const { registers, powered, wake_armed, result } = { ...body } as Record<string, unknown>;
        assert.deepEqual({ registers, powered, wake_armed, result }, {
          registers: { command: 7 },
          powered: true,
          wake_armed: false,
          result: 0,
        });
      }
      assert.equal(yield* use(hands, device), "dead -5");
      for (const name of ["thaw_noirq", "thaw_early", "thaw", "complete"]) {
        yield* phase(hands, device, name);
      }
      assert.equal(yield* use(hands, device), "alive 0");
    });
  });

  Deno.test(`deviceHandlers revive '${device}' by registers alone after it was powered off`, () => {
    tell(function* (hands) {
      yield* probe(hands, device);
      yield* phase(hands, device, "poweroff");
      const off = yield* phase(hands, device, "poweroff_late");
      assert.equal(Reflect.get(off.body, "powered"), false);
      assert.deepEqual(Reflect.get(off.body, "registers"), {});
      const wakes = device === "network" || device === "rtc";
      assert.equal(Reflect.get(off.body, "wake_armed"), wakes);
      yield* phase(hands, device, "restore");
      assert.equal(yield* use(hands, device), "dead -5");
      yield* phase(hands, device, "restore_early", { command: 7 });
      assert.equal(yield* use(hands, device), "alive 0");
    });
  });
}

Deno.test("deviceHandlers refuse a phase the chosen time and change nothing then", () => {
  // As a run's choices have it.
  const refusals = [{ kind: "refuse", device: "pci", phase: "freeze", time: 2, result: -16 }];
  tell(function* (hands) {
    yield* probe(hands, "pci");
    const results = [];
    for (let time = 0; time < 3; time++) {
      const done = yield* phase(hands, "pci", "freeze");
      results.push(Reflect.get(done.body, "result"));
      if (time === 1) assert.equal(yield* use(hands, "pci"), "alive 0");
      yield* phase(hands, "pci", "thaw");
    }
    assert.deepEqual(results, [0, -16, 0]);
  }, { refusals });
});

Deno.test("deviceHandlers know no phase that the protocol does not have", () => {
  const nap = function* (hands: Hands): Story {
    yield* phase(hands, "pci", "nap");
  };
  assert.throws(() => tell(nap), {
    name: "ProtocolError",
    message: /No device phase 'nap'/,
  });
});

Deno.test("rtc tells base and virtual time, to anybody", () => {
  tell(function* (hands) {
    const at = hands.out.now;
    const { body } = yield* hands.ask("rtc", "rtc.read", { tag: "t" });
    assert.equal(Reflect.get(body, "real_us"), SETUP.realBaseUs + Math.floor((at + 1000) / 1000));
  });
});

Deno.test("rtc fires once after the delay", () => {
  tell(function* (hands) {
    const at = hands.out.now;
    yield* hands.ask("rtc", "timer.arm", { tag: "t", delay_ns: 1_000_000 });
    assert.equal(hands.out.now - at, 1_002_000);
  });
});

Deno.test("consoleDevice shows everybody's text and brings lines only to its owner", () => {
  const lines: string[] = [];
  const story = function* (hands: Hands): Story {
    hands.out.send("console", "console.write", { by: "A", text: "hello", prompt: false });
    yield* probe(hands, "console");
    for (let count = 0; count < 2; count++) {
      const { envelope } = yield;
      lines.push(`${envelope.type} ${Reflect.get(envelope.body, "line")}`);
    }
  };
  const run = runBench({
    hardware: [
      ...hardwareActors(SETUP).filter(({ name }) => name === "console"),
      CPU,
      DRIVER,
    ],
    behaviours: [driverOf("driver", story), forwarding],
    typed: [{ after: 50_000_000, line: "sync" }, { after: 0, line: "lost" }],
  });
  assert.deepEqual(run.shown, ["hello"]);
  assert.deepEqual(lines, ["console.line sync", "kernel.interrupt 4"]);
  assert.deepEqual(run.facts("irq"), [{ k: "A", device: "console" }]);
});

/** A ring of two descriptors at 0x10000 with buffers at 0x20000 and 0x21000. */
function* programRing(hands: Hands) {
  const bytes = "0000020000000000" + "0008000000000000" + "0010020000000000" + "0008000000000000";
  yield* hands.ask("memory", "memory.write", { tag: "ring", by: "A", address: 0x10000, bytes });
  const registers = { ringBase: 0x10000, ringSize: 2 };
  yield* hands.ask("network", "device.probe", { tag: "probe", by: "A", registers });
}

function* interrupts(count: number) {
  for (let seen = 0; seen < count;) {
    const { envelope } = yield;
    if (envelope.type === "kernel.interrupt") seen++;
  }
}

Deno.test("network writes packets into the ring's buffers in turn and raises its line", () => {
  const run = tell(function* (hands) {
    yield* programRing(hands);
    yield* interrupts(3);
  });
  const { ram } = run.scheduler;
  assert.deepEqual(ram.view(0x20000, 64).slice(), packetBytes(2));
  assert.deepEqual(ram.view(0x21000, 64).slice(), packetBytes(1));
  assert.deepEqual([...ram.view(0x10008, 8)], [64, 0, 0, 0, 5, 0, 0, 0]);
  assert.equal(run.facts("dma").length, 3);
  assert.deepEqual(run.facts("irq")[0], { k: "A", device: "network" });
  const written = run.facts("memory_write").filter(({ by }) => by === "network");
  assert.deepEqual(written[0], { k: "A", by: "network", runs: "20+1" });
});

/** Waits a second of virtual time, in which four packets would come. */
function* second(hands: Hands) {
  yield* hands.ask("rtc", "timer.arm", { tag: "second", delay_ns: 1_000_000_000 });
}

Deno.test("network does no DMA once a freeze was answered, and goes on after a thaw", () => {
  const counts: number[] = [];
  const run = tell(function* (hands) {
    yield* programRing(hands);
    yield* interrupts(1);
    yield* phase(hands, "network", "freeze");
    counts.push(hands.out.now);
    yield* second(hands);
    counts.push(hands.out.now);
    yield* phase(hands, "network", "thaw");
    yield* interrupts(1);
  });
  const [frozen = 0, thawed = 0] = counts;
  const times = run.factTimes("dma");
  assert.deepEqual(times.filter((time) => time > frozen && time < thawed), []);
  assert.equal(times.filter((time) => time > thawed).length, 1);
});

Deno.test("network answers a freeze that meets a transfer only when the transfer is over", () => {
  const { packetNs } = hardwareProfile("small-vm");
  const run = tell(function* (hands) {
    yield* programRing(hands);
    yield* interrupts(1);
    const body = { tag: "freeze", by: "A", phase: "freeze", event: "FREEZE" };
    // The interrupt took two links to come here, and the freeze takes one to the card.
    hands.out.send("network", "device.phase", body, packetNs - 2 * LINK_NS + LINK_NS / 2);
    let envelope: Envelope;
    do ({ envelope } = yield); while (envelope.type !== "device.done");
    assert.equal(Reflect.get(envelope.body, "result"), 0);
    yield* second(hands);
  });
  const deferred = run.events.find((event) => event.kind === "defer");
  assert.equal(deferred?.actor, "network");
  const times = [...run.factTimes("dma"), ...run.factTimes("irq")];
  assert.equal(times.length, 4);
  const frozen = run.events.findLast((event) =>
    event.type === "device.done" && event.kind === "send"
  );
  assert.ok(times.every((time) => time <= (frozen?.vt ?? 0)));
});

Deno.test("network that is broken goes on with DMA after a freeze", () => {
  const run = tell(function* (hands) {
    yield* programRing(hands);
    yield* phase(hands, "network", "freeze");
    yield* second(hands);
  }, { brokenNetwork: true });
  assert.ok(run.facts("dma").length >= 3);
});

Deno.test("network drops packets for a ring outside RAM", () => {
  const run = tell(function* (hands) {
    const registers = { ringBase: 0x7fff_0000, ringSize: 2 };
    yield* hands.ask("network", "device.probe", { tag: "probe", by: "A", registers });
    yield* second(hands);
  });
  assert.deepEqual(run.facts("dma"), []);
});
