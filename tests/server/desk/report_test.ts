/**
 * Reports and exports of stored runs, and what uploaded files are.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Checker } from "../../../machine/conformance/checker.ts";
import { reportJunit } from "../../../machine/conformance/junit.ts";
import { type Report, reportJson } from "../../../machine/conformance/report.ts";
import { reportText } from "../../../machine/conformance/report_text.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import { readTraceSync } from "../../../machine/trace/reader.ts";
import { EXPORT_NAMES } from "../../../machine/trace/exporters/exporters.ts";
import type { RuleDocument } from "../../../server/api/shapes/catalogue.ts";
import type { VerdictMark } from "../../../server/api/shapes/event.ts";
import type { PageBundle, PageFile } from "../../../server/deps.ts";
import { SAVED_EXTRAS_ID, SAVED_TRACE_ID } from "../../../server/page/saved_source.ts";
import { cutTo, DeskFolder, events, fixture, is, traceText } from "./desk_kit.ts";

function judged(text: string): Report {
  const checker = new Checker(ALL_RULES);
  for (const record of readTraceSync(text.split("\n").slice(0, -1))) {
    if (record.record === "header") checker.begin(record.header);
    else if (record.record === "event") checker.event(record.event);
    else checker.finishTrace(record.record === "footer" ? record.footer : undefined);
  }
  return checker.report();
}

Deno.test("report is what check prints, of a good run and of a bad one", async () => {
  await using folder = new DeskFolder();
  for (const name of ["good/hibernate.ndjson", "bad/F12-boots_again.ndjson"]) {
    const text = fixture(name);
    const run = folder.run(text);
    const wanted = judged(text);
    strictEqual(await folder.desk.report(run, "json"), reportJson(wanted));
    strictEqual(await folder.desk.report(run, "text"), reportText(wanted));
    strictEqual(await folder.desk.report(run, "junit"), reportJunit(wanted));
  }
});

Deno.test("report of a run that goes on is that of a trace cut off there", async () => {
  await using folder = new DeskFolder();
  const text = fixture("good/hibernate.ndjson");
  const run = cutTo(folder.run(text), 60);
  const cut = text.split("\n").slice(0, 61).join("\n") + "\n";
  strictEqual(await folder.desk.report(run, "json"), reportJson(judged(cut)));
  match(await folder.desk.report(run, "json"), /"torn": true/);
  strictEqual([...Deno.readDirSync(run.folder)].some(({ name }) => name === "exports"), false);
});

Deno.test("report uses the blobs beside the run", async () => {
  await using folder = new DeskFolder();
  const missing = (text: string): number => {
    const { rules }: Report = JSON.parse(text);
    return rules.reduce((sum, rule) => sum + rule.missingBlobs, 0);
  };
  const text = fixture("good/filtered.ndjson");
  const without = missing(await folder.desk.report(folder.run(text), "json"));
  ok(without > 0);
  const run = folder.run(text);
  Deno.mkdirSync(`${run.folder}/blobs`);
  const blobs = new URL("../../../fixtures/traces/blobs/", import.meta.url);
  for (const { name } of Deno.readDirSync(blobs)) {
    Deno.copyFileSync(new URL(name, blobs), `${run.folder}/blobs/${name}`);
  }
  strictEqual(missing(await folder.desk.report(run, "json")), 0);
});

Deno.test("report of an ended run is made once, and again if somebody removed it", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(fixture("good/hibernate.ndjson"));
  const text = await folder.desk.report(run, "text");
  strictEqual(Deno.readTextFileSync(`${run.folder}/exports/report.txt`), text);
  Deno.writeTextFileSync(`${run.folder}/exports/report.txt`, "kept");
  strictEqual(await folder.desk.report(run, "text"), "kept");
  Deno.removeSync(`${run.folder}/exports/report.txt`);
  strictEqual(await folder.desk.report(run, "text"), text);
  const anew = { ...run, summary: { ...run.summary, created: "2026-11-21T01:00:00.000Z" } };
  Deno.writeTextFileSync(`${run.folder}/exports/report.txt`, "of an earlier run");
  strictEqual(await folder.desk.report(anew, "text"), text);
});

Deno.test("export makes every form once and keeps it beside an ended run", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(fixture("good/jump.ndjson"));
  for (const form of EXPORT_NAMES) {
    const made = await folder.desk.export(run, form);
    ok(made.path.startsWith(`${run.folder}/exports/${form}.`), form);
    strictEqual(made.bytes, Deno.statSync(made.path).size);
    ok(made.bytes > 0 && made.mediaType !== "");
    match(made.fileName, /^[a-z0-9_-]+-[0-9a-f]{8}\.[a-z.]+$/);
    Deno.writeTextFileSync(made.path, "kept");
    strictEqual((await folder.desk.export(run, form)).bytes, 4);
  }
  const names = [...Deno.readDirSync(`${run.folder}/exports`)].map(({ name }) => name);
  strictEqual(names.length, EXPORT_NAMES.length, "nothing half made is left");
});

Deno.test("export as NDJSON is the trace, byte for byte", async () => {
  await using folder = new DeskFolder();
  const text = fixture("good/jump.ndjson");
  const { path } = await folder.desk.export(folder.run(text), "ndjson");
  strictEqual(Deno.readTextFileSync(path), text);
});

Deno.test("export of a run that goes on is made anew, under another name", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(fixture("good/jump.ndjson"));
  const early = await folder.desk.export(cutTo(run, 50), "ndjson");
  strictEqual(Deno.readTextFileSync(early.path).split("\n").length, 52);
  const later = await folder.desk.export(cutTo(run, 60), "ndjson");
  strictEqual(later.path, early.path);
  strictEqual(Deno.readTextFileSync(later.path).split("\n").length, 62);
  ok((await folder.desk.export(run, "ndjson")).path !== early.path);
});

Deno.test("export asked for by many at once is made once", async () => {
  await using folder = new DeskFolder({ line: { most: 1 } });
  const run = folder.run(fixture("good/jump.ndjson"));
  const made = await Promise.all(
    Array.from({ length: 5 }, () => folder.desk.export(run, "perfetto")),
  );
  strictEqual(new Set(made.map(({ path }) => path)).size, 1);
});

/** A page of few words. */
function smallPage(): PageBundle {
  const file = (text: string, mediaType: string): PageFile => {
    return { body: new TextEncoder().encode(text), mediaType, digest: "" };
  };
  return {
    files: new Map([
      ["/page.js", file("run();", "text/javascript")],
      ["/page.css", file("p { color: red }", "text/css")],
    ]),
  };
}

