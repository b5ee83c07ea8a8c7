/**
 * Exports read by programs that nobody here wrote: PlantUML, tshark, Mermaid's grammar, the
 * protobuf classes that OpenTelemetry generated from its own schema, a reader of Chrome traces.
 * ShiViz has no package; its documented rules are in `shiviz_kit.ts` beside the exporter's tests.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import root from "npm:@opentelemetry/otlp-transformer@0.57.2/build/src/generated/root.js";
import traceModel from "npm:@tracerbench/trace-model@8.0.0";
import fc from "fast-check";
import mermaid from "npm:mermaid@12.3.0";
import {
  type ExportName,
  type ExportSource,
  partOf,
} from "../../machine/trace/exporters/exporters.ts";
import { traceIdOf } from "../../machine/trace/exporters/ids.ts";
import {
  anyText,
  bytesOf,
  cycle,
  imported,
  made,
  saying,
  SLY,
  textOf,
} from "../machine/trace/exporters/kit.ts";
import { hasTool, run } from "./tools.ts";

/** A whole run, a part of it, a recording, nothing, a run without an end, and sly texts. */
function sources(): ReadonlyMap<string, ExportSource> {
  const { header, events } = cycle();
  return new Map([
    ["a run", cycle()],
    ["a part", partOf(cycle(), { from: 700, to: 1200, actors: ["A", "disk"] })],
    ["a recording", imported()],
    ["an empty trace", made([])],
    ["a torn trace", { header, events: () => [...events()].slice(0, 1000) }],
    ["sly texts", saying(SLY)],
  ]);
}

/** Runs a tool on an export in a file of its own. */
async function read(
  tool: string,
  args: readonly string[],
  form: ExportName,
  source: ExportSource,
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "kjump-export-" });
  try {
    const path = `${folder}/export.${form}`;
    await Deno.writeFile(path, bytesOf(form, source));
    const { code, stdout, stderr } = await run(
      tool,
      args.map((each) => each === "FILE" ? path : each),
    );
    strictEqual(code, 0, stdout + stderr);
    return stdout;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What PlantUML makes of diagrams, in one process because it starts slowly. */
async function drawn(diagrams: readonly ExportSource[]): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "kjump-export-" });
  try {
    const paths = diagrams.map((_, index) => `${folder}/${index}`);
    for (const [index, source] of diagrams.entries()) {
      await Deno.writeFile(`${folder}/${index}.puml`, bytesOf("plantuml", source));
    }
    const args = ["-charset", "UTF-8", "-tsvg", "-nometadata"];
    const { code, stdout, stderr } = await run("plantuml", [
      ...args,
      ...paths.map((path) => `${path}.puml`),
    ]);
    strictEqual(code, 0, stdout + stderr);
    return await Promise.all(paths.map((path) => Deno.readTextFile(`${path}.svg`)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The words in a picture. */
function words(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) =>
    text.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
      .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
      .replaceAll("&amp;", "&").replaceAll("\u00a0", " ")
  );
}

const hasPlantuml = hasTool("plantuml");
const hasTshark = hasTool("tshark");

Deno.test({
  name: "plantuml draws each diagram, with all its participants and messages",
  ignore: !hasPlantuml,
  fn: async () => {
    const random = saying(fc.sample(anyText, { numRuns: 40, seed: 4 }));
    const diagrams = [...sources(), ["random texts", random] as const];
    const pictures = await drawn(diagrams.map(([, source]) => source));
    for (const [index, [name, source]] of diagrams.entries()) {
      const text = textOf("plantuml", source);
      const svg = pictures[index] ?? "";
      ok(!/Syntax Error/i.test(svg), name);
      const arrived = text.match(/^p\d+ -> p\d+ :/gm)?.length ?? 0;
      ok((svg.match(/<polygon/g)?.length ?? 0) >= arrived, name);
      const participants = text.match(/^participant "[a-z]+"/gm) ?? [];
      const all = words(svg);
      for (const line of participants) ok(all.includes(line.slice(13, -1)), `${name}: ${line}`);
    }
  },
});

Deno.test({
  name: "plantuml shows sly texts as they are: nothing is included, expanded or ends the diagram",
  ignore: !hasPlantuml,
  fn: async () => {
    const shown = SLY.filter((text) => /^[ -~]+$/.test(text) && text.trim() === text);
    const [svg = ""] = await drawn([
      made(shown.map((actor) => ({ kind: "fault", actor, type: "x" }))),
    ]);
    const all = words(svg);
    for (const text of shown) {
      const short = text.length > 40 ? `${text.slice(0, 39)}…` : text;
      ok(all.includes(short), `${text} is not in ${JSON.stringify(all)}`);
    }
    ok(!all.some((text) => text.includes("root:")), "a file of the host was included");
  },
});

/** What Mermaid's grammar makes of a diagram: participants, and arrows between them. */
async function understood(text: string): Promise<{ participants: number; arrows: number }> {
  const { type, db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  strictEqual(type, "sequence");
  const list = (name: string): unknown[] => {
    const get: unknown = Reflect.get(db, name);
    ok(typeof get === "function");
    const found: Iterable<unknown> = get.call(db);
    return [...found];
  };
  const from = list("getMessages").filter((message) => Reflect.get(Object(message), "to"));
  const notes = from.filter((message) => Reflect.get(Object(message), "placement") !== undefined);
  return { participants: list("getActors").length, arrows: from.length - notes.length };
}

/** Participants and arrows as the text has them. */
function written(text: string): { participants: number; arrows: number } {
  return {
    participants: text.match(/^ {2}participant p/gm)?.length ?? 0,
    arrows: text.match(/^ {2}p\d+(?:->>|--?x)p\d+: /gm)?.length ?? 0,
  };
}

Deno.test("mermaid's own grammar finds in each diagram what was written", async () => {
  for (const [name, source] of sources()) {
    const text = textOf("mermaid", source);
    strictEqual((await mermaid.parse(text)).diagramType, "sequence");
    deepStrictEqual(await understood(text), written(text), name);
  }
});

Deno.test("mermaid's own grammar takes any text as nothing but text", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyText, { minLength: 1, maxLength: 6 }), async (texts) => {
      const source = saying(texts);
      const text = textOf("mermaid", source);
      const found = await understood(text);
      deepStrictEqual(found, written(text));
      strictEqual(found.arrows, texts.length);
    }),
    { numRuns: 60 },
  );
});

