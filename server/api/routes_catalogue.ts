/**
 * What the laboratory has: scenarios, protocols, rules.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ProblemError } from "../problem.ts";
import { empty, inJson } from "./answers.ts";
import { forNow, freshnessHeaders, notModified } from "./freshness.ts";
import { operation } from "./operation.ts";
import { TagHeaders } from "./parameters.ts";
import { ProtocolList, RuleDocument, Scenario } from "./shapes/catalogue.ts";
import type { Wiring } from "./wiring.ts";

const ScenarioList = z.object({ scenarios: z.array(Scenario) }).openapi("ScenarioList");
const RuleList = z.object({ rules: z.array(RuleDocument) }).openapi("RuleList");

const SAME = empty("The client has what would be answered.", "ETag");

/** What stays as it is while the server runs. */
export function steadyAnswer(context: Context, value: unknown): Response {
  const text = JSON.stringify(value);
  const freshness = forNow(text);
  return notModified(context, freshness) ?? new Response(text, {
    headers: { "Content-Type": "application/json", ...freshnessHeaders(freshness) },
  });
}

/** Adds them. */
export function catalogueRoutes(wiring: Wiring): void {
  scenarioRoutes(wiring);
  ruleRoutes(wiring);
}

function scenarioRoutes({ app, deps: { catalogue } }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/scenarios",
    operationId: "listScenarios",
    tag: "catalogue",
    summary: "List the scenarios",
    description: "The house's own transcripts, without their texts.",
    headers: TagHeaders,
    answers: { 200: inJson(ScenarioList, "All of them.", "ETag"), 304: SAME },
  }, ({ context }) => {
    const scenarios = catalogue.scenarios().map(({ text: _, ...rest }) => rest);
    return steadyAnswer(context, { scenarios });
  });
  operation(app, {
    method: "get",
    path: "/api/scenarios/{name}",
    operationId: "getScenario",
    tag: "catalogue",
    summary: "Read a scenario",
    description: "With its transcript, which can be changed and run with `POST /api/runs`.",
    params: z.object({
      name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,79}$/).openapi({
        description: "Its name.",
        example: "v7-hibernate",
      }),
    }),
    headers: TagHeaders,
    answers: { 200: inJson(Scenario, "The scenario.", "ETag"), 304: SAME },
    problems: ["unknown-scenario"],
  }, ({ context, params: { name } }) => {
    const found = catalogue.scenario(name);
    if (found === undefined) {
      throw new ProblemError("unknown-scenario", "'GET /api/scenarios' lists all");
    }
    return steadyAnswer(context, found);
  });
}

function ruleRoutes({ app, deps: { catalogue } }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/protocols",
    operationId: "listProtocols",
    tag: "catalogue",
    summary: "List the protocols",
    description: "The systems of the postings, the kinds of actors with their states, and the " +
      "messages.",
    headers: TagHeaders,
    answers: { 200: inJson(ProtocolList, "All of them.", "ETag"), 304: SAME },
  }, ({ context }) => steadyAnswer(context, catalogue.protocols()));
  operation(app, {
    method: "get",
    path: "/api/rules",
    operationId: "listRules",
    tag: "catalogue",
    summary: "List the rules",
    description: "Every rule with its statement, its source and why it is so.",
    headers: TagHeaders,
    answers: { 200: inJson(RuleList, "All of them.", "ETag"), 304: SAME },
  }, ({ context }) => steadyAnswer(context, { rules: catalogue.rules() }));
  operation(app, {
    method: "get",
    path: "/api/rules/{id}",
    operationId: "getRule",
    tag: "catalogue",
    summary: "Read a rule",
    description: "What it says, where it is from, and why it is so.",
    params: z.object({
      id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/).openapi({
        description: "Its id.",
        example: "F23",
      }),
    }),
    headers: TagHeaders,
    answers: { 200: inJson(RuleDocument, "The rule.", "ETag"), 304: SAME },
    problems: ["unknown-rule"],
  }, ({ context, params: { id } }) => {
    const found = catalogue.rule(id);
    if (found === undefined) throw new ProblemError("unknown-rule", "'GET /api/rules' lists all");
    return steadyAnswer(context, found);
  });
}
