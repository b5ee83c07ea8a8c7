/**
 * A catalogue with one of everything, and a page of two files.
 *
 * @module
 */
import { sha256 } from "../../../machine/digest.ts";
import type { Catalogue, PageBundle, PageFile } from "../../../server/deps.ts";

const SCENARIO = {
  name: "v7-hibernate",
  system: "v7",
  title: "A cycle",
  summary: "What it does.",
  text: "# A cycle\n",
};

const RULE = {
  id: "F23",
  severity: "error" as const,
  kind: "never",
  statement: "Nothing changes.",
  source: "protocol.md F",
  systems: "all",
  passage: "Because.",
};

/** See the module's header. */
export const FAKE_CATALOGUE: Catalogue = {
  scenarios: () => [SCENARIO],
  scenario: (name) => name === SCENARIO.name ? SCENARIO : undefined,
  protocols: () => ({
    protocols: [{
      name: "v7",
      letter: "V",
      title: "Version 7",
      summary: "A posting.",
      rules: ["F23"],
      scenarios: ["v7-hibernate"],
    }],
    behaviours: [{
      kind: "disk",
      role: "device",
      doc: "A disk.",
      states: [{ name: "ready", handles: ["disk.write"], defers: [], ignores: [] }],
    }],
    messages: [{ type: "disk.write", doc: "Writes." }],
  }),
  rules: () => [RULE],
  rule: (id) => id === RULE.id ? RULE : undefined,
};

function pageFile(text: string, mediaType: string): PageFile {
  return { body: new TextEncoder().encode(text), mediaType, digest: sha256(text) };
}

/** See the module's header. */
export const FAKE_PAGE: PageBundle = {
  files: new Map([
    ["/", pageFile("<!doctype html><title>kjump</title>", "text/html; charset=utf-8")],
    ["/page.js", pageFile("export {};", "text/javascript; charset=utf-8")],
  ]),
};
