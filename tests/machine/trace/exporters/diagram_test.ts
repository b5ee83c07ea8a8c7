import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ExportName,
  type ExportSource,
  partOf,
} from "../../../../machine/trace/exporters/exporters.ts";
import { mermaidText } from "../../../../machine/trace/exporters/mermaid.ts";
import { plantumlText } from "../../../../machine/trace/exporters/plantuml.ts";
import { DIAGRAM_LIMITS } from "../../../../machine/trace/exporters/sequence_diagram.ts";
import { anyText, cycle, type Draft, HEADER, imported, made, saying, SLY, textOf } from "./kit.ts";
import { reportOf } from "./report_kit.ts";

/** Plain characters and character references, nothing else. */
const TEXT = {
  mermaid: /^(?:[\p{L}\p{N}\p{M} _.,/()+='*-]|#\d+;)+$/u,
  plantuml: /^(?:[\p{L}\p{N}\p{M} .,()+]|[_/=-](?![_/=-])|<U\+[0-9A-F]{4}>|&#\d+;)+$/u,
} as const;

/** The lines there may be; what is in the group is text. */
const LINES: Readonly<Record<"mermaid" | "plantuml", readonly RegExp[]>> = {
  mermaid: [
    /^sequenceDiagram$/,
    /^ {2}%% (.+)$/u,
    /^ {2}participant p\d+ as (.+)$/u,
    /^ {2}p\d+(?:->>|-x|--x)p\d+: (.+)$/u,
    /^ {2}Note over p\d+(?:,p\d+)?: (.+)$/u,
    /^ {2}rect rgba\(128, 128, 128, 0\.12\)$/,
    /^ {2}end$/,
  ],
  plantuml: [
    /^@startuml$/,
    /^title (.+)$/u,
    /^hide footbox$/,
    /^participant "(.+)" as p\d+$/u,
    /^p\d+ (?:->|->x|-->x) p\d+ : (.+)$/u,
    /^note over p\d+(?:, p\d+)? : (.+)$/u,
    /^== ([a-z ]+) ==$/,
    /^@enduml$/,
  ],
};

function checkLines(form: "mermaid" | "plantuml", text: string): void {
  assert.ok(text.endsWith("\n"));
  let depth = 0;
  for (const line of text.slice(0, -1).split("\n")) {
    const match = LINES[form].map((pattern) => pattern.exec(line)).find((found) => found !== null);
    assert.ok(match !== undefined && match !== null, JSON.stringify(line));
    if (match[1] !== undefined) assert.match(match[1], TEXT[form]);
    if (/^ {2}rect/.test(line)) depth++;
    if (line === "  end") depth--;
    assert.ok(depth === 0 || depth === 1);
  }
  assert.equal(depth, 0);
}

const arrows = (text: string): number =>
  text.match(/p\d+ ?(?:->>|--?>x|->|--?x) ?p\d+/g)?.length ?? 0;

const TALK: readonly Draft[] = [
  { kind: "start", actor: "a" },
  { kind: "state", actor: "a", state: "ready", cause: 0 },
  { kind: "send", actor: "a", target: "b", type: "x.ask", msg: 2, summary: { n: 7 } },
  { kind: "deliver", actor: "b", source: "a", type: "x.ask", msg: 2, cause: 2 },
  { kind: "send", actor: "b", target: "a", type: "x.answer", msg: 4 },
  { kind: "drop", actor: "a", source: "b", type: "x.answer", msg: 4, cause: 4 },
  { kind: "fault", actor: "b", type: "power.cut" },
];

Deno.test("MERMAID draws participants, phase, state, message, loss and fault", () => {
  assert.equal(
    textOf("mermaid", made(TALK)),
    [
      "sequenceDiagram",
      "  %% hand-made (run 0123456789abcdef)",
      "  participant p0 as a",
      "  participant p1 as b",
      "  rect rgba(128, 128, 128, 0.12)",
      "  Note over p0: phase off",
      "  Note over p0: ready",
      "  p0->>p1: x.ask n=7",
      "  p1-xp0: x.answer",
      "  Note over p1: fault#58; power.cut",
      "  end",
      "",
    ].join("\n"),
  );
});

Deno.test("PLANTUML draws participants, phase, state, message, loss and fault", () => {
  assert.equal(
    textOf("plantuml", made(TALK)),
    [
      "@startuml",
      "title hand-made (run 0123456789abcdef)",
      "hide footbox",
      'participant "a" as p0',
      'participant "b" as p1',
      "== off ==",
      "note over p0 : ready",
      "p0 -> p1 : x.ask n=7",
      "p1 ->x p0 : x.answer",
      "note over p1 : fault<U+003A> power.cut",
      "@enduml",
      "",
    ].join("\n"),
  );
});

Deno.test("mermaidText and plantumlText refer to whatever is not plain, and are never empty", () => {
  assert.equal(mermaidText("a;b#c:<d>\n🙂é"), "a#59;b#35;c#58;#60;d#62; #128578;é");
  assert.equal(plantumlText("a--b %x_y\n🙂é"), "a-<U+002D>b <U+0025>x_y &#128578;é");
  for (const text of ["", " ", "\n\t", "\u200b"]) {
    assert.equal(mermaidText(text), "#8203;");
    assert.equal(plantumlText(text), "<U+200B>");
  }
});

for (const form of ["mermaid", "plantuml"] as const) {
  Deno.test(`${form} of a run ends at 400 messages and says how to see the others`, () => {
    const text = textOf(form, cycle());
    checkLines(form, text);
    assert.equal(arrows(text), DIAGRAM_LIMITS.messages);
    assert.ok(text.length <= DIAGRAM_LIMITS.characters);
    assert.match(text, /1076 messages are left out after the first 400\..+from 1033/);
    assert.match(text, /actor NAME/);
  });

  Deno.test(`${form} of a part draws that part`, () => {
    const text = textOf(form, partOf(cycle(), { from: 3600, actors: ["console"] }));
    checkLines(form, text);
    assert.ok(arrows(text) > 3);
    assert.doesNotMatch(text, /left out/);
  });

  Deno.test(`${form} stays below 45 000 characters whatever the texts`, () => {
    const drafts: Draft[] = [];
    for (let count = 0; count < 300; count++) {
      drafts.push({ kind: "fault", actor: `${count}${";".repeat(80)}`, type: "%".repeat(200) });
      drafts.push({ kind: "deliver", actor: `x${count}`, source: "y", type: "#".repeat(90) });
    }
    const text = textOf(form, made(drafts));
    checkLines(form, text);
    assert.ok(text.length <= DIAGRAM_LIMITS.characters);
    assert.ok(text.length > DIAGRAM_LIMITS.characters - 3_000, `${text.length}`);
    const drawn = arrows(text);
    assert.match(text, new RegExp(`${300 - drawn} messages are left out after the first ${drawn}`));
  });

  Deno.test(`${form} takes a foreign trace with page sets that are none`, () => {
    const image = { kind: "note", actor: "A", type: "fact.image" } as const;
    const text = textOf(
      form,
      made([
        { ...image, summary: { op: "begin", id: "x" } },
        { ...image, summary: { op: "page", id: "x", runs: "no pages" } },
        { kind: "fault", actor: "A", type: "wake" },
      ]),
    );
    checkLines(form, text);
    assert.match(text, /(?:phase|==) write/);
  });

  Deno.test(`${form} has no holes: what is short is not drawn after what had no room`, () => {
    const long: Draft = { kind: "deliver", actor: "b", source: "a", type: "%".repeat(90) };
    const drafts: Draft[] = Array.from({ length: 350 }, () => long);
    drafts.push({ kind: "deliver", actor: "b", source: "a", type: "short" });
    const text = textOf(form, made(drafts));
    assert.ok(arrows(text) < 350);
    assert.doesNotMatch(text, /short/);
    assert.match(text, new RegExp(`from ${arrows(text)}, or`));
  });

  Deno.test(`${form} keeps the header's order of actors`, () => {
    const text = textOf(form, made(TALK, { ...HEADER, actors: ["nobody", "b", "a"] }));
    const names = [...text.matchAll(/participant (?:"(.)" as p\d|p\d as (.))/g)];
    assert.deepEqual(names.map(([, first, second]) => first ?? second), ["b", "a"]);
  });

  Deno.test(`${form} shows violations, what a recording saw, and an empty trace`, () => {
    const source: ExportSource = { ...made(TALK), report: reportOf("F23", [6]) };
    assert.match(textOf(form, source), /F23 violated.+because of 6/);
    const seen = textOf(form, imported());
    checkLines(form, seen);
    assert.match(seen, /fact\.boot/);
    checkLines(form, textOf(form, made([])));
  });

  Deno.test(`${form} is never more than its lines, whatever the texts`, () => {
    const check = (texts: readonly string[]): void =>
      checkLines(form, textOf(form satisfies ExportName, saying(texts)));
    check(SLY);
    fc.assert(fc.property(fc.array(anyText, { minLength: 1, maxLength: 8 }), check), {
      numRuns: 300,
    });
  });
}
