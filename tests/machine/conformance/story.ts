/**
 * A small kit that writes traces by hand: a machine of 512 frames, kernels that come and go, and
 * the facts a correct run would leave. Deterministic: the same story is the same bytes.
 *
 * @module
 */
import { MemoryBlobs } from "../../../machine/trace/blobs.ts";
import type { EventKind, Summary, TraceEvent, TraceHeader } from "../../../machine/trace/event.ts";
import { seal, type StoredTrace } from "../../../machine/conformance/mutation.ts";
import type { Fact, FactName } from "../../../machine/protocol/facts.ts";

/** Frames of the little machine. */
export const FRAMES = 0x200;
/** Its RAM: low memory and the second half of its 2 MiB. */
export const RAM = "0x0-0xa0000,0x100000-0x200000";
/** What A's image exchanges: low memory, the window, and two pages that were free. */
export const PAIRS = "0:140+a0,100:120+10,110:110+2";
const PAIR_COUNT = 0xa0 + 0x10 + 2;
/** Where A is entered again. */
export const ENTRY_A = "0x1300fb";
/** Where B is. */
export const ENTRY_B = "0x1050fb";

/** Flags of A's frames. */
export function classesOfA(): Uint8Array {
  const classes = new Uint8Array(FRAMES).fill(2);
  const set = (pfn: number, count: number, flags: number) => classes.fill(flags, pfn, pfn + count);
  set(0x1, 0x9f, 4); // low memory of the kernel
  set(0x100, 0x10, 4); // its text, in the window
  set(0x110, 2, 1 | 32); // free before the image took them
  set(0x112, 0xe, 8); // a process
  set(0x120, 0x13, 32); // sources of the window, control, swap, indirection
  set(0x133, 0xd, 4);
  set(0x140, 0xa0, 32); // sources of low memory
  set(0x1e0, 0x10, 1); // free
  set(0x1f0, 0x10, 16); // a file
  return classes;
}

/** A CRC for each frame; what `salt` names has changed. */
export function sums(salt: number, changed: readonly number[] = []): Uint8Array {
  const bytes = new Uint8Array(FRAMES * 4);
  const view = new DataView(bytes.buffer);
  for (let pfn = 0; pfn < FRAMES; pfn++) {
    const bent = changed.includes(pfn) ? 0x5a5a5a5a : 0;
    view.setUint32(pfn * 4, (Math.imul(pfn + 1, 0x9e3779b1) ^ salt ^ bent) >>> 0, true);
  }
  return bytes;
}

/** A story that is being written. */
export class Story {
  readonly blobs: MemoryBlobs;
  readonly #events: TraceEvent[] = [];
  readonly #actors: Set<string> = new Set();
  #vt = 0;
  #power = 0;
  #walks = 0;
  #cause: number | undefined;

  constructor(blobs: MemoryBlobs = new MemoryBlobs()) {
    this.blobs = blobs;
  }

