import assert from "node:assert/strict";
import fc from "fast-check";
import type { ExportSource } from "../../../../machine/trace/exporters/exporters.ts";
import { anyText, bytesOf, cycle, type Draft, imported, made, saying } from "./kit.ts";
import { reportOf } from "./report_kit.ts";

interface Block {
  readonly type: number;
  readonly body: DataView<ArrayBuffer>;
}

/** The blocks of a file; both lengths of each must be the same and a multiple of four. */
function blocks(bytes: Uint8Array<ArrayBuffer>): Block[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const list: Block[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at + 4, true);
    assert.equal(length % 4, 0);
    assert.equal(view.getUint32(at + length - 4, true), length);
    const body = new DataView(bytes.buffer, bytes.byteOffset + at + 8, length - 12);
    list.push({ type: view.getUint32(at, true), body });
    at += length;
  }
  return list;
}

function textAt(view: DataView<ArrayBuffer>, from: number, length: number): string {
  return new TextDecoder("utf-8", { fatal: true })
    .decode(new Uint8Array(view.buffer, view.byteOffset + from, length));
}

/** Texts of a block's options from an offset on, by code. */
function options(view: DataView<ArrayBuffer>, from: number): [number, string][] {
  const list: [number, string][] = [];
  for (let at = from; at < view.byteLength;) {
    const code = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    if (code === 0) {
      assert.equal(at + 4, view.byteLength);
      break;
    }
    list.push([code, code === 1 ? textAt(view, at + 4, length) : ""]);
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return list;
}

interface Packet {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly comments: readonly string[];
}

function packetOf({ body }: Block): Packet {
  const length = body.getUint32(12, true);
  assert.equal(body.getUint32(16, true), length);
  const ip = 20 + 14;
  const address = (at: number): string =>
    [0, 1, 2, 3].map((index) => body.getUint8(at + index)).join(".");
  assert.equal(body.getUint16(ip + 2), length - 14);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += body.getUint16(ip + at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  assert.equal(sum, 0xffff, "the header's checksum");
  const udp = ip + 20;
  assert.equal(body.getUint16(udp + 4), length - 34);
  const comments = options(body, 20 + Math.ceil(length / 4) * 4);
  return {
    at: body.getUint32(4, true) * 2 ** 32 + body.getUint32(8, true),
    from: address(ip + 12),
    to: address(ip + 16),
    port: body.getUint16(udp + 2),
    payload: JSON.parse(textAt(body, udp + 8, length - 42)),
    comments: comments.map(([, text]) => text),
  };
}

function packets(source: ExportSource): Packet[] {
  return blocks(bytesOf("pcapng", source)).filter(({ type }) => type === 6).map(packetOf);
}

function names(source: ExportSource): string[] {
  return blocks(bytesOf("pcapng", source)).filter(({ type }) => type === 4).map(({ body }) => {
    const length = body.getUint16(2, true);
    const text = textAt(body, 8, length - 5);
    return `${[4, 5, 6, 7].map((at) => body.getUint8(at)).join(".")} ${text}`;
  });
}

const STORY: readonly Draft[] = [
  { kind: "send", actor: "A", target: "disk", type: "disk.read", msg: 0, vt: 0, summary: { n: 7 } },
  { kind: "deliver", actor: "disk", source: "A", type: "disk.read", msg: 0, vt: 5_000_000_001 },
  { kind: "fault", actor: "disk", type: "power.cut", vt: 5_000_000_002 },
  { kind: "send", actor: "disk", target: "A", type: "disk.done", msg: 3, vt: 5_000_000_003 },
  { kind: "send", actor: "A", target: "cpu", type: "cpu.halt", msg: 4, vt: 5_000_000_004 },
  {
    kind: "drop",
    actor: "A",
    source: "disk",
    type: "disk.done",
    msg: 3,
    vt: 5_000_000_005,
    summary: { reason: "nobody there" },
  },
];

Deno.test("PCAPNG begins with a section and one Ethernet interface with times in ns", () => {
  const [section, description] = blocks(bytesOf("pcapng", made([])));
  assert.equal(section?.type, 0x0a0d0d0a);
  assert.equal(section?.body.getUint32(0, true), 0x1a2b3c4d);
  assert.deepEqual(options(section?.body ?? assert.fail(), 16)[0], [
    1,
    "Run 0123456789abcdef, scenario hand-made, seed 1; times are virtual",
  ]);
  assert.deepEqual([description?.type, description?.body.getUint16(0, true)], [1, 1]);
  const body = description?.body ?? assert.fail();
  const codes = options(body, 8).map(([code]) => code);
  assert.deepEqual(codes, [2, 3, 9]);
  assert.equal(body.getUint8(body.byteLength - 8), 9);
});

Deno.test("PCAPNG has a packet for each message, with addresses, time, words and fate", () => {
  const all = packets(made(STORY));
  assert.deepEqual(all.map(({ from, to, port, at }) => [from, to, port, at]), [
    ["10.0.0.1", "10.0.0.2", 49_152, 5_000_000_001],
    ["10.0.0.2", "10.0.0.1", 49_152, 5_000_000_005],
    ["10.0.0.1", "10.0.0.3", 49_153, 5_000_000_005],
  ]);
  assert.deepEqual(all[0]?.payload, {
    type: "disk.read",
    msg: 0,
    seq: 1,
    sent: 0,
    summary: { n: 7 },
  });
  assert.equal(all[1]?.payload["fate"], "drop");
  assert.deepEqual(all.map(({ comments }) => comments), [
    [],
    ["fault at disk: power.cut", "drop: reason=nobody there"],
    ["in flight at the end of the trace"],
  ]);
  assert.deepEqual(names(made(STORY)), ["10.0.0.1 A", "10.0.0.2 disk", "10.0.0.3 cpu"]);
});

Deno.test("PCAPNG puts violations, and what no packet follows, into comments", () => {
  const drafts: Draft[] = [...STORY.slice(0, 2), { kind: "fault", actor: "disk", type: "wake" }];
  const source = { ...made(drafts), report: reportOf("F23", [1]) };
  assert.deepEqual(packets(source)[0]?.comments, ["F23 violated at seq 1: because of 1"]);
  const last = blocks(bytesOf("pcapng", source)).at(-1) ?? assert.fail();
  assert.equal(last.type, 5);
  assert.deepEqual(options(last.body, 12).map(([, text]) => text), ["fault at disk: wake", ""]);
});

Deno.test("PCAPNG of a recorded run has as many packets as messages, in order", () => {
  const source = cycle();
  const all = packets(source);
  assert.equal(all.length, [...source.events()].filter(({ kind }) => kind === "send").length);
  const times = all.map(({ at }) => at);
  assert.deepEqual(times, times.toSorted((first, second) => first - second));
  assert.ok(all.every(({ payload, at }) => Number(payload["sent"]) <= at));
  assert.deepEqual(packets(imported()), []);
});

Deno.test("PCAPNG cuts what does not fit a datagram or an option, and counts comments left out", () => {
  const long = "é".repeat(60_000);
  const [packet] = packets(made([{ kind: "deliver", actor: "a", source: "b", type: long }]));
  assert.equal(packet?.payload["cut"], true);
  const faults = Array.from({ length: 80 }, (): Draft => ({
    kind: "fault",
    actor: "a",
    type: long,
  }));
  const [told] = packets(
    made([...faults, { kind: "deliver", actor: "a", source: "b", type: "x" }]),
  );
  assert.equal(told?.comments.length, 65);
  assert.equal(told?.comments.at(-1), "and 16 more");
});

Deno.test("PCAPNG stays whole whatever the texts", () => {
  fc.assert(
    fc.property(fc.array(anyText, { minLength: 1, maxLength: 6 }), (texts) => {
      const source = saying(texts);
      assert.equal(packets(source).length, texts.length);
      const actors = new Set([...source.events()].map(({ actor }) => actor));
      assert.equal(names(source).length, actors.size);
    }),
    { numRuns: 100 },
  );
});
