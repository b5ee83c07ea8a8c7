import { cutRanges } from "../../machine/grant_ranges.ts";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  decodeState,
  encodeState,
  fillRanges,
  statePagesNeeded,
} from "../../actors/kernel/state_pages.ts";
import type { KernelState, Layout } from "../../actors/kernel/state.ts";
import {
  parseKernelStateHeader,
  STATE_HEADER_BYTES,
} from "../../machine/formats/kernel_state_header.ts";
import { fieldsOf, type Run } from "../runs/run_kit.ts";
import { boot, flipInRam, runHooked, type, until } from "./kernel_hooks.ts";
import { kernelOf, processOf, stateWith } from "./kernel_pure.ts";

const LAYOUT: Layout = {
  text: { pfn: 256, count: 10 },
  memMap: 0x200_0000,
  vmcoreinfo: 0x210_0000,
  context: 0x211_0000,
  log: { pfn: 0x2200, count: 16 },
  state: { pfn: 0x2300, count: 64 },
  frameCount: 0x4000,
  pageTable: 0x212_0000,
};

/** A state with all sorts of text in it. */
const aState: fc.Arbitrary<KernelState> = fc.record({
  log: fc.array(fc.string({ unit: "grapheme" }), { maxLength: 20 }),
  typed: fc.array(fc.string(), { maxLength: 3 }),
  free: fc.array(fc.record({ pfn: fc.nat(), count: fc.nat() }, { noNullPrototype: true }), {
    maxLength: 10,
  }),
  nextTag: fc.nat(),
}, { noNullPrototype: true }).map((fields) =>
  stateWith({
    ...fields,
    layout: LAYOUT,
    processes: [processOf(1, "jump"), processOf(2, "other")],
  })
);

function encoded(state: KernelState, step = 3): Uint8Array {
  return encodeState(kernelOf(state), step);
}

Deno.test("decodeState gives back what encodeState wrote, with who left waiting for the return", () => {
  fc.assert(
    fc.property(aState, fc.nat(12), (state, step) => {
      const bytes = encoded(state, step);
      const header = parseKernelStateHeader(bytes);
      deepStrictEqual(
        { ...header, crc: 0 },
        {
          name: "K",
          version: 2627,
          length: bytes.length - STATE_HEADER_BYTES,
          crc: 0,
          memMap: LAYOUT.memMap,
          frames: LAYOUT.frameCount,
        },
      );
      const decoded = decodeState(0x1000, header, bytes.subarray(STATE_HEADER_BYTES));
      if (decoded.kind !== "ok") throw new Error(decoded.reason);
      const [leaver, other] = decoded.state.processes;
      deepStrictEqual([leaver?.wait, leaver?.frames.at(-1)?.step], [{ kind: "return" }, step]);
      deepStrictEqual(other, state.processes[1]);
      deepStrictEqual({ ...decoded.state, processes: [] }, { ...state, processes: [] });
    }),
  );
});

Deno.test("decodeState notices any one flipped bit of the text and names its pages", () => {
  const bytes = encoded(stateWith({ layout: LAYOUT, processes: [processOf(1, "jump")] }));
  const header = parseKernelStateHeader(bytes);
  const text = bytes.subarray(STATE_HEADER_BYTES);
  for (let bit = 0; bit < text.length * 8; bit++) {
    text[bit >> 3] = (text[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const decoded = decodeState(0x230_0000, header, text);
    strictEqual(decoded.kind, "damaged");
    if (decoded.kind === "damaged") {
      match(decoded.reason, /^state pages 0x2300000-0x2300[0-9a-f]{3}: /);
    }
    text[bit >> 3] = (text[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
});

Deno.test("statePagesNeeded leaves room for what the encoded state grows by before the jump", () => {
  fc.assert(
    fc.property(aState, (state) => {
      const pages = statePagesNeeded(kernelOf(state));
      strictEqual(encoded(state).length + 8192 <= pages * 4096, true);
    }),
  );
});

Deno.test("cutRanges and fillRanges cover every byte once, in parts of at most 1 MiB", () => {
  fc.assert(
    fc.property(fc.nat(5_000_000), fc.nat(100), (length, start) => {
      const parts: [number, number][] = [];
      fillRanges((at, content) => parts.push([at, content.length]), start, new Uint8Array(length));
      deepStrictEqual(
        parts,
        cutRanges([{ start, length }]).map(({ start: at, length: bytes }) => [at, bytes]),
      );
      strictEqual(parts.every(([, bytes]) => bytes > 0 && bytes <= 1024 ** 2), true);
      let end = start;
      for (const [at, bytes] of parts) {
        strictEqual(at, end);
        end += bytes;
      }
      strictEqual(end, start + length);
    }),
    { numRuns: 20 },
  );
});

const LOAD_B = "kexec --load-preserve-context /boot/bzImage --mem-min=0x100000 " +
  '--mem-max=0xffffff --initrd=/boot/rootfs.gz --append="hostname=B root=/dev/ram0"';

/** A jumps to B, bits of A's state are flipped there, and B jumps back. */
function flippedWhileAway(offset: number): { run: Run; state: number } {
  let state = 0;
  const script = [
    ...boot("A"),
    type("A", LOAD_B),
    type("A", "kexec -e"),
    type("B", "jump-back"),
    ...until("A"),
  ];
  const run = runHooked({ script }, (event, scheduler) => {
    if (event.kind === "send" && event.type === "cpu.run_control_page" && event.actor === "A") {
      state = Number(event.summary?.["state"]);
    }
    if (event.type === "fact.boot" && event.actor === "B") flipInRam(scheduler, state + offset, 3);
  });
  return { run, state };
}

Deno.test("kernel that comes back to a flipped bit in its state panics with the address", () => {
  for (const offset of [STATE_HEADER_BYTES, STATE_HEADER_BYTES + 777, 4096]) {
    const { run, state } = flippedWhileAway(offset);
    const [panic] = fieldsOf(run, "panic");
    strictEqual(panic?.["k"], "A");
    match(String(panic?.["reason"]), new RegExp(`^state pages 0x${state.toString(16)}-0x`));
    match(run.lines.at(-1) ?? "", /^A: Kernel panic - not syncing: state pages 0x/);
    match(run.outcome, /saw nothing; last line: Kernel panic/);
  }
});

Deno.test("kernel whose state header is damaged is never entered: a fault with the address", () => {
  for (const offset of [0, 12, 28, 33, 63]) {
    const { run, state } = flippedWhileAway(offset);
    const [panic] = fieldsOf(run, "panic");
    const place = new RegExp(`^kernel state at 0x${state.toString(16)}: `);
    match(String(panic?.["reason"]), place, `byte ${offset}`);
    match(run.outcome, /saw a reset/);
    strictEqual(fieldsOf(run, "resumed").length, 0);
  }
});

Deno.test("kernel that comes back to whole pages resumes", () => {
  const { run } = flippedWhileAway(60 * 4096);
  strictEqual(run.outcome, "done", "the last pages of the room are not in use");
});