/** What tshark prints of some fields, a line a packet. */
async function fields(source: ExportSource, ...names: string[]): Promise<string[][]> {
  const args = ["-r", "FILE", "-T", "fields", ...names.flatMap((name) => ["-e", name])];
  const out = await read("tshark", args, "pcapng", source);
  return out.split("\n").slice(0, -1).map((line) => line.split("\t"));
}

Deno.test({
  name: "tshark finds a packet for each message, with addresses, time and words",
  ignore: !hasTshark,
  fn: async () => {
    const source = cycle();
    const rows = await fields(
      source,
      "ip.src",
      "ip.dst",
      "frame.time_epoch",
      "udp.payload",
      "_ws.malformed",
    );
    const events = [...source.events()];
    const sends = events.filter(({ kind }) => kind === "send");
    strictEqual(rows.length, sends.length);
    const ends = events.filter(({ kind }) => kind === "deliver" || kind === "drop");
    rows.forEach(([from = "", to = "", time = "", payload = "", malformed = ""], index) => {
      match(from, /^10\.0\.0\.\d+$/);
      match(to, /^10\.0\.0\.\d+$/);
      strictEqual(malformed, "");
      const told: { type: string; msg: number } = JSON.parse(
        new TextDecoder().decode(Uint8Array.fromHex(payload.replaceAll(":", ""))),
      );
      const end = ends[index];
      strictEqual(told.type, end?.type ?? told.type);
      strictEqual(told.msg, end?.msg ?? told.msg);
      if (end === undefined) return;
      strictEqual(BigInt(time.replace(".", "")), BigInt(end.vt));
    });
  },
});

Deno.test({
  name: "tshark takes every capture, its comments, and its names of addresses",
  ignore: !hasTshark,
  fn: async () => {
    for (const [name, source] of sources()) {
      const rows = await fields(source, "frame.number", "ip.dst", "_ws.malformed");
      const part = [...source.events()];
      ok(rows.every(([, , malformed]) => malformed === ""), name);
      ok(name !== "an empty trace" || rows.length === 0);
      ok(rows.length >= part.filter(({ kind }) => kind === "deliver").length, name);
    }
    const lost = await fields(cycle(), "frame.comment");
    strictEqual(lost.filter(([comment]) => comment === "drop: reason=nobody there").length, 2);
    const out = await read("tshark", ["-r", "FILE", "-N", "n", "-c", "1"], "pcapng", cycle());
    match(out, /firmware → operator/);
    const talks = await read("tshark", ["-r", "FILE", "-q", "-z", "conv,ip"], "pcapng", cycle());
    match(talks, /10\.0\.0\.\d+ +<-> 10\.0\.0\.3/);
  },
});

