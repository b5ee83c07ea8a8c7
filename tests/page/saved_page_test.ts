import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { eventLine, type TraceHeader } from "../../machine/trace/event.ts";
import type { RunSummary } from "../../server/api/shapes/run.ts";
import type { PageBundle } from "../../server/deps.ts";
import { savedPage } from "../../server/page/saved_page.ts";
import {
  SAVED_EXTRAS_ID,
  SAVED_TRACE_ID,
  type SavedExtras,
  savedParts,
  SavedSource,
} from "../../server/page/saved_source.ts";

const HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\u2028";

const header: TraceHeader = {
  v: 1,
  run: "0123456789abcdef",
  scenario: HOSTILE,
  seed: 1,
  profile: "2.6.27/small-vm",
  version: "0.0.0",
  actors: ["A"],
  clock: "virtual",
  order: "total",
};

const summary: RunSummary = {
  run: header.run,
  kind: "cycle",
  status: "finished",
  scenario: HOSTILE,
  title: HOSTILE,
  profile: "",
  seed: 1,
  created: "",
  events: 600,
  vt: 0,
  replayable: true,
  links: {},
};

const extras: SavedExtras = {
  summary,
  verdicts: [{ rule: "F14", seq: 3, verdict: "violated", reason: HOSTILE }],
  rules: [],
};

const lines = Array.from(
  { length: 600 },
  (_, seq) =>
    eventLine({ seq, vt: seq, lamport: 1, kind: "note", actor: "A", summary: { text: HOSTILE } }),
);

function bundleOf(script: string, style: string): PageBundle {
  const file = (text: string) => ({
    body: new TextEncoder().encode(text),
    mediaType: "",
    digest: "",
  });
  return { files: new Map([["/page.js", file(script)], ["/page.css", file(style)]]) };
}

/** Elements of a page as a browser would find them: an element ends at its first end tag. */
function elements(page: string, name: string): { attributes: string; text: string }[] {
  const found: { attributes: string; text: string }[] = [];
  for (const part of page.matchAll(new RegExp(`<${name}([^>]*)>([\\s\\S]*?)</${name}`, "gi"))) {
    found.push({ attributes: part[1] ?? "", text: part[2] ?? "" });
  }
  return found;
}

function holderOf(page: string): Parameters<typeof savedParts>[0] {
  const scripts = elements(page, "script");
  return {
    getElementById(id) {
      const found = scripts.find(({ attributes }) => attributes.includes(`id="${id}"`));
      return found === undefined ? null : { textContent: found.text };
    },
  };
}

const whole = [...savedPage(bundleOf("let a=1", "p{color:red}"), header, lines, extras)].join("");

Deno.test("savedPage gives back header, events and verdicts to savedParts", () => {
  const parts = savedParts(holderOf(whole));
  deepEqual(parts?.header, header);
  deepEqual(parts?.extras, extras);
  equal(parts?.lines.length, lines.length);
  deepEqual(parts?.lines.map((line) => JSON.parse(line)), lines.map((line) => JSON.parse(line)));
});

Deno.test("savedPage lets no text of a trace begin or end an element", () => {
  const scripts = elements(whole, "script");
  deepEqual(scripts.map(({ attributes }) => attributes.trim()), [
    `type="application/json" id="${SAVED_EXTRAS_ID}"`,
    `type="application/x-ndjson" id="${SAVED_TRACE_ID}"`,
    'type="module"',
  ]);
  for (const { text } of scripts) ok(!text.includes("<"), text.slice(0, 80));
  equal(whole.match(/<script/gi)?.length, 3);
  ok(!whole.includes("<img"));
});

Deno.test("savedPage keeps a script whole that speaks of scripts, and means the same", () => {
  const script = 'globalThis.said=["</script>","<!--",/<script/.test("<script")]';
  const page = [...savedPage(bundleOf(script, "a{content:'</style>'}"), header, [], extras)]
    .join("");
  const [, , module] = elements(page, "script");
  const value: unknown = new Function(`${module?.text};return globalThis.said`)();
  deepEqual(value, ["</script>", "<!--", true]);
  equal(elements(page, "style").length, 1);
  match(elements(page, "style")[0]?.text ?? "", /content/);
});

Deno.test("savedPage forbids itself to ask anybody for anything", () => {
  match(whole, /Content-Security-Policy" content="default-src 'none'/);
  ok(!/<(?:link|img|iframe)|https?:\/\//i.test(whole));
});

Deno.test("savedPage refuses a bundle without a script", () => {
  throws(() => [...savedPage({ files: new Map() }, header, [], extras)], RangeError);
});

Deno.test("savedParts knows that an ordinary page is no saved one", () => {
  equal(savedParts({ getElementById: () => null }), undefined);
});

Deno.test("SavedSource tells the whole run, finds texts, and says that a server is needed", async () => {
  const parts = savedParts(holderOf(whole));
  ok(parts !== undefined);
  const source = new SavedSource(parts);
  const told: unknown[] = [];
  await source.follow(header.run, -1, {
    header: (value) => told.push(value.run),
    lines: (value) => told.push(value.length),
    summary: (value) => told.push(value.status),
    verdict() {},
    resumed() {},
    gap() {},
    end: () => told.push("end"),
  });
  deepEqual(told, [header.run, "finished", 600, "end"]);
  equal(source.live, false);
  deepEqual((await source.runs()).map(({ run }) => run), [header.run]);
  deepEqual(await source.search(header.run, '"VT":599', 0), { seqs: [599], more: false });
  deepEqual((await source.verdicts(header.run)).length, 1);
  await rejects(source.memory(header.run, 1), /saved page/);
  await rejects(source.start(), /saved page/);
});
