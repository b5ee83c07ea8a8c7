/**
 * What the routes are made with.
 *
 * @module
 */
import type { AppDeps } from "../deps.ts";
import type { EventStreams } from "../streams/event_streams.ts";
import type { Api } from "./operation.ts";

/** See the module's header. */
export interface Wiring {
  readonly app: Api;
  readonly deps: AppDeps;
  readonly streams: EventStreams;
}
