import assert from "node:assert/strict";
import { ActorFailure, LimitError, TransportError } from "../../machine/errors.ts";
import {
  type BlockSource,
  closeBlocks,
  fileBlocks,
  memoryBlocks,
  openBlocks,
} from "../../machine/host/block_source.ts";
import { createDiskFile } from "../../machine/host/file_medium.ts";
import {
  WorkerTransport,
  type WorkerTransportOptions,
} from "../../machine/host/worker_transport.ts";
import type { RunPlan } from "../../machine/scheduler.ts";
import { DISK_BYTES, runInline, runToys, TOY_WORKER, toyBlocks, toyPlan } from "./toy_machine.ts";
import { TROUBLE } from "./toy_trouble.ts";
import { toyRegistry } from "./toys.ts";

const CACHE_BYTES = 16 * 1024;

function transportFor(
  plan: RunPlan,
  blocks: BlockSource,
  options: Partial<WorkerTransportOptions> = {},
): WorkerTransport {
  return new WorkerTransport({ entry: TOY_WORKER, registry: plan.registry, blocks, ...options });
}

function troublePlan(...lines: readonly string[]): RunPlan {
  return {
    ...toyPlan({ registry: toyRegistry(...TROUBLE) }),
    people: [
      { name: "device", behaviour: "bad_device", config: null },
      { name: "person", behaviour: "toy_typist", config: lines },
    ],
  };
}

/** Runs misbehaving toys in workers; what it throws is the test's. */
function runTrouble(lines: readonly string[], options: Partial<WorkerTransportOptions> = {}): void {
  const plan = troublePlan(...lines);
  const transport = transportFor(plan, memoryBlocks(DISK_BYTES, CACHE_BYTES), options);
  try {
    runToys(plan, transport, toyBlocks());
  } finally {
    transport.close();
  }
}

Deno.test("WorkerTransport tells of a step that threw as inline does", () => {
  const inline = (): unknown => runInline(troublePlan("throw"));
  let said = "";
  assert.throws(inline, (error) => {
    said = error instanceof Error ? error.message : "";
    return error instanceof ActorFailure;
  });
  assert.throws(() => runTrouble(["throw"]), { name: "ActorFailure", message: said });
});

Deno.test("WorkerTransport carries messages longer than its areas", () => {
  const plan = troublePlan("big", "big");
  const transport = transportFor(plan, memoryBlocks(DISK_BYTES, CACHE_BYTES));
  const run = runToys(plan, transport, toyBlocks());
  transport.close();
  assert.equal(run.outcome, "typed");
  assert.equal(run.text, runInline(plan).text);
});

Deno.test("WorkerTransport's watchdog names actor and message, and a slow worker still ends", () => {
  assert.throws(
    () => runTrouble(["fine", "slow"], { watchdogMilliseconds: 100 }),
    (error) =>
      error instanceof TransportError && error.actor === "device" &&
      /gave no reply to message 'console.type' \(\d+\) after 100 ms/.test(error.message),
  );
});

Deno.test("WorkerTransport tells of a worker that does not load", () => {
  const entry = new URL("data:text/javascript,// a module that serves nobody");
  assert.throws(
    () => runTrouble(["fine"], { entry, startMilliseconds: 300 }),
    (error) =>
      error instanceof TransportError && /'device'.*did not start after 300 ms/.test(error.message),
  );
});

Deno.test("WorkerTransport passes no more orders than its credit", () => {
  const plan = toyPlan({ seed: 3 });
  const transport = transportFor(plan, memoryBlocks(DISK_BYTES, CACHE_BYTES), {
    grouping: () => "all",
    creditOrders: 1,
  });
  assert.throws(() => runToys(plan, transport, toyBlocks()), (error) => {
    return error instanceof LimitError && error.limit === "creditOrders";
  });
  transport.close();
});

Deno.test("WorkerTransport gives blocks to the disk's group alone", () => {
  const plan = toyPlan();
  const transport = transportFor(plan, memoryBlocks(DISK_BYTES, CACHE_BYTES), {
    disk: "somebody",
    grouping: (name) => name,
  });
  assert.throws(() => runToys(plan, transport, toyBlocks()), /owns blocks/);
  transport.close();
});

Deno.test("WorkerTransport ends each actor's worker with it", () => {
  const plan = toyPlan({ cycles: 1 });
  const blocks = memoryBlocks(DISK_BYTES, CACHE_BYTES);
  const transport = transportFor(plan, blocks);
  const run = runToys(plan, transport, openBlocks(blocks));
  assert.equal(run.outcome, "done");
  // The power is off: only the person is left.
  assert.equal(transport.workers, 1);
  transport.close();
  assert.equal(transport.workers, 0);
});

Deno.test("WorkerTransport's spares change nothing, and need not be used", () => {
  const plan = toyPlan({ seed: 9, cycles: 1 });
  const blocks = memoryBlocks(DISK_BYTES, CACHE_BYTES);
  const transport = transportFor(plan, blocks);
  transport.prewarm(10);
  assert.equal(transport.workers, 0);
  const run = runToys(plan, transport, openBlocks(blocks));
  transport.close();
  assert.equal(run.hash, runInline(plan).hash);
});

Deno.test("WorkerTransport takes an entry for each kind of actor, and refills its spares", () => {
  const plan = toyPlan({ seed: 8 });
  const blocks = memoryBlocks(DISK_BYTES, CACHE_BYTES);
  const asked = new Set<string>();
  const entry = (behaviour: string): URL => {
    asked.add(behaviour);
    return behaviour === "toy_kernel" ? new URL("#kernel", TOY_WORKER) : TOY_WORKER;
  };
  const transport = transportFor(plan, blocks, { entry, refill: true });
  transport.prewarm(1, "toy_kernel");
  transport.prewarm(1, "toy_console");
  const run = runToys(plan, transport, openBlocks(blocks));
  transport.close();
  assert.equal(run.hash, runInline(plan).hash);
  assert.ok(asked.has("toy_kernel") && asked.has("toy_disk"));
});

Deno.test("WorkerTransport keeps a disk in a file, with rights to that file alone", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/disk.img`;
    createDiskFile(path, DISK_BYTES);
    const plan = toyPlan({ seed: 6, choices: [{ kind: "power_cut", at: 90, durable: "seeded" }] });
    const blocks = fileBlocks(path, CACHE_BYTES);
    const transport = transportFor(plan, blocks);
    transport.prewarm(2);
    const store = openBlocks(blocks);
    const run = runToys(plan, transport, store);
    transport.close();
    closeBlocks(store);
    const inline = runInline(plan);
    assert.equal(run.text, inline.text);
    assert.deepEqual(run.disk, inline.disk);
    assert.deepEqual(Deno.readFileSync(path), inline.disk);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("WorkerTransport refuses a disk file that is not there, by its path", () => {
  const plan = toyPlan();
  const blocks = fileBlocks("/tmp/there/is/no/such/disk.img", CACHE_BYTES);
  const transport = transportFor(plan, blocks);
  assert.throws(
    () => runToys(plan, transport, toyBlocks()),
    (error) =>
      error instanceof TransportError && error.actor === "disk" &&
      /such\/disk\.img': cannot open it/.test(error.message),
  );
  transport.close();
});

Deno.test("WorkerTransport says which worker would not end; Deno.exit ends the process", async () => {
  const script = new URL("./toy_hang.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--allow-read", script.pathname],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout);
  assert.equal(code, 3, new TextDecoder().decode(stderr));
  assert.match(said, /'device': its worker gave no reply to message 'console.type'/);
  assert.match(said, /'device': its worker would not end; it was at message 'console.type'/);
});
