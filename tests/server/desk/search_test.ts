/**
 * Looking for events by words.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { eventLine } from "../../../machine/trace/event.ts";
import { parseQuery } from "../../../server/desk/query.ts";
import { cutTo, DeskFolder, events, is, traceText } from "./desk_kit.ts";

const LIST = events([
  { actor: "disk", kind: "send", target: "A", type: "disk.write", msg: 0 },
  { actor: "A", source: "disk", kind: "deliver", type: "disk.write_done", msg: 0 },
  { actor: "A", type: "fact.freeze", summary: { k: "A", kernel: "Version One", count: 17 } },
  { actor: "B", type: "fact.freeze", summary: { k: "B", path: 'C:\\x "y"', ok: true } },
  { actor: "B", kind: "state", state: "Running", summary: { name: "Zürich" } },
  { actor: "cpu", kind: "fault", type: "power.cut", summary: { a: "*" } },
  { actor: "__proto__", type: "x.y" },
]);

function found(query: string): number[] {
  const { mayMatch, matches } = parseQuery(query);
  const seqs = LIST.filter(matches).map(({ seq }) => seq);
  for (const seq of seqs) {
    const event = LIST[seq];
    ok(event !== undefined && mayMatch(eventLine(event).toLowerCase()), `${query} at ${seq}`);
  }
  return seqs;
}

Deno.test("parseQuery finds plain words anywhere but in the names of fields", () => {
  deepStrictEqual(found("DISK"), [0, 1]);
  deepStrictEqual(found("version"), [2]);
  deepStrictEqual(found("running"), [4]);
  deepStrictEqual(found("zürich"), [4]);
  deepStrictEqual(found("17"), [2]);
  deepStrictEqual(found("true"), [3]);
  deepStrictEqual(found("summary"), []);
  deepStrictEqual(found("kernel"), [], "the name of a value is no value");
  deepStrictEqual(found("__proto__"), [6]);
});

Deno.test("parseQuery wants all words", () => {
  deepStrictEqual(found("disk write_done"), [1]);
  deepStrictEqual(found("  freeze   one "), [2]);
  deepStrictEqual(found("freeze disk"), []);
  deepStrictEqual(found('"version one"'), [2]);
  deepStrictEqual(found('"one version"'), []);
  deepStrictEqual(found('"c:\\x"'), [3]);
});

Deno.test("parseQuery takes a field's value as a whole, or with stars", () => {
  deepStrictEqual(found("actor:a"), [1, 2]);
  deepStrictEqual(found("actor:dis"), []);
  deepStrictEqual(found("type:disk.write"), [0]);
  deepStrictEqual(found("type:disk.*"), [0, 1]);
  deepStrictEqual(found("type:*.w*e"), [0, 1]);
  deepStrictEqual(found("kind:fault"), [5]);
  deepStrictEqual(found("kind:s*"), [0, 4]);
  deepStrictEqual(found("source:disk"), [1]);
  deepStrictEqual(found("target:A"), [0]);
  deepStrictEqual(found("state:running"), [4]);
  deepStrictEqual(found("k:A"), [2]);
  deepStrictEqual(found("K:b"), [3]);
  deepStrictEqual(found("count:17"), [2]);
  deepStrictEqual(found("ok:true"), [3]);
  deepStrictEqual(found('kernel:"version one"'), [2]);
  deepStrictEqual(found('path:"c:*"'), [3]);
  deepStrictEqual(found("k:A freeze"), [2]);
  deepStrictEqual(found("k:A actor:B"), []);
  deepStrictEqual(found("nosuch:value"), []);
  deepStrictEqual(found("constructor:*"), []);
  deepStrictEqual(found("12:30"), [], "what is no field's name is a plain word");
  deepStrictEqual(found("*"), [5], "in a plain word a star is a star");
});

Deno.test("parseQuery's quick look never rules out what matches", () => {
  const word = fc.oneof(
    fc.constantFrom("disk", "A", "k:A", "type:*w*", '"one"', "kind:note", "Zü", "actor:*"),
    fc.string({ maxLength: 3 }).filter((text) => /^[^\s":]+$/.test(text)),
  );
  fc.assert(fc.property(fc.array(word, { minLength: 1, maxLength: 3 }), (words) => {
    found(words.join(" "));
  }));
});

Deno.test("parseQuery refuses what it cannot understand", () => {
  for (
    const query of ["", "   ", '"', 'a "b', '""', "actor:", 'actor:""', "kind:nonsense", 'a"b']
  ) {
    throws(() => parseQuery(query), is("bad-request"), query);
  }
  throws(() => parseQuery("a ".repeat(17)), is("bad-request"));
  const limit = { name: "queryCharacters", max: 400 };
  throws(() => parseQuery("a".repeat(401)), is("bad-request", { limit }));
  ok(parseQuery("a".repeat(400)));
});

Deno.test("search gives the events in order, a page at a time", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(traceText(LIST));
  const { desk } = folder;
  deepStrictEqual(await desk.search(run, "*", 0, 2), { seqs: [5], more: false });
  deepStrictEqual(await desk.search(run, "freeze", 0, 1), { seqs: [2], more: true });
  deepStrictEqual(await desk.search(run, "freeze", 3, 1), { seqs: [3], more: false });
  deepStrictEqual(await desk.search(run, "disk", 0, 2), { seqs: [0, 1], more: false });
  deepStrictEqual(await desk.search(run, "disk", 99, 2), { seqs: [], more: false });
  await desk.causality(run, 0, 1);
  deepStrictEqual(await desk.search(run, "power", 4, 2), { seqs: [5], more: false }, "by index");
  deepStrictEqual(await desk.search(cutTo(run, 5), "cut", 0, 9), { seqs: [], more: false });
  await rejects(desk.search(run, "", 0, 10), is("bad-request"));
});

Deno.test("search takes places from the index of a longer trace", async () => {
  await using folder = new DeskFolder();
  const many = events(Array.from({ length: 500 }, (_, seq) => ({ actor: `actor${seq % 7}` })));
  const run = folder.run(traceText(many));
  await folder.desk.causality(run, 0, 1);
  for (const from of [0, 63, 64, 65, 499]) {
    const wanted = many.filter(({ seq, actor }) => seq >= from && actor === "actor3");
    const { seqs } = await folder.desk.search(run, "actor:actor3", from, 1000);
    deepStrictEqual(seqs, wanted.map(({ seq }) => seq));
  }
  strictEqual((await folder.desk.search(run, "actor", 0, 0)).seqs.length, 1, "at least one");
});