  /** Wall clock in us: virtual time begins anew at each power-on, this does not. */
  get real(): number {
    return 1_000_000_000 * (this.#power + 1) + Math.floor(this.#vt / 1000);
  }

  add(kind: EventKind, actor: string, rest: Partial<TraceEvent> = {}): number {
    this.#vt += 1000;
    this.#actors.add(actor);
    const seq = this.#events.length;
    const cause = this.#cause === undefined ? {} : { cause: this.#cause };
    this.#events.push({ seq, vt: this.#vt, lamport: 0, kind, actor, ...cause, ...rest });
    return seq;
  }

  fact<N extends FactName>(name: N, fields: Fact<N>, bytes?: Uint8Array): this {
    const summary: Summary = { ...fields };
    const who = summary["k"] ?? summary["from"] ?? "board";
    const blob = bytes === undefined ? {} : { blob: this.blobs.put(bytes) };
    this.add("note", String(who), { type: `fact.${name}`, summary, ...blob });
    return this;
  }

  /** Lets time pass. */
  wait(ns: number): this {
    this.#vt += ns;
    return this;
  }

  /** A message from one actor to another, handled at once: what follows is its doing. */
  message(source: string, target: string, type: string): this {
    const seq = this.add("send", source, { source, target, type });
    this.#cause = this.add("deliver", target, { source, target, type, msg: seq });
    return this;
  }

  /** Power comes: virtual time begins anew. */
  powerOn(): this {
    this.#vt = 0;
    this.#power++;
    this.#cause = undefined;
    return this.fact("power", { op: "on" });
  }

  /** A kernel's actor begins to run. */
  enter(k: string): this {
    this.#cause = undefined;
    this.add("start", k, { state: "running" });
    return this.message("cpu", k, "cpu.enter");
  }

  /** And ends, because the kernel has left the CPU. */
  leave(k: string): this {
    this.add("end", k);
    this.#cause = undefined;
    return this;
  }

  boot(k: string, cmdline: string, ranges: string = RAM): this {
    return this.enter(k).fact("boot", { k, release: "2.6.27", ranges, cmdline });
  }

  finish(scenario: string, name: string, continues?: string): StoredTrace {
    const header: TraceHeader = {
      v: 1,
      run: name.padEnd(16, "0").replace(/[^0-9a-f]/g, "0").padEnd(16, "0"),
      scenario,
      seed: 1,
      profile: "2.6.27/small-vm",
      version: "hand-written",
      actors: [...this.#actors],
      clock: "virtual",
      order: "total",
      ...(continues === undefined ? {} : { continues }),
    };
    return seal(header, this.#events, { outcome: "ok", generator: "0000000000000000" });
  }

  // The moves of a kernel.

  locked(k: string, holder: string, inside: () => unknown): this {
    this.fact("lock", { k, holder, op: "take", result: 0 });
    inside();
    return this.fact("lock", { k, holder, op: "release", result: 0 });
  }

  load(k: string, change: Partial<Fact<"load">> = {}): this {
    return this.fact("load", {
      k,
      slot: "default",
      flags: "0x2",
      preserve: true,
      arch: "i386",
      capable: true,
      disabled: false,
      segments: 2,
      list: "0x0+0xa0000/0x0,0x100000+0x12000/0x8000",
      entry: "0x101000",
      limit: "0xffffffff",
      ram_pages: FRAMES,
      half_ram: true,
      result: 0,
      ...change,
    });
  }

  kimage(k: string, pairs: string, change: Partial<Fact<"kimage">> = {}): this {
    return this.fact("kimage", {
      ...{ k, slot: "default", control: "130+1", swap: "131+1", indirection: "132+1", pairs },
      ...change,
    });
  }

  phases(k: string, name: Fact<"phase">["name"], message: Fact<"phase">["message"]): this {
    const parentFirst = name === "prepare" || /^(?:restore|thaw)/.test(name);
    const devices = parentFirst ? ["pci", "ide"] : ["ide", "pci"];
    for (const device of devices) this.phase(k, device, name, message);
    return this;
  }

  phase(
    k: string,
    device: string,
    name: Fact<"phase">["name"],
    message: Fact<"phase">["message"],
    result = 0,
  ): this {
    const parent = device === "pci" ? {} : { parent: "pci" };
    const state = { powered: true, wake_armed: false, result };
    return this.fact("phase", { k, device, ...parent, name, message, ...state });
  }

  /** kernel_kexec up to the jump (protocol.md B.4.1 steps 1 to 12). */
  goDown(k: string, start: string): this {
    this.fact("exec", { k, loaded: true, preserve: true, start })
      .fact("lock", { k, holder: "exec", op: "take", result: 0 })
      .fact("console", { k, op: "prepare" })
      .fact("freeze", { k, what: "user", result: 0 })
      .fact("console", { k, op: "suspend" })
      .phases(k, "prepare", "FREEZE")
      .phases(k, "freeze", "FREEZE")
      .phases(k, "freeze_late", "FREEZE")
      .phases(k, "freeze_noirq", "FREEZE")
      .fact("cpus", { k, online: "0" })
      .fact("interrupts", { k, enabled: false })
      .fact("syscore", { k, op: "suspend", result: 0 })
      .fact("clock", { k, op: "leave", monotonic: this.#vt, real: this.real });
    return this.fact("save", { k, what: "cpu", digest: `cpu-${k}` })
      .fact("ioapic", { k, mode: "legacy" })
      .fact("point_of_no_return", { k, preserve: true });
  }

  /** Device phases down to where a copy is made or a kernel is replaced, and what comes after. */
  quiet(k: string, message: "FREEZE" | "QUIESCE"): this {
    return this.phases(k, "prepare", message)
      .phases(k, "freeze", message)
      .phases(k, "freeze_late", message)
      .phases(k, "freeze_noirq", message);
  }

  /** Alone on the processor, with its state saved. */
  alone(k: string): this {
    return this.fact("cpus", { k, online: "0" })
      .fact("interrupts", { k, enabled: false })
      .fact("syscore", { k, op: "suspend", result: 0 })
      .fact("save", { k, what: "cpu", digest: `cpu-${k}` });
  }

  /** Clock as a kernel leaves it. */
  clockOut(k: string): this {
    return this.fact("clock", { k, op: "leave", monotonic: this.#vt, real: this.real });
  }

  /** And as it finds it again. */
  clockIn(k: string): this {
    const left = this.#events.findLast(({ type, actor, summary }) =>
      type === "fact.clock" && actor === k && summary?.["op"] === "leave"
    )?.summary?.["monotonic"];
    return this.fact("clock", {
      ...{ k, op: "enter", monotonic: Number(left ?? 0) + 500, real: this.real },
    });
  }

  /** Processor and interrupts back to work. */
  together(k: string): this {
    return this.fact("restore", { k, what: "cpu", digest: `cpu-${k}` })
      .fact("syscore", { k, op: "resume", result: 0 })
      .fact("interrupts", { k, enabled: true })
      .fact("cpus", { k, online: "0-1" });
  }

  /** Devices back to work. */
  wake(k: string, family: "thaw" | "restore", message: Fact<"phase">["message"]): this {
    return this.phases(k, `${family}_noirq`, message)
      .phases(k, `${family}_early`, message)
      .phases(k, family, message)
      .phases(k, "complete", message);
  }

  method(k: string, method: string, argument = 4): this {
    return this.fact("acpi", { k, method, argument });
  }

  register(k: string, register: string, value: string): this {
    return this.fact("acpi", { k, register, value });
  }

  /** The registers that put the machine to sleep in S4 (protocol.md E.6.5). */
  sleepS4(k: string): this {
    return this.register(k, "PM1a_STS", "0x8000")
      .register(k, "GPE0_EN", "0x1")
      .register(k, "PM1a_CNT", "0x1400")
      .register(k, "PM1a_CNT", "0x3400")
      .fact("power", { op: "sleep", state: "S4", k })
      .leave(k);
  }

  flushed(k: string): this {
    return this.fact("flush", { k, op: "begin" }).fact("flush", { k, op: "done" });
  }

  /** One walk of A's list. */
  walkA(): this {
    const list = { head: "0x132000", temporary: "0x131000", count: PAIR_COUNT };
    const walk = { ...list, walk: ++this.#walks };
    return this.fact("swap", { k: "A", ...walk, pairs: PAIRS });
  }

  /** The observer looks at every frame and at what A says of it. */
  observeA(when: "jump" | "return", changed: readonly number[] = []): this {
    const fact = { k: "A", when, count: FRAMES };
    this.fact("frames", fact, sums(7, changed));
    return when === "return" ? this : this.fact("frame_classes", fact, classesOfA());
  }

  /** kernel_kexec after the return (protocol.md B.4.1 steps 13 to 18). */
  comeUp(k: string, peer: string): this {
    this.fact("resumed", { k, peer })
      .fact("image_start", { k, start: peer })
      .fact("restore", { k, what: "cpu", digest: `cpu-${k}` })
      .fact("syscore", { k, op: "resume", result: 0 })
      .fact("ioapic", { k, mode: "symmetric" });
    const left = this.#events.findLast(({ type, actor, summary }) =>
      type === "fact.clock" && actor === k && summary?.["op"] === "leave"
    )?.summary?.["monotonic"];
    return this.fact("clock", {
      ...{ k, op: "enter", monotonic: Number(left ?? 0) + 500, real: this.real },
    })
      .fact("interrupts", { k, enabled: true })
      .fact("cpus", { k, online: "0-1" })
      .phases(k, "restore_noirq", "RESTORE")
      .phases(k, "restore_early", "RESTORE")
      .phases(k, "restore", "RESTORE")
      .phases(k, "complete", "RESTORE")
      .fact("console", { k, op: "resume" })
      .fact("thaw", { k, what: "user" })
      .fact("console", { k, op: "restore" })
      .fact("lock", { k, holder: "exec", op: "release", result: 0 })
      .fact("exec_done", { k, result: 0 });
  }

  tool(k: string, line: string, status: number): this {
    return this.fact("tool", { k, program: "kexec", arguments: line, status });
  }
}
