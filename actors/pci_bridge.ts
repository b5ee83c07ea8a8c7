/**
 * The PCI bridge: parent of network and disk. It has registers and nothing else, so that its
 * place in the order of the phases (parents last down, first up) shows in the trace.
 *
 * @module
 */
import { type AnyBehaviour, type Behaviour, seal } from "../machine/actor.ts";
import { configOf } from "./configuration.ts";
import {
  DEVICE_CONFIG,
  DEVICE_REQUESTS,
  type DeviceActor,
  deviceHandlers,
  freshDevice,
} from "./device_common.ts";

const BEHAVIOUR: Behaviour<DeviceActor> = {
  kind: "pci_bridge",
  role: "device",
  doc: "The bridge that network and disk hang from.",
  states: { ready: { handles: DEVICE_REQUESTS } },
  start: (config, out) => ({
    config: configOf(DEVICE_CONFIG, config, out.self),
    device: freshDevice(),
  }),
  label: () => "ready",
  on: deviceHandlers<DeviceActor>(),
};

/** The behaviour `pci_bridge`. */
export const pciBridge: AnyBehaviour = seal(BEHAVIOUR);