/** What stands in an element of a saved page. */
function elementOf(html: string, id: string): string {
  return new RegExp(`<script[^>]* id="${id}">([^<]*)</script>`).exec(html)?.[1] ?? "";
}

Deno.test("export as HTML holds page, trace, verdicts and rules in one file", async () => {
  const rule: RuleDocument = {
    ...{ id: "F12", severity: "error", kind: "never", statement: "s", source: "c", systems: "M" },
    passage: "<b>why</b>",
  };
  await using folder = new DeskFolder({ page: smallPage(), rules: [rule] });
  const text = fixture("bad/F12-boots_again.ndjson");
  const run = folder.run(text);
  const judgedMarks = await folder.desk.export(run, "html");
  match(judgedMarks.path, /\/exports\/html\.html$/);
  strictEqual(judgedMarks.mediaType, "text/html");
  const html = Deno.readTextFileSync(judgedMarks.path);
  ok(html.includes("run();") && html.includes("p { color: red }") && !html.includes("<b>why"));
  ok(!html.includes(folder.path));
  const extras = JSON.parse(elementOf(html, SAVED_EXTRAS_ID));
  deepStrictEqual([extras.summary, extras.rules], [run.summary, [rule]]);
  const broken = extras.verdicts.filter((mark: VerdictMark) => mark.verdict === "violated");
  ok(broken.some((mark: VerdictMark) => mark.rule === "F12" && mark.reason !== undefined));
  const lines = elementOf(html, SAVED_TRACE_ID).trim().split("\n");
  strictEqual(lines.length, run.log.events + 1);
  deepStrictEqual(lines.map((line) => JSON.parse(line).seq), [
    undefined,
    ...Array.from({ length: run.log.events }, (_, seq) => seq),
  ]);

  const written = folder.run(text);
  const mark = { rule: "F1", seq: 3, verdict: "held" };
  const late = { rule: "F2", seq: 99_999, verdict: "violated", reason: "later" };
  const verdicts = [mark, late].map((each) => `${JSON.stringify(each)}\n`).join("");
  Deno.writeTextFileSync(`${written.folder}/verdicts.ndjson`, `${verdicts}{"rule":`);
  const { path } = await folder.desk.export(written, "html");
  const kept = JSON.parse(elementOf(Deno.readTextFileSync(path), SAVED_EXTRAS_ID));
  deepStrictEqual(kept.verdicts, [mark]);
});

