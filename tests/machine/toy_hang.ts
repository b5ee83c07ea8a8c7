/**
 * A process with a worker that never returns: run as a child by the worker transport's tests.
 *
 * @module
 */
import { memoryBlocks } from "../../machine/host/block_source.ts";
import { WorkerTransport } from "../../machine/host/worker_transport.ts";
import { runToys, TOY_WORKER, toyBlocks, toyPlan } from "./toy_machine.ts";
import { TROUBLE } from "./toy_trouble.ts";
import { toyRegistry } from "./toys.ts";

const plan = {
  ...toyPlan({ registry: toyRegistry(...TROUBLE) }),
  people: [
    { name: "device", behaviour: "bad_device", config: null },
    { name: "person", behaviour: "toy_typist", config: ["hang"] },
  ],
};
const transport = new WorkerTransport({
  entry: TOY_WORKER,
  registry: plan.registry,
  blocks: memoryBlocks(4096, 4096),
  watchdogMilliseconds: 300,
  endMilliseconds: 200,
});

/** Writes what an operation throws. */
function tell(operation: () => void): void {
  try {
    operation();
  } catch (error) {
    Deno.stdout.writeSync(new TextEncoder().encode(`${error}\n`));
  }
}

tell(() => void runToys(plan, transport, toyBlocks()));
tell(() => transport.close());
Deno.exit(3);
