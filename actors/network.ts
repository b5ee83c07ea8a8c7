/**
 * The network card: a bus master that by itself writes received packets into RAM.
 *
 * Its registers `ringBase` (physical address) and `ringSize` (descriptors) name a ring of 16-byte
 * descriptors: u64 buffer address, u32 length, u32 status, little-endian. While it is programmed
 * and not frozen a packet arrives every `packetNs`: the card reads the next descriptor, writes
 * the 64 bytes of {@linkcode packetBytes} into its buffer and length and status (1 + 2 × the low
 * 16 bits of the packet's number) back, and raises its line. Descriptors are used in turn without
 * asking whether the driver has looked at them; a buffer at 0 or outside RAM takes no packet. A
 * driver that takes its interface down programs a ring of no descriptors.
 *
 * A callback that arrives during a transfer waits until it is over, so a freeze that was answered
 * means no more DMA. With `broken` it goes on after a freeze, in the last ring it had, whatever the
 * driver did: for the sabotage table (F37).
 *
 * @module
 */
import type { Access } from "../machine/access.ts";
import { type AnyBehaviour, type Behaviour, type Out, seal } from "../machine/actor.ts";
import { fromHex, toHex } from "../machine/hex.ts";
import { FieldReader, FieldWriter } from "../machine/formats/byte_fields.ts";
import { flag, type Infer, natural, record } from "../machine/messages/shape.ts";
import { configOf } from "./configuration.ts";
import {
  DEVICE_CONFIG_FIELDS,
  DEVICE_REQUESTS,
  deviceHandlers,
  type DeviceState,
  freshDevice,
  INTERRUPT_LINE,
  isAlive,
} from "./device_common.ts";

/** Bytes of one descriptor of the ring. */
export const DESCRIPTOR_BYTES = 16;

/** Bytes of one received packet. */
export const PACKET_BYTES = 64;

const PACKET_TIMER = "packet";

const CONFIG = record({
  ...DEVICE_CONFIG_FIELDS,
  /** ns between two packets. */
  packetNs: natural,
  /** Whether a freeze does not stop its DMA. */
  broken: flag,
});

/** What the network card is started with. */
export type NetworkConfig = Infer<typeof CONFIG>;

interface State {
  readonly config: NetworkConfig;
  readonly device: DeviceState;
  /** Packets received since power-on. */
  packets: number;
  /** What of the transfer is under way. */
  stage: "idle" | "descriptor" | "packet" | "status";
  /** Address of the descriptor in use. */
  descriptor: number;
  /** The last ring that had descriptors. */
  ring: { readonly base: number; readonly size: number };
}

/** The 64 bytes of the `number`-th packet: an Ethernet frame of an experimental type. */
export function packetBytes(number: number): Uint8Array {
  const writer = new FieldWriter("packet", PACKET_BYTES);
  writer.put(0, Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x52, 0x54, 0, 0x65, 0x43, 0x21));
  writer.put(12, Uint8Array.of(0x88, 0xb5));
  writer.u32(14, number % 2 ** 32);
  for (let index = 18; index < PACKET_BYTES; index++) {
    writer.u8(index, (number * 31 + index * 7) & 0xff);
  }
  return writer.bytes;
}

function receives({ config, device }: State): boolean {
  if (!device.powered || device.registers["ringSize"] === undefined) return false;
  return config.broken || isAlive(device);
}

/** The ring packets go into; a broken card does not notice that it was taken away. */
function ringOf(state: State): State["ring"] {
  const { ringBase: base = 0, ringSize: size = 0 } = state.device.registers;
  if (size > 0) state.ring = { base, size };
  return state.config.broken ? state.ring : { base, size };
}

/** Begins a transfer, if there is a ring to put a packet into. */
function receive(state: State, out: Out, access: Access): void {
  const { base: ringBase, size: ringSize } = ringOf(state);
  if (!receives(state)) return;
  const index = ringSize === 0 ? 0 : state.packets % ringSize;
  const descriptor = ringBase + index * DESCRIPTOR_BYTES;
  if (ringSize === 0 || ringBase === 0 || descriptor + DESCRIPTOR_BYTES > access.ramBytes) return;
  state.descriptor = descriptor;
  state.stage = "descriptor";
  out.send("memory", "memory.read", {
    tag: state.stage,
    by: state.device.owner,
    address: descriptor,
    length: DESCRIPTOR_BYTES,
  });
}

/** Ends a transfer and waits for the next packet. */
function finish(state: State, out: Out): void {
  state.stage = "idle";
  out.timer(PACKET_TIMER, state.config.packetNs);
}

function writeStatus(state: State, out: Out): void {
  const writer = new FieldWriter("descriptor", 8);
  writer.u32(0, PACKET_BYTES);
  writer.u32(4, 1 + 2 * (state.packets & 0xffff));
  state.stage = "status";
  out.send("memory", "memory.write", {
    tag: state.stage,
    by: state.device.owner,
    address: state.descriptor + 8,
    bytes: toHex(writer.bytes),
  });
}

const BEHAVIOUR: Behaviour<State> = {
  kind: "network",
  role: "device",
  doc: "A network card that writes packets into RAM by itself.",
  states: {
    ready: { handles: DEVICE_REQUESTS },
    transferring: { handles: ["memory.data", "memory.done"], defers: DEVICE_REQUESTS },
  },
  start: (config, out) => ({
    config: configOf(CONFIG, config, out.self),
    device: freshDevice(true),
    packets: 0,
    stage: "idle",
    descriptor: 0,
    ring: { base: 0, size: 0 },
  }),
  label: (state) => state.stage === "idle" ? "ready" : "transferring",
  signal(state, signal, out, access) {
    if (signal.kind === "timer" && state.stage === "idle") receive(state, out, access);
    return state;
  },
  on: {
    ...deviceHandlers<State>({
      changed(state, out) {
        ringOf(state);
        if (receives(state)) out.timer(PACKET_TIMER, state.config.packetNs);
      },
    }),
    "memory.data": (state, { body }, out, access) => {
      const buffer = new FieldReader("descriptor", fromHex(body.bytes));
      // The upper half of an address beyond 2^53 is beyond any RAM too.
      const address = buffer.u32(0) + buffer.u32(4) * 2 ** 32;
      if (address === 0 || address + PACKET_BYTES > access.ramBytes) {
        finish(state, out);
        return state;
      }
      state.stage = "packet";
      out.fact("dma", { k: state.device.owner, device: out.self });
      out.send("memory", "memory.write", {
        tag: state.stage,
        by: state.device.owner,
        address,
        bytes: toHex(packetBytes(state.packets)),
      });
      return state;
    },
    "memory.done": (state, _, out) => {
      if (state.stage === "packet") {
        writeStatus(state, out);
        return state;
      }
      state.packets++;
      out.fact("irq", { k: state.device.owner, device: out.self });
      out.send("cpu", "cpu.interrupt", { line: INTERRUPT_LINE.network, device: out.self });
      finish(state, out);
      return state;
    },
  },
};

/** The behaviour `network`. */
export const network: AnyBehaviour = seal(BEHAVIOUR);
