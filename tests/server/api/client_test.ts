/**
 * The client of other programs, against an application that listens nowhere.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { isProblem, kjump, ProblemAnswer } from "../../../server/client.ts";
import { framesIn } from "../../../server/client_stream.ts";
import type { Client, ClientSettings } from "../../../server/client.ts";
import type { FakeLog } from "./api_kit.ts";
import { ApiKit, eventOf, ORIGIN, RUN } from "./api_kit.ts";

const LIVE = "0000000000000001";

function clientOf(kit: ApiKit, settings: ClientSettings = {}): Client {
  return kjump(ORIGIN, {
    fetch: async (request) => await kit.app.request(request),
    sleep: () => Promise.resolve(),
    ...settings,
  });
}

/** Passes the answers of streams on, cut off after so many bytes, one number for each connection. */
function cutting(
  kit: ApiKit,
  lengths: readonly number[],
  cut: (connection: number) => void = () => {},
): (request: Request) => Promise<Response> {
  let connection = 0;
  return async (request) => {
    const answer = await kit.app.request(request);
    const left = lengths[connection];
    if (left === undefined || answer.body === null) return answer;
    const number = connection++;
    let rest = left;
    const cutter = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        controller.enqueue(piece.subarray(0, rest));
        rest -= piece.length;
        if (rest > 0) return;
        cut(number);
        controller.error(new TypeError("connection reset"));
      },
    });
    return new Response(answer.body.pipeThrough(cutter), answer);
  };
}

async function numbers(events: AsyncIterable<{ readonly seq: number }>): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of events) seqs.push(seq);
  return seqs;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, seq) => seq);

Deno.test("kjump asks for every path and gives what is answered", async () => {
  using kit = new ApiKit();
  const client = clientOf(kit);
  const { run } = await client.start({ kind: "cycle" });
  strictEqual((await client.start({ kind: "live" }, 3)).status, "finished");
  strictEqual((await client.run(run)).run, run);
  strictEqual((await client.input(run, "ls")).run, run);
  strictEqual((await client.fork(RUN, 3, { do: "cut_power", durable: "none" })).status, "running");
  strictEqual((await client.event(RUN, 3, 5)).event.seq, 3);
  deepStrictEqual((await client.search(RUN, "a b&c", 1, 2)).seqs, [1, 2]);
  strictEqual((await client.step(RUN, { at: 3, to: "back" })).at, 4);
  strictEqual((await client.machine(RUN, 3)).at, 3);
  strictEqual((await client.change(RUN, 3)).actor, "A");
  strictEqual((await client.memory(RUN)).at, 9);
  strictEqual((await client.disk(RUN, 0)).at, 0);
  strictEqual(await client.report(RUN, "text"), "all held\n");
  strictEqual(await (await client.export(RUN, "otlp")).text(), "content of run.otlp");
  strictEqual(await (await client.image(RUN, "elf", 2)).text(), "content of elf.img");
  strictEqual((await client.upload("[0.0] Linux", "log")).kind, "import");
  strictEqual((await client.inspect(new Blob(["x"]))).text, "x");
  strictEqual((await client.scenarios())[0]?.name, "v7-hibernate");
  strictEqual((await client.scenario("v7-hibernate")).text, "# A cycle\n");
  strictEqual((await client.protocols()).protocols.length, 1);
  strictEqual((await client.rules())[0]?.id, (await client.rule("F23")).id);
  strictEqual((await client.cancel(run)).status, "cancelled");
  await client.remove(run);
  ok(kit.laboratory.get(run) === undefined);
  deepStrictEqual(kit.desk.asked.slice(0, 2), ["causality 3 5", "search a b&c 1 2"]);
});

Deno.test("Client.blob gives the bytes", async () => {
  using kit = new ApiKit();
  const digest = "ab".repeat(32);
  Deno.writeFileSync(`${kit.laboratory.folderOf(RUN)}/blobs/${digest}`, new Uint8Array([1, 2]));
  deepStrictEqual(await clientOf(kit).blob(RUN, digest), new Uint8Array([1, 2]));
});

