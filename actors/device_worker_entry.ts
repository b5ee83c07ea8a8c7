/**
 * What a worker loads that holds a simple part of the machine, or the person at it: few modules,
 * so that it starts soon. Which behaviours those are says `worker_entries.ts`.
 *
 * @module
 */
import { registryOf } from "../machine/actor.ts";
import { serveWorker } from "../machine/host/worker_loop.ts";
import { consoleDevice } from "./console.ts";
import { disk } from "./disk.ts";
import { memoryController } from "./memory_controller.ts";
import { network } from "./network.ts";
import { liveOperator } from "./live_operator.ts";
import { operator } from "./operator.ts";
import { pciBridge } from "./pci_bridge.ts";
import { rtc } from "./rtc.ts";

serveWorker(
  registryOf([
    consoleDevice,
    disk,
    liveOperator,
    memoryController,
    network,
    operator,
    pciBridge,
    rtc,
  ]),
);