Deno.test("export as HTML is refused by a server without its page", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(fixture("good/jump.ndjson"));
  await rejects(folder.desk.export(run, "html"), is("not-acceptable"));
});

Deno.test("a run that was removed, changed or is no trace is a problem without a path", async () => {
  await using folder = new DeskFolder();
  const { desk } = folder;
  const gone = folder.run(traceText(events([{ actor: "A" }])));
  Deno.removeSync(gone.folder, { recursive: true });
  await rejects(desk.report(gone, "json"), is("unknown-run"));
  await rejects(desk.export(gone, "mermaid"), is("unknown-run"));
  await rejects(desk.search(gone, "a", 0, 1), is("unknown-run"));

  const list = events(Array.from({ length: 20 }, () => ({ actor: "A" })));
  const short = folder.run(traceText(list));
  Deno.truncateSync(short.log.path, short.log.bytes - 30);
  await rejects(desk.report(short, "json"), is("not-readable"));

  const wrong = (change: (text: string) => string) => {
    const run = folder.run(traceText(list));
    Deno.writeTextFileSync(run.log.path, change(Deno.readTextFileSync(run.log.path)));
    return run;
  };
  const renumbered = wrong((text) => text.replace('"seq":7,', '"seq":8,'));
  await rejects(desk.report(renumbered, "json"), is("not-readable", { seq: 7 }));
  const nonsense = wrong((text) => text.replace('{"seq":7,', "x".repeat(9)));
  await rejects(desk.causality(nonsense, 3, 9), is("not-readable", { seq: 7 }));
  const unknown = wrong((text) => text.replace('"kind":"note"', '"kind":"nope"'));
  await rejects(desk.step(unknown, { at: 0, to: "next" }), is("not-readable", { seq: 0 }));
  const fact = folder.run(traceText(events([{ actor: "A", type: "fact.nosuch" }])));
  await rejects(desk.report(fact, "json"), is("not-readable", { seq: 0 }));
  await rejects(desk.export(fact, "mermaid"), is("not-readable", { seq: 0 }));
  await rejects(desk.export(renumbered, "ndjson"), is("not-readable", { seq: 7 }));
  const left = [fact, renumbered].flatMap((run) => [...Deno.readDirSync(`${run.folder}/exports`)]);
  deepStrictEqual(left, [], "nothing half made is left");
});

Deno.test("inspect says what a file is, and calls it nothing but the file", async () => {
  await using folder = new DeskFolder();
  const found = await folder.desk.inspect(folder.file("upload1", fixture("good/jump.ndjson")));
  strictEqual(found.format, "trace");
  match(found.text, /^the file: a trace of '/);
  ok(!JSON.stringify(found).includes(folder.path));
  const { sections }: { sections?: { title: string; rows: { name: string }[] }[] } = Object(
    found.value,
  );
  ok(sections?.some(({ title, rows }) => title === "Header" && rows[0]?.name === "run"));
});

Deno.test("inspect refuses what it does not know, and says where it breaks off", async () => {
  await using folder = new DeskFolder();
  const { desk } = folder;
  await rejects(desk.inspect(folder.file("a", "nothing known")), is("not-readable"));
  await rejects(desk.inspect(folder.file("b", "")), is("not-readable"));
  const elf = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0]);
  await rejects(desk.inspect(folder.file("c", elf)), (error) => {
    ok(error instanceof Error && "details" in error);
    strictEqual(typeof Object(error.details).offset, "number");
    return is("not-readable")(error);
  });
  const trace = fixture("good/jump.ndjson").replace('"seq":3,', '"seq":4,');
  await rejects(desk.inspect(folder.file("d", trace)), is("not-readable"));
  await rejects(desk.inspect(`${folder.path}/missing`), is("not-readable"));
});

Deno.test("the desk's worker reads nothing outside of its folder", async () => {
  await using folder = new DeskFolder();
  const outside = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(outside, fixture("good/jump.ndjson"));
    await rejects(folder.desk.inspect(outside), (error) => {
      ok(error instanceof Error && !error.message.includes(outside));
      return is("not-readable")(error);
    });
    const run = folder.run(fixture("good/jump.ndjson"));
    const moved = { ...run, log: { ...run.log, path: outside } };
    await rejects(folder.desk.causality(moved, 0, 1), /NotCapable/);
  } finally {
    await Deno.remove(outside);
  }
});
