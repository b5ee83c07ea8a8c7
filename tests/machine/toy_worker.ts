/**
 * Entry of a worker that serves the toys.
 *
 * @module
 */
import { serveWorker } from "../../machine/host/worker_loop.ts";
import { TROUBLE } from "./toy_trouble.ts";
import { toyRegistry } from "./toys.ts";

serveWorker(toyRegistry(...TROUBLE));
