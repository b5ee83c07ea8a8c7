/**
 * The OpenAPI document: whole, valid for a linter of somebody else, and true to what is answered.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { createConfig, lintFromString } from "npm:@redocly/openapi-core@2.64.0";
import { ApiKit, RUN } from "./api_kit.ts";
import { schemaFaults } from "./json_schema.ts";

/** The parts of the document that are looked at. */
interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

interface OpenApiOperation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
    readonly example?: unknown;
    readonly schema?: { readonly description?: string; readonly example?: unknown };
  }[];
  readonly responses: Readonly<
    Record<string, {
      readonly description: string;
      readonly content?: Readonly<
        Record<string, { readonly schema?: unknown; readonly itemSchema?: unknown }>
      >;
    }>
  >;
}

async function documentOf(kit: ApiKit, version = "3.1"): Promise<OpenApi> {
  return await (await kit.get(`/openapi.json?v=${version}`)).json();
}

Deno.test("createApp documents every route it has", async () => {
  using kit = new ApiKit();
  const { paths } = await documentOf(kit);
  const routes = kit.app.routes.filter(({ method }) => method !== "ALL");
  ok(routes.length > 25);
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`)
  );
  const there = routes.map(({ method, path }) =>
    `${method} ${path.replaceAll(/:([a-z0-9]+)/g, "{$1}")}`
  );
  deepStrictEqual(documented.sort(), [...new Set(there)].sort());
});

Deno.test("createApp documents every operation with summary, description, tag and examples", async () => {
  using kit = new ApiKit();
  const { paths } = await documentOf(kit);
  const ids = new Set<string>();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const { operationId = "", summary, description, tags, parameters = [] } = operation;
      const what = `${method} ${path}`;
      ok(!ids.has(operationId) && operationId !== "", what);
      ids.add(operationId);
      ok(summary !== undefined && description !== undefined && tags?.length === 1, what);
      for (const { name, in: place, schema, description: said, example } of parameters) {
        ok((said ?? schema?.description) !== undefined, `${what} ${name}`);
        ok(place === "header" || (schema?.example ?? example) !== undefined, `${what} ${name}`);
      }
      const statuses = Object.keys(operation.responses);
      ok(statuses.some((status) => status.startsWith("2")), what);
      for (const status of ["400", "401", "403", "500"]) ok(statuses.includes(status), what);
      ok(!path.includes("{run}") || statuses.includes("404"), what);
    }
  }
});

Deno.test("GET /openapi.json passes the recommended rules of a public linter", async () => {
  using kit = new ApiKit();
  const config = await createConfig({ extends: ["recommended"] });
  for (const version of ["3.1", "3.2"]) {
    const source = await (await kit.get(`/openapi.json?v=${version}`)).text();
    const found = await lintFromString({ source, config });
    const errors = found.map(({ ruleId, message, location, severity }) =>
      `${severity} ${ruleId}: ${message} ${location[0]?.pointer ?? ""}`
    );
    // A licence is not the server's to choose.
    deepStrictEqual(errors.filter((each) => !each.includes("info-license")), []);
  }
});

Deno.test("The linter finds a mistake in the document", async () => {
  using kit = new ApiKit();
  const config = await createConfig({ extends: ["recommended"] });
  const source = (await (await kit.get("/openapi.json")).text())
    .replace('"operationId":"getRun"', '"operationId":"startRun"');
  const found = await lintFromString({ source, config });
  ok(found.some(({ ruleId }) => ruleId === "operation-operationId-unique"));
});

Deno.test("GET /openapi.json?v=3.2 says what the streams consist of", async () => {
  using kit = new ApiKit();
  const three = await documentOf(kit);
  const { openapi, paths } = await documentOf(kit, "3.2");
  deepStrictEqual([three.openapi, openapi], ["3.1.0", "3.2.0"]);
  const path = "/api/runs/{run}/events";
  const content = paths[path]?.["get"]?.responses["200"]?.content ?? {};
  for (const type of ["text/event-stream", "application/x-ndjson", "application/json-seq"]) {
    ok(content[type]?.itemSchema !== undefined, type);
    strictEqual(
      three.paths[path]?.["get"]?.responses["200"]?.content?.[type]?.itemSchema,
      undefined,
    );
  }
  strictEqual((await kit.get("/openapi.json?v=2")).status, 400);
});

/** Requests of every operation that answers in JSON, with the template of their path. */
const JSON_REQUESTS: readonly (readonly [string, string, string, unknown?])[] = [
  ["GET", "/api/runs", "/api/runs"],
  ["POST", "/api/runs", "/api/runs", { kind: "cycle" }],
  ["GET", `/api/runs/${RUN}`, "/api/runs/{run}"],
  ["GET", `/api/runs/${RUN}/events/2`, "/api/runs/{run}/events/{seq}"],
  ["GET", `/api/runs/${RUN}/search?q=a`, "/api/runs/{run}/search"],
  ["POST", `/api/runs/${RUN}/step`, "/api/runs/{run}/step", { at: 0, to: "next" }],
  ["GET", `/api/runs/${RUN}/machine`, "/api/runs/{run}/machine"],
  ["GET", `/api/runs/${RUN}/machine/change`, "/api/runs/{run}/machine/change"],
  ["GET", `/api/runs/${RUN}/memory`, "/api/runs/{run}/memory"],
  ["GET", `/api/runs/${RUN}/disk`, "/api/runs/{run}/disk"],
  ["GET", `/api/runs/${RUN}/report`, "/api/runs/{run}/report"],
  ["POST", `/api/runs/${RUN}/input`, "/api/runs/{run}/input", { text: "ls" }],
  ["POST", "/api/traces", "/api/traces", "x"],
  ["POST", "/api/images/inspect", "/api/images/inspect", "x"],
  ["GET", "/api/scenarios", "/api/scenarios"],
  ["GET", "/api/scenarios/v7-hibernate", "/api/scenarios/{name}"],
  ["GET", "/api/protocols", "/api/protocols"],
  ["GET", "/api/rules", "/api/rules"],
  ["GET", "/api/rules/F23", "/api/rules/{id}"],
  ["GET", "/healthz", "/healthz"],
  ["GET", "/openapi.json", "/openapi.json"],
  ["POST", `/api/runs/${RUN}/cancel`, "/api/runs/{run}/cancel"],
];

async function sent(kit: ApiKit, method: string, path: string, body: unknown): Promise<Response> {
  if (body === undefined) return await kit.ask(path, { method });
  return await kit.post(path, body);
}

Deno.test("Every answer in JSON is as the document says", async () => {
  using kit = new ApiKit();
  const document = await documentOf(kit);
  const shown = new Set<string>();
  for (const [method, path, template, body] of JSON_REQUESTS) {
    const answer = await sent(kit, method, path, body);
    const documented = document.paths[template]?.[method.toLowerCase()]?.responses;
    const schema = documented?.[answer.status]?.content?.["application/json"]?.schema;
    ok(schema !== undefined, `${method} ${template} ${answer.status}`);
    deepStrictEqual(schemaFaults(document, schema, await answer.json()), [], `${method} ${path}`);
    shown.add(`${method} ${template}`);
  }
  const all = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).filter(([, { responses }]) =>
      Object.entries(responses).some(([status, { content = {} }]) =>
        status.startsWith("2") && content["application/json"]?.schema !== undefined
      )
    ).map(([method]) => `${method.toUpperCase()} ${path}`)
  );
  // Exports are files of other tools, problems' pages are text unless asked otherwise.
  const files = ["GET /api/runs/{run}/export/{form}", "GET /problems/{problem}"];
  deepStrictEqual(all.filter((each) => !files.includes(each)).sort(), [...shown].sort());
});

Deno.test("Every problem is as the document says", async () => {
  using kit = new ApiKit();
  const document = await documentOf(kit);
  const requests: readonly (readonly [string, string, string, unknown?])[] = [
    ["GET", "/api/runs?limit=x", "/api/runs"],
    ["POST", "/api/runs", "/api/runs", { kind: "none" }],
    ["GET", "/api/runs/x", "/api/runs/{run}"],
    ["GET", `/api/runs/${RUN}/events/99`, "/api/runs/{run}/events/{seq}"],
    ["POST", "/api/traces", "/api/traces", undefined],
    ["GET", "/api/rules/F99", "/api/rules/{id}"],
  ];
  for (const [method, path, template, body] of requests) {
    const answer = await sent(kit, method, path, body);
    const documented = document.paths[template]?.[method.toLowerCase()]?.responses;
    const schema = documented?.[answer.status]?.content?.["application/problem+json"]?.schema;
    ok(schema !== undefined, `${method} ${path} ${answer.status}`);
    deepStrictEqual(schemaFaults(document, schema, await answer.json()), [], path);
  }
});

Deno.test("schemaFaults finds what is not as a schema says", () => {
  const document = { components: { schemas: { Name: { type: "string", pattern: "^a" } } } };
  const named = { $ref: "#/components/schemas/Name" };
  const record = { type: "object", properties: { name: named }, required: ["name"] };
  deepStrictEqual(schemaFaults(document, record, { name: "ab" }), []);
  const wrong: readonly (readonly [unknown, unknown])[] = [
    [record, {}],
    [record, { name: "b" }],
    [record, { name: 1 }],
    [{ ...record, additionalProperties: false }, { name: "a", other: 1 }],
    [{ type: "integer" }, 1.5],
    [{ type: "integer", minimum: 1 }, 0],
    [{ type: "array", items: named }, ["a", "b"]],
    [{ enum: ["a"] }, "b"],
    [{ const: true }, false],
    [{ oneOf: [{ type: "string" }, { type: "integer" }] }, true],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, 1],
    [{ type: "object", additionalProperties: { type: "integer" } }, { a: "b" }],
    [{ type: "array", prefixItems: [{ type: "integer" }] }, ["a"]],
    [{ type: "string", unknownWord: 1 }, "a"],
  ];
  for (const [schema, value] of wrong) {
    ok(schemaFaults(document, schema, value).length > 0, JSON.stringify(schema));
  }
});
