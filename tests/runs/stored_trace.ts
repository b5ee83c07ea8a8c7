/**
 * A trace of the default run as it was once, compressed, with its blobs: what a change of the
 * rules is held against when the laboratory itself changes with them. Run as a program (`deno run
 * --allow-read --allow-write=fixtures tests/runs/stored_trace.ts`) it is written anew; nothing
 * asks for that unless facts or rules have new fields.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { fromHex, toHex } from "../../machine/digest.ts";
import { traceText } from "../../machine/conformance/mutation.ts";
import type { BlobSource } from "../../machine/trace/blobs.ts";
import { runMainline } from "./run_kit.ts";

const FOLDER = new URL("../../fixtures/traces/runs/", import.meta.url);
const TRACE = new URL("cycle-2.6.27.ndjson.gz", FOLDER);
const BLOBS = new URL("cycle-2.6.27.blobs.gz", FOLDER);

function textIn(url: URL): string {
  return new TextDecoder().decode(gunzipSync(Deno.readFileSync(url)));
}

/** Lines of the stored trace, each with its line feed. */
export function storedLines(): string[] {
  return textIn(TRACE).split(/(?<=\n)/);
}

/** Blobs of the stored trace. */
export function storedBlobs(): BlobSource {
  const blobs = new Map(
    textIn(BLOBS).split("\n").filter((line) => line !== "").map((line) => {
      const [digest = "", bytes = ""] = line.split(" ");
      return [digest, fromHex(bytes)] as const;
    }),
  );
  return { get: (digest) => blobs.get(digest.replace("sha256:", "")) };
}

if (import.meta.main) {
  const { header, events, hash, outcome, generator, blobs } = runMainline();
  const footer = {
    count: events.length,
    sha256: hash,
    outcome,
    generator: JSON.stringify(generator),
  };
  await Deno.mkdir(FOLDER, { recursive: true });
  const whole = traceText({ header, events, footer });
  await Deno.writeFile(TRACE, gzipSync(whole, { level: 9 }));
  const lines = [...blobs].map(([digest, bytes]) => `${digest} ${toHex(bytes)}\n`);
  await Deno.writeFile(BLOBS, gzipSync(lines.join(""), { level: 9 }));
}
