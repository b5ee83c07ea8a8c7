/**
 * What a worker of the worker transport begins with: it serves the actors of this house.
 *
 * @module
 */
import { serveWorker } from "../machine/host/worker_loop.ts";
import { REGISTRY } from "./registry.ts";

serveWorker(REGISTRY);
