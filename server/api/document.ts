/**
 * The OpenAPI document, made of the operations. Version 3.1 says of a stream only that it is text;
 * 3.2 can say what its parts are.
 *
 * @module
 */
import { type Api, TAGS } from "./operation.ts";
import { VerdictMark } from "./shapes/event.ts";

/** Versions of the document. */
export type DocumentVersion = "3.1" | "3.2";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Schemas of the parts of the streams, by operation and media type. */
const PARTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  streamEvents: {
    "application/x-ndjson": "#/components/schemas/TraceEvent",
    "application/json-seq": "#/components/schemas/TraceEvent",
  },
  getVerdicts: { "application/x-ndjson": "#/components/schemas/VerdictMark" },
};

/** A frame of server-sent events. */
const FRAME: Json = {
  type: "object",
  required: ["event", "data"],
  properties: {
    id: { type: "string", description: "Number of the event, to resume from." },
    event: { type: "string", enum: ["trace", "state", "verdict", "gap", "end"] },
    data: {
      type: "string",
      contentMediaType: "application/json",
      contentSchema: { $ref: "#/components/schemas/TraceEvent" },
    },
  },
};

function isRecord(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Every operation of a document with its name. */
function* operationsOf(document: Json): Generator<{ [key: string]: Json }> {
  if (!isRecord(document) || !isRecord(document["paths"])) return;
  for (const path of Object.values(document["paths"])) {
    if (!isRecord(path)) continue;
    for (const operation of Object.values(path)) if (isRecord(operation)) yield operation;
  }
}

/** Says what the parts of streams are. */
function addParts(document: Json): void {
  for (const operation of operationsOf(document)) {
    const parts = PARTS[String(operation["operationId"])];
    const answers = operation["responses"];
    if (parts === undefined || !isRecord(answers)) continue;
    for (const answer of Object.values(answers)) {
      const content = isRecord(answer) ? answer["content"] : undefined;
      if (!isRecord(content)) continue;
      for (const [mediaType, form] of Object.entries(content)) {
        const part = parts[mediaType];
        if (!isRecord(form)) continue;
        if (mediaType === "text/event-stream") form["itemSchema"] = FRAME;
        else if (part !== undefined) form["itemSchema"] = { $ref: part };
      }
    }
  }
}

/** Takes out what only the parts of streams name. */
function removePart(document: Json): void {
  const components = isRecord(document) ? document["components"] : undefined;
  const schemas = isRecord(components) ? components["schemas"] : undefined;
  if (isRecord(schemas)) delete schemas["VerdictMark"];
}

/** The text of the document. */
export function openApiText(app: Api, version: DocumentVersion): string {
  const made = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "kjump",
      version: "1",
      description: "Start machines, watch them hibernate, stop them, pull the plug anywhere.",
    },
    servers: [{ url: "/", description: "This server." }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{}, { token: [] }],
  });
  const document: Json = JSON.parse(JSON.stringify(made));
  if (version === "3.2" && isRecord(document)) {
    document["openapi"] = "3.2.0";
    addParts(document);
  } else removePart(document);
  return JSON.stringify(document);
}

/** What the document needs besides operations. */
export function describeService(app: Api): void {
  // Lines of a stream; no answer is one alone.
  app.openAPIRegistry.register("VerdictMark", VerdictMark);
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "The token that the server printed; only of a server that wants one.",
  });
}
