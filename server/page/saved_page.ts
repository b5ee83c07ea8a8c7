/**
 * A run as one HTML file that is opened from disk: the page's script and style in line, the trace
 * and what the rules said beside them. It asks nobody for anything; its policy forbids it to.
 *
 * @module
 */
import type { TraceHeader } from "../../machine/trace/event.ts";
import type { PageBundle } from "../deps.ts";
import { documentOf } from "./page_shell.ts";
import { SAVED_EXTRAS_ID, SAVED_TRACE_ID, type SavedExtras } from "./saved_source.ts";

const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
  "img-src data:; base-uri 'none'; form-action 'none'";
const SPLIT = "\u0000";
/** Lines that are given out at once. */
const BATCH_LINES = 512;

/**
 * The file in pieces.
 *
 * @param lines the events' lines, without line feeds.
 * @throws {RangeError} where the bundle lacks its script or style.
 */
export function* savedPage(
  bundle: PageBundle,
  header: TraceHeader,
  lines: Iterable<string>,
  extras: SavedExtras,
): Iterable<string> {
  const style = textOf(bundle, "/page.css").replaceAll(/<\/(style)/gi, "<\\/$1");
  const script = inScript(textOf(bundle, "/page.js"));
  const [before = "", behind = ""] = documentOf(
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<style>${style}</style>
`,
    SPLIT,
  ).split(SPLIT);
  yield before;
  yield `<script type="application/json" id="${SAVED_EXTRAS_ID}">${data(extras)}</script>\n`;
  yield `<script type="application/x-ndjson" id="${SAVED_TRACE_ID}">${data(header)}\n`;
  let batch = "";
  let count = 0;
  for (const line of lines) {
    batch += inData(line) + "\n";
    if (++count % BATCH_LINES > 0) continue;
    yield batch;
    batch = "";
  }
  yield batch;
  yield "</script>\n";
  yield `<script type="module">${script}</script>\n`;
  yield behind;
}

function textOf(bundle: PageBundle, path: string): string {
  const file = bundle.files.get(path);
  if (file === undefined) throw new RangeError(`the bundle has no ${path}`);
  return new TextDecoder().decode(file.body);
}

function data(value: unknown): string {
  return inData(JSON.stringify(value));
}

/** JSON in an element: no tag and no comment can begin in it, and it means the same. */
function inData(json: string): string {
  return json.replaceAll("<", "\\u003c");
}

/**
 * A script in an element. What would end it or begin a comment stands only within texts and
 * patterns of minified code, where the escape means the same.
 */
function inScript(script: string): string {
  return script.replaceAll(/<(?=\/script|script|!--)/gi, "\\x3c");
}