Deno.test("Client.runs goes through all pages", async () => {
  using kit = new ApiKit();
  for (let number = 0; number < 205; number++) {
    kit.laboratory.add(number.toString(16).padStart(16, "0"), "cancelled", 0);
  }
  const found = new Set<string>();
  for await (const { run } of clientOf(kit).runs()) found.add(run);
  strictEqual(found.size, 206);
});

Deno.test("Client throws the problem that is answered, also one of somebody between", async () => {
  using kit = new ApiKit({ token: "0123456789abcdef" });
  await rejects(clientOf(kit).run(RUN), (error) => {
    ok(error instanceof ProblemAnswer && isProblem(error));
    strictEqual(error.status, 401);
    strictEqual(error.problem.type, "/problems/token-required");
    return true;
  });
  const client = clientOf(kit, { token: "0123456789abcdef" });
  strictEqual((await client.run(RUN)).run, RUN);
  await rejects(client.machine(RUN, 99), (error) => {
    ok(isProblem(error));
    return error.problem.seq === 99;
  });
  const between = kjump(ORIGIN, {
    fetch: () => Promise.resolve(new Response("<h1>Bad gateway", { status: 502 })),
  });
  await rejects(between.run(RUN), (error) => isProblem(error) && error.status === 502);
});

Deno.test("Client puts its paths behind a base that is a folder", async () => {
  const asked: string[] = [];
  const fetched = (request: Request): Promise<Response> => {
    asked.push(request.url);
    return Promise.resolve(Response.json({}));
  };
  await kjump("https://host/lab", { fetch: fetched }).run(RUN);
  await kjump("https://host/lab/?token=1#x", { fetch: fetched }).run(RUN);
  const wanted = `https://host/lab/api/runs/${RUN}`;
  deepStrictEqual(asked, [wanted, wanted]);
});

Deno.test("Client.events gives all events, or those that are wanted", async () => {
  using kit = new ApiKit();
  const client = clientOf(kit);
  deepStrictEqual(await numbers(client.events(RUN)), upTo(10));
  deepStrictEqual(await numbers(client.events(RUN, { after: 6 })), [7, 8, 9]);
  deepStrictEqual(await numbers(client.events(RUN, { after: 9 })), []);
  // The server says that there is a gap and begins anew; what is known is no news.
  deepStrictEqual(await numbers(client.events(RUN, { after: 99 })), []);
  deepStrictEqual(await numbers(client.events(RUN, { kinds: ["send"], to: 5 })), [0, 2, 4]);
  deepStrictEqual(await numbers(client.events(RUN, { actors: ["disk"], from: 2 })), [3, 6, 9]);
  for await (const event of client.events(RUN, { from: 3, to: 3 })) {
    deepStrictEqual(event, eventOf(3));
  }
});

Deno.test("Client.events has no gap and no double wherever the connection is cut", async () => {
  using kit = new ApiKit();
  const whole = await kit.get(`/api/runs/${RUN}/events`, { accept: "text/event-stream" });
  const length = (await whole.bytes()).length;
  for (let at = 1; at < length; at += 37) {
    const client = clientOf(kit, { fetch: cutting(kit, [at, 600]) });
    deepStrictEqual(await numbers(client.events(RUN)), upTo(10), `cut at ${at}`);
  }
});

Deno.test("Client.events goes on over a cut while events are still to come", async () => {
  using kit = new ApiKit();
  const log: FakeLog = kit.laboratory.add(LIVE, "running", 5);
  const fetched = cutting(kit, [900, 700], (connection) => {
    log.add(20);
    if (connection === 1) log.end();
  });
  deepStrictEqual(await numbers(clientOf(kit, { fetch: fetched }).events(LIVE)), upTo(45));
});

Deno.test("Client.events gives up after so many tries that bring nothing, waiting longer each time", async () => {
  using kit = new ApiKit();
  const pauses: number[] = [];
  const sleep = (milliseconds: number): Promise<void> => {
    pauses.push(milliseconds);
    return Promise.resolve();
  };
  const fetched = (): Promise<Response> => Promise.reject(new TypeError("connection refused"));
  const client = clientOf(kit, { fetch: fetched, sleep, tries: 8 });
  await rejects(numbers(client.events(RUN)), /cut off 8 times/);
  deepStrictEqual(pauses, [250, 500, 1000, 2000, 4000, 8000, 10000]);
});

