/**
 * The disk drive: sectors on a medium that lasts, behind a volatile write cache (protocol.md
 * G.2), and a PCI device with registers and power-management callbacks.
 *
 * Commands are served in the order asked, one after the other. Data moves between RAM and the
 * drive when a command arrives; its answer comes when the mechanics are through. A write stands
 * in the cache until a flush, until room is wanted, or until the power goes. A flush takes effect
 * at its end, and the drive takes no other command meanwhile, so a power cut during a flush
 * finds the cache as it was.
 *
 * A kernel's request to a drive that is not programmed, frozen or powered down, to sectors that
 * are not there or bad, answers -EIO; the firmware's own service (`bios`) needs no programming.
 * Requests whose grants do not add up to the sectors are broken protocol.
 *
 * @module
 */
import type { Access } from "../machine/access.ts";
import {
  type AnyBehaviour,
  type Behaviour,
  type Envelope,
  type Out,
  seal,
} from "../machine/actor.ts";
import { type CacheState, EMPTY_CACHE, SECTOR_BYTES } from "../machine/block_store.ts";
import { ProtocolError } from "../machine/errors.ts";
import { type Infer, list, natural, oneOf, optional, record } from "../machine/messages/shape.ts";
import { configOf } from "./configuration.ts";
import {
  DEVICE_CONFIG_FIELDS,
  DEVICE_REQUESTS,
  deviceHandlers,
  type DeviceState,
  EIO,
  freshDevice,
  isAlive,
} from "./device_common.ts";
import { transferNs } from "./service_time.ts";

const FLUSH_TIMER = "flush";

const badSectors = record({ sector: natural, count: natural, on: oneOf("read", "write") });

const CONFIG = record({
  ...DEVICE_CONFIG_FIELDS,
  diskReadBytesPerSecond: natural,
  diskWriteBytesPerSecond: natural,
  /** ns to reach a sector that does not follow the last one. */
  diskSeekNs: natural,
  flushNs: natural,
  /** Sectors that fail. */
  badSectors: list(badSectors),
  /** Sectors that are on a device of another class, and what that costs. */
  elsewhere: optional(record({
    sector: natural,
    count: natural,
    readBytesPerSecond: natural,
    writeBytesPerSecond: natural,
    seekNs: natural,
    flushNs: natural,
  })),
});

/** What the disk is started with. */
export type DiskConfig = Infer<typeof CONFIG>;

interface State {
  readonly config: DiskConfig;
  readonly device: DeviceState;
  /** What waits in the write cache; its bytes are in the block store. */
  cache: CacheState;
  /** Virtual time in ns at which the last command is through. */
  busyUntil: number;
  /** Sector after the last one moved, where no seek is needed. */
  nextSector: number;
  /** The flush under way. */
  flushing: { readonly tag: string; readonly by: string; readonly asker: string } | null;
}

type Transfer = Envelope<"disk.read"> | Envelope<"disk.write">;

/** Takes the drive for `serviceNs`; gives the ns from now until that is over. */
function occupy(state: State, now: number, serviceNs: number): number {
  state.busyUntil = Math.max(state.busyUntil, now) + serviceNs;
  return state.busyUntil - now;
}

/** Whether the drive takes a request: through the firmware, programmed, or started again. */
function takes(
  { device }: State,
  { by, bios, kick }: { readonly by: string; readonly bios?: boolean; readonly kick?: boolean },
): boolean {
  if (bios === true) return true;
  return isAlive(kick === true ? { ...device, frozen: false } : device, by);
}

function resultOf(state: State, envelope: Transfer, sectors: number): number {
  const { sector, count } = envelope.body;
  if (!takes(state, envelope.body)) return EIO;
  if (count === 0 || sector + count > sectors) return EIO;
  const on = envelope.type === "disk.read" ? "read" : "write";
  const bad = state.config.badSectors.some((range) =>
    range.on === on && range.sector < sector + count && sector < range.sector + range.count
  );
  return bad ? EIO : 0;
}

function checkGrants(envelope: Transfer): void {
  const { grants, count } = envelope.body;
  const bytes = grants.reduce((sum, grant) => sum + grant.length, 0);
  const whole = grants.every((grant) => grant.length % SECTOR_BYTES === 0);
  if (whole && bytes === count * SECTOR_BYTES) return;
  throw new ProtocolError(`Grants of ${bytes} bytes for ${count} sectors`, {
    actor: envelope.target,
    type: envelope.type,
    sender: envelope.source,
  });
}

/** What a command at a sector costs. */
function costsAt({ config }: State, sector: number): {
  readonly readBytesPerSecond: number;
  readonly writeBytesPerSecond: number;
  readonly seekNs: number;
} {
  const { elsewhere } = config;
  if (elsewhere !== undefined) {
    const { sector: first, count } = elsewhere;
    if (first <= sector && sector < first + count) return elsewhere;
  }
  return {
    readBytesPerSecond: config.diskReadBytesPerSecond,
    writeBytesPerSecond: config.diskWriteBytesPerSecond,
    seekNs: config.diskSeekNs,
  };
}