/** What protobuf classes generated by protobufjs can do. */
interface MessageType {
  fromObject(value: unknown): unknown;
  verify(message: unknown): string | null;
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  toObject(
    message: unknown,
    options: { readonly longs: typeof String; readonly bytes: typeof String },
  ): ExportedRequest;
}

interface ExportedRequest {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string;
        readonly spanId: string;
        readonly startTimeUnixNano: string;
      }[];
    }[];
  }[];
}

function isMessageType(value: unknown): value is MessageType {
  return typeof value === "function" &&
    ["fromObject", "verify", "encode", "decode", "toObject"].every((name) => name in value);
}

/** The class of a request, out of those that OpenTelemetry generated from its schema. */
function requestType(): MessageType {
  let found: unknown = root;
  const path = ["opentelemetry", "proto", "collector", "trace", "v1", "ExportTraceServiceRequest"];
  for (const name of path) found = Reflect.get(Object(found), name);
  ok(isMessageType(found));
  return found;
}

Deno.test("OpenTelemetry's protobuf classes take each line and give it back", () => {
  const ExportTraceServiceRequest = requestType();
  for (const [name, source] of sources()) {
    let spans = 0;
    for (const line of textOf("otlp", source).trimEnd().split("\n")) {
      // Protobuf's JSON has bytes in base64; OTLP/JSON has ids in hexadecimal digits instead.
      const json: unknown = JSON.parse(
        line,
        (key, value) =>
          /^(?:traceId|spanId|parentSpanId)$/.test(key)
            ? Uint8Array.fromHex(value).toBase64()
            : value,
      );
      checkKeys(json, name);
      const message = ExportTraceServiceRequest.fromObject(json);
      strictEqual(ExportTraceServiceRequest.verify(message), null);
      const bytes = ExportTraceServiceRequest.encode(message).finish();
      const back = ExportTraceServiceRequest.toObject(ExportTraceServiceRequest.decode(bytes), {
        longs: String,
        bytes: String,
      });
      deepStrictEqual(JSON.parse(JSON.stringify(back)), json, name);
      for (const { scopeSpans } of back.resourceSpans) {
        for (const { spans: list } of scopeSpans) {
          spans += list.length;
          for (const { traceId, spanId, startTimeUnixNano } of list) {
            strictEqual(Uint8Array.fromBase64(traceId).toHex(), traceIdOf(source.header.run));
            strictEqual(Uint8Array.fromBase64(spanId).length, 8);
            match(startTimeUnixNano, /^\d+$/);
          }
        }
      }
    }
    ok(spans > 0, name);
  }
});

/** A 64-bit number of OTLP/JSON is text. */
function checkKeys(value: unknown, name: string): void {
  if (Array.isArray(value)) value.forEach((each) => checkKeys(each, name));
  else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) {
      if (/Nano$|^intValue$/.test(key)) strictEqual(typeof each, "string", `${name}: ${key}`);
      checkKeys(each, name);
    }
  }
}

Deno.test("a reader of Chrome traces finds every process, thread and slice", () => {
  for (const [name, source] of sources()) {
    if (name === "an empty trace") continue;
    const file = JSON.parse(textOf("perfetto", source));
    const slices = file.traceEvents.filter(({ ph }: { ph: string }) => ph === "X");
    const model = traceModel.buildModel(file.traceEvents);
    const actors = new Set<string>();
    for (const { actor, target } of source.events()) {
      actors.add(actor.toWellFormed());
      if (target !== undefined) actors.add(target.toWellFormed());
    }
    const processes = model.processes.filter(({ name }) => name !== undefined);
    deepStrictEqual(new Set(processes.map(({ name }) => name)), actors, name);
    let found = 0;
    for (const process of processes) {
      for (const thread of process.threads) {
        found += thread.events.filter((event) => event.isComplete()).length;
      }
    }
    strictEqual(found, slices.length, name);
  }
});
