/**
 * What a worker loads that holds what runs before a kernel does: processor, firmware, boot loader
 * and purgatory. Which behaviours those are says `worker_entries.ts`.
 *
 * @module
 */
import { registryOf } from "../machine/actor.ts";
import { serveWorker } from "../machine/host/worker_loop.ts";
import { bootLoader } from "./boot_loader/boot_loader.ts";
import { cpu } from "./cpu/cpu.ts";
import { firmware } from "./firmware/firmware.ts";
import { physicalMode } from "./programs/physical_mode.ts";
import { purgatory } from "./programs/purgatory.ts";

serveWorker(registryOf([bootLoader, cpu, firmware, physicalMode, purgatory]));