function finish(state: State, envelope: Transfer, result: number, out: Out): State {
  const { tag, sector, count, grants } = envelope.body;
  const costs = costsAt(state, sector);
  const seek = sector === state.nextSector ? 0 : costs.seekNs;
  const bytesPerSecond = envelope.type === "disk.read"
    ? costs.readBytesPerSecond
    : costs.writeBytesPerSecond;
  const moving = result === 0 ? transferNs(count * SECTOR_BYTES, bytesPerSecond) : 0;
  if (result === 0) state.nextSector = sector + count;
  out.send(
    envelope.source,
    "disk.done",
    { tag, result, grants },
    occupy(state, out.now, seek + moving),
  );
  return state;
}

function read(state: State, envelope: Envelope<"disk.read">, out: Out, access: Access): State {
  const { by, sector, count, grants } = envelope.body;
  const { blocks } = access;
  checkGrants(envelope);
  const result = resultOf(state, envelope, blocks.sectors);
  if (result === 0) {
    let at = sector;
    for (const { start, length } of grants) {
      blocks.read(state.cache, at, access.writable(start, length));
      at += length / SECTOR_BYTES;
    }
    out.fact("disk_read", { k: by, block: sector, count });
  }
  return finish(state, envelope, result, out);
}

/** Puts sectors on the medium at once; what waits for the same sectors goes there first. */
function writeThrough(state: State, sector: number, content: Uint8Array, access: Access): void {
  const { blocks } = access;
  const end = sector + content.length / SECTOR_BYTES;
  const older = state.cache.pending.some((write) =>
    write.sector < end && sector < write.sector + write.count
  );
  if (older) state.cache = blocks.flush(state.cache);
  blocks.medium.write(sector * SECTOR_BYTES, content);
  blocks.medium.sync();
}

function write(state: State, envelope: Envelope<"disk.write">, out: Out, access: Access): State {
  const { by, sector, count, grants, fua } = envelope.body;
  const { blocks } = access;
  checkGrants(envelope);
  const result = resultOf(state, envelope, blocks.sectors);
  if (result === 0) {
    let at = sector;
    for (const { start, length } of grants) {
      const content = access.read(start, length);
      if (fua === true) writeThrough(state, at, content, access);
      else state.cache = blocks.write(state.cache, at, content);
      at += length / SECTOR_BYTES;
    }
    out.fact("disk_write", { k: by, block: sector, count });
  }
  return finish(state, envelope, result, out);
}

/** A flush waits for the slowest device that has something to put down. */
function flushNs({ config, cache }: State): number {
  const { elsewhere } = config;
  if (elsewhere === undefined) return config.flushNs;
  const { sector: first, count } = elsewhere;
  const concerned = cache.pending.some(({ sector }) => first <= sector && sector < first + count);
  return concerned ? Math.max(config.flushNs, elsewhere.flushNs) : config.flushNs;
}

function flush(state: State, envelope: Envelope<"disk.flush">, out: Out): State {
  const { tag, by } = envelope.body;
  if (!takes(state, envelope.body)) {
    const after = occupy(state, out.now, 0);
    out.send(envelope.source, "disk.done", { tag, result: EIO, grants: [] }, after);
    return state;
  }
  out.fact("flush", { k: by, op: "begin" });
  state.flushing = { tag, by, asker: envelope.source };
  out.timer(FLUSH_TIMER, occupy(state, out.now, flushNs(state)));
  return state;
}

function endFlush(state: State, out: Out, access: Access): State {
  if (state.flushing === null) return state;
  const { tag, by, asker } = state.flushing;
  state.cache = access.blocks.flush(state.cache);
  state.flushing = null;
  out.fact("flush", { k: by, op: "done" });
  out.send(asker, "disk.done", { tag, result: 0, grants: [] });
  return state;
}

const REQUESTS = [
  ...DEVICE_REQUESTS,
  "disk.identify",
  "disk.read",
  "disk.write",
  "disk.flush",
] as const;

const BEHAVIOUR: Behaviour<State> = {
  kind: "disk",
  role: "disk",
  doc: "A drive with a volatile write cache in front of a medium that lasts.",
  owns: "blocks",
  states: {
    ready: { handles: REQUESTS },
    flushing: { handles: [], defers: REQUESTS },
  },
  start: (config, out) => ({
    config: configOf(CONFIG, config, out.self),
    device: freshDevice(),
    cache: EMPTY_CACHE,
    busyUntil: 0,
    nextSector: 0,
    flushing: null,
  }),
  label: (state) => state.flushing === null ? "ready" : "flushing",
  signal(state, signal, out, access) {
    if (signal.kind === "timer") return endFlush(state, out, access);
    if (signal.kind !== "power_cut") return state;
    access.blocks.powerCut(state.cache, signal.survivors, signal.torn);
    state.cache = EMPTY_CACHE;
    return state;
  },
  on: {
    // A callback waits for the commands in flight, as a driver drains its queue.
    ...deviceHandlers<State>({
      busyNs: (state, now) => Math.max(0, state.busyUntil - now),
    }),
    "disk.identify": (state, { source, body }, out, access) => {
      out.send(source, "disk.identity", { tag: body.tag, sectors: access.blocks.sectors });
      return state;
    },
    "disk.read": read,
    "disk.write": write,
    "disk.flush": flush,
  },
};

/** The behaviour `disk`. */
export const disk: AnyBehaviour = seal(BEHAVIOUR);
