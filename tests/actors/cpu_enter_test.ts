import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { FlatStore } from "../../machine/flat_store.ts";
import { STAMP_BYTES, STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";
import { entering, JUMP_NS, parameters, RAM_BYTES, runCpu, type Tell } from "./cpu_bench.ts";

const ENTRY = 0x1_0000;
const PARAMS = 0x2_0000;

/** Nothing where the parameters should be. */
const noParameters = (ram: FlatStore) => void ram.writable(PARAMS, 4096).fill(0);

const BODY = Uint8Array.from({ length: 300 }, (_, index) => index);
const kernelProgram = () => stampProgram({ kind: STAMP_KIND.kernel, version: 2627, body: BODY });

/** Runs what A enters at {@linkcode ENTRY}; gives who was started and why the machine was reset. */
function enter(
  program: Uint8Array,
  options: { fill?: (ram: FlatStore) => void; entry?: number } = {},
) {
  const started: Record<string, unknown>[] = [];
  const heard: Tell = function* () {
    for (;;) {
      const { envelope } = yield;
      started.push({ name: envelope.target, type: envelope.type, ...envelope.body });
    }
  };
  const { entry = ENTRY } = options;
  const run = runCpu(
    { A: [entering(entry, PARAMS)], B: [heard], linux: [heard], purgatory: [heard] },
    (ram) => {
      parameters(ram, PARAMS, "root=/dev/ram0 hostname=B quiet");
      ram.write(ENTRY, program);
      options.fill?.(ram);
    },
  );
  return { run, started, resets: run.resets };
}

Deno.test("cpu.enter starts the kernel whose stamp stands at the entry, by its command line's name", () => {
  const { started, resets, run } = enter(kernelProgram());
  deepStrictEqual(resets, []);
  deepStrictEqual(started, [{
    name: "B",
    type: "program.start",
    entry: ENTRY,
    sp: 0x7000,
    word: 0,
    argument: PARAMS,
  }]);
  const sent = run.events.find((event) => event.kind === "send" && event.type === "program.start");
  const delivered = run.events.find((event) => event.kind === "deliver" && event.actor === "B");
  strictEqual((delivered?.vt ?? 0) - (sent?.vt ?? 0) >= JUMP_NS, true);
  const ended = run.events.filter((event) => event.kind === "end").map(({ actor }) => actor);
  deepStrictEqual(ended, ["A"], "who entered it has ended");
});

Deno.test("cpu.enter calls a kernel without a hostname linux", () => {
  const { started } = enter(kernelProgram(), { fill: (ram) => parameters(ram, PARAMS, "quiet") });
  deepStrictEqual(started.map(({ name }) => name), ["linux"]);
});

Deno.test("cpu.enter starts purgatory by its stamp, without boot parameters", () => {
  const program = stampProgram({ kind: STAMP_KIND.purgatory, version: 1, body: BODY });
  const { started, resets } = enter(program, { fill: noParameters });
  deepStrictEqual([started.map(({ name }) => name), resets], [["purgatory"], []]);
});

Deno.test("cpu.enter starts a real kernel by the set-up header in boot_params", () => {
  const { started } = enter(Uint8Array.of(0xfc, 0xfa, 0x0f, 0x01));
  deepStrictEqual(started.map(({ name }) => name), ["B"]);
});

/** What must end in a reset with nothing started. */
function refused(
  program: Uint8Array,
  options: Parameters<typeof enter>[1],
  why: RegExp,
  what = "",
) {
  const { started, resets, run } = enter(program, options);
  deepStrictEqual(started, [], what);
  strictEqual(resets.length, 1, what);
  match(resets[0] ?? "", why, what);
  const panics = run.facts("panic");
  strictEqual(`triple fault: ${panics[0]?.["reason"]}`, resets[0], what);
}

Deno.test("cpu.enter of bytes without a stamp is a triple fault that resets the machine", () => {
  refused(Uint8Array.of(0xfc, 0xfa), { fill: noParameters }, /^triple fault: #UD at 0x10000$/);
  refused(new Uint8Array(), { fill: noParameters }, /#UD/);
});

Deno.test("cpu.enter of a stamp of no known kind is an invalid opcode", () => {
  for (const kind of [0, STAMP_KIND.relocate, STAMP_KIND.restoreRegisters, 99]) {
    refused(stampProgram({ kind, version: 1, body: BODY }), {}, /#UD/, `kind ${kind}`);
  }
});

Deno.test("cpu.enter of a kernel of which any one bit is flipped starts nothing", () => {
  const bits = [
    ...Array.from({ length: 12 * 8 }, (_, bit) => bit),
    ...Array.from({ length: (52 - 16) * 8 }, (_, bit) => 16 * 8 + bit),
    ...Array.from({ length: BODY.length }, (_, byte) => (STAMP_BYTES + byte) * 8 + byte % 8),
  ];
  for (const bit of bits) {
    const program = kernelProgram();
    program[bit >> 3] = (program[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    refused(program, { fill: noParameters }, /#UD|no memory/, `bit ${bit}`);
  }
});

Deno.test("cpu.enter of a stamp with an argument over 2^53 is an invalid opcode", () => {
  const program = kernelProgram();
  program[63] = 0xff;
  refused(program, { fill: noParameters }, /#UD/);
});

Deno.test("cpu.enter where there is no memory is a triple fault, not the end of the laboratory", () => {
  for (const entry of [RAM_BYTES - 63, RAM_BYTES, 0xdead_0000, 2 ** 52]) {
    refused(kernelProgram(), { entry }, /no memory at 0x[0-9a-f]+/, entry.toString(16));
  }
});

Deno.test("cpu.enter of a kernel with a broken zero page, or a line that is nowhere, is a fault", () => {
  refused(kernelProgram(), { fill: noParameters }, /boot_params at 0x20000/);
  const fill = (ram: FlatStore) => parameters(ram, PARAMS, "", RAM_BYTES - 16);
  refused(kernelProgram(), { fill }, /no memory at 0x1ffff0/);
});

Deno.test("cpu.enter of any bytes at all ends in a reset or a start, and never otherwise", () => {
  const stamped = fc.record({
    kind: fc.constantFrom(2, 3, 4, 5, 6, 8, 9),
    flags: fc.nat(3),
    argument: fc.oneof(fc.constantFrom(0, ENTRY, PARAMS), fc.maxSafeNat()),
    body: fc.uint8Array({ maxLength: 80 }),
  }).map(({ body, ...rest }) =>
    stampProgram({ ...rest, version: 2627, body: Uint8Array.from(body) })
  );
  const bytes = fc.oneof(
    stamped,
    fc.uint8Array({ maxLength: 128 }).map((raw) => Uint8Array.from(raw)),
  );
  fc.assert(
    fc.property(bytes, fc.uint8Array({ maxLength: 16 }), fc.nat(0x300), (program, noise, at) => {
      const { started, resets } = enter(program, {
        fill: (ram) => ram.write(PARAMS + at, Uint8Array.from(noise)),
      });
      // Boot loader and physical mode have no actor in this bench: their kinds are left out.
      strictEqual(started.length + resets.length >= 1, true);
    }),
    { numRuns: 300 },
  );
});
