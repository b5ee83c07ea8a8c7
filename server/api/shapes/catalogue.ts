/**
 * What the laboratory has: scenarios, protocols, rules; and what is found in files that are given.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { EXPORT_NAMES } from "../../../machine/trace/exporters/exporter.ts";
import { Natural } from "./run.ts";

/** A scenario of the house. */
export const Scenario = z.object({
  name: z.string(),
  system: z.string(),
  title: z.string(),
  summary: z.string(),
  /** The transcript, in the answer about one scenario. */
  text: z.string().optional(),
}).openapi("Scenario");

/** A kind of actor as it is declared. */
export const BehaviourDocument = z.object({
  kind: z.string(),
  role: z.string(),
  doc: z.string(),
  states: z.array(z.object({
    name: z.string(),
    handles: z.array(z.string()),
    defers: z.array(z.string()),
    ignores: z.array(z.string()),
  })),
}).openapi("BehaviourDocument");

/** A system of the postings. */
export const Protocol = z.object({
  /** Beginning of its scenarios' names, as `v7`. */
  name: z.string(),
  /** Letter of protocol.md F.0. */
  letter: z.string(),
  title: z.string(),
  /** What it does, in a paragraph. */
  summary: z.string(),
  rules: z.array(z.string()),
  scenarios: z.array(z.string()),
}).openapi("Protocol");

/** Answer of `GET /api/protocols`. */
export const ProtocolList = z.object({
  protocols: z.array(Protocol),
  behaviours: z.array(BehaviourDocument),
  messages: z.array(z.object({ type: z.string(), doc: z.string() })),
}).openapi("ProtocolList");

/** A rule, with what the reference says. */
export const RuleDocument = z.object({
  id: z.string(),
  severity: z.enum(["error", "warning"]),
  kind: z.string(),
  statement: z.string(),
  source: z.string(),
  systems: z.string(),
  /** Why it is so and what happens otherwise, for people who learn. */
  passage: z.string(),
}).openapi("RuleDocument");

/** What a file that was given turned out to be. */
export const Inspection = z.object({
  format: z.string(),
  /** The report that `inspect` prints. */
  text: z.string(),
  /** What it says as data. */
  value: z.unknown(),
}).openapi("Inspection");

/** Forms in which a run can be had. */
export const ExportForm = z.enum([...EXPORT_NAMES, "html"]).openapi("ExportForm");

/** `application/problem+json` (RFC 9457). */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  limit: z.object({ name: z.string(), max: Natural }).optional(),
  rule: z.string().optional(),
  seq: Natural.optional(),
  offset: Natural.optional(),
}).openapi("Problem");

/** See {@linkcode Scenario}. */
export type Scenario = z.infer<typeof Scenario>;
/** See {@linkcode Protocol}. */
export type Protocol = z.infer<typeof Protocol>;
/** See {@linkcode ProtocolList}. */
export type ProtocolList = z.infer<typeof ProtocolList>;
/** See {@linkcode RuleDocument}. */
export type RuleDocument = z.infer<typeof RuleDocument>;
/** See {@linkcode Inspection}. */
export type Inspection = z.infer<typeof Inspection>;
/** See {@linkcode ExportForm}. */
export type ExportForm = z.infer<typeof ExportForm>;
/** See {@linkcode Problem}. */
export type Problem = z.infer<typeof Problem>;