Deno.test("Client.events comes again when there was too much to do, and not when it is refused", async () => {
  using kit = new ApiKit();
  const pauses: number[] = [];
  let busy = 2;
  const client = clientOf(kit, {
    sleep: (milliseconds) => {
      pauses.push(milliseconds);
      return Promise.resolve();
    },
    fetch: async (request) => {
      if (busy-- <= 0) return await kit.app.request(request);
      return new Response(
        JSON.stringify({ type: "/problems/too-many", title: "t", status: 429, detail: "d" }),
        {
          status: 429,
          headers: { "Content-Type": "application/problem+json", "Retry-After": "5" },
        },
      );
    },
  });
  deepStrictEqual(await numbers(client.events(RUN)), upTo(10));
  deepStrictEqual(pauses, [5000, 5000]);
  await rejects(numbers(client.events("ffffffffffffffff")), (error) => {
    return isProblem(error) && error.status === 404;
  });
  strictEqual(pauses.length, 2);
});

Deno.test("Client.events ends with its signal, and its stream with it", async () => {
  using kit = new ApiKit();
  kit.laboratory.add(LIVE, "running", 5);
  const going = new AbortController();
  const seen: number[] = [];
  await rejects(async () => {
    for await (const { seq } of clientOf(kit).events(LIVE, { signal: going.signal })) {
      seen.push(seq);
      if (seq === 4) going.abort(new Error("enough"));
    }
  });
  deepStrictEqual(seen, upTo(5));
  strictEqual(kit.streams.count, 0);
});

Deno.test("Client.events lets its stream go when nobody asks on", async () => {
  using kit = new ApiKit();
  kit.laboratory.add(LIVE, "running", 5);
  for await (const { seq } of clientOf(kit).events(LIVE)) if (seq === 2) break;
  strictEqual(kit.streams.count, 0);
});

Deno.test("Client.wait resolves when the run ends or waits for its person", async () => {
  using kit = new ApiKit();
  strictEqual((await clientOf(kit).wait(RUN)).status, "finished");
  const log = kit.laboratory.add(LIVE, "running", 5);
  const waiting = clientOf(kit).wait(LIVE);
  kit.laboratory.change(LIVE, { status: "waiting" });
  strictEqual((await waiting).status, "waiting");
  kit.laboratory.change(LIVE, { status: "running" });
  const ended = clientOf(kit).wait(LIVE);
  kit.laboratory.change(LIVE, { status: "failed" });
  log.end();
  strictEqual((await ended).status, "failed");
  strictEqual(kit.streams.count, 0);
});

Deno.test("Client.changes tells how a run goes on, up to its end", async () => {
  using kit = new ApiKit();
  const log = kit.laboratory.add(LIVE, "running", 5);
  const seen: string[] = [];
  for await (const { status } of clientOf(kit).changes(LIVE)) {
    seen.push(status);
    if (seen.length > 1) continue;
    kit.laboratory.change(LIVE, { status: "cancelled" });
    log.end();
  }
  strictEqual(seen[0], "running");
  strictEqual(seen.at(-1), "cancelled");
});

Deno.test("framesIn reads what the standard allows, however it is cut into pieces", async () => {
  const text = "retry: 5\n\n: a comment\nid: 1\nevent: trace\ndata: a\ndata:b\n\n" +
    "id:2\r\ndata:  c\r\n\r\nevent: end\rdata\r\rid: 3\ndata: cut off";
  const wanted = [
    { id: 1, event: "trace", data: "a\nb" },
    { id: 2, event: "message", data: " c" },
    { event: "end", data: "" },
  ];
  for (let size = 1; size < 20; size++) {
    const bytes = new TextEncoder().encode(text);
    let at = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at += size));
      },
    });
    deepStrictEqual(await Array.fromAsync(framesIn(body)), wanted, `pieces of ${size}`);
  }
});
