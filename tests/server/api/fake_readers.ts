/**
 * A desk and replays that say fixed things and keep what they are asked.
 *
 * @module
 */
import type { ExportForm, Inspection } from "../../../server/api/shapes/catalogue.ts";
import type { EventContext, SearchAnswer, StepAnswer } from "../../../server/api/shapes/event.ts";
import type {
  DiskMap,
  MachineState,
  MemoryMap,
  StateChange,
} from "../../../server/api/shapes/machine.ts";
import type { StepRequest } from "../../../server/api/shapes/run.ts";
import type { Desk, MadeFile, Replays, StoredRun } from "../../../server/deps.ts";

function made(folder: string, name: string): MadeFile {
  const path = `${folder}/${name}`;
  const content = `content of ${name}`;
  Deno.writeTextFileSync(path, content);
  return { path, bytes: content.length, mediaType: "application/json", fileName: name };
}

/** See the module's header. */
class Reader {
  readonly asked: string[] = [];
  /** Thrown by the next call. */
  trouble: unknown;

  does<T>(what: string, work: () => T): Promise<T> {
    this.asked.push(what);
    const { trouble } = this;
    this.trouble = undefined;
    return trouble === undefined ? Promise.resolve(work()) : Promise.reject(trouble);
  }
}

/** A desk. */
export class FakeDesk extends Reader implements Desk {
  readonly #folder: string;

  constructor(folder: string) {
    super();
    this.#folder = folder;
  }

  report(_stored: StoredRun, form: "json" | "text" | "junit"): Promise<string> {
    const texts = { json: '{"ok":true}', text: "all held\n", junit: "<testsuites/>" };
    return this.does(`report ${form}`, () => texts[form]);
  }

  export(_stored: StoredRun, form: ExportForm): Promise<MadeFile> {
    return this.does(`export ${form}`, () => made(this.#folder, `run.${form}`));
  }

  causality(_stored: StoredRun, seq: number, most: number): Promise<EventContext> {
    const cone = { count: 1, seqs: [0] };
    return this.does(`causality ${seq} ${most}`, () => ({
      event: { seq, vt: 1, lamport: 1, kind: "note", actor: "A", summary: { page: 3 } },
      clock: { A: 1 },
      past: cone,
      future: cone,
      links: [[0, seq]],
    }));
  }

  search(_stored: StoredRun, query: string, from: number, most: number): Promise<SearchAnswer> {
    return this.does(`search ${query} ${from} ${most}`, () => ({ seqs: [1, 2], more: true }));
  }

  step(_stored: StoredRun, { at, to }: StepRequest): Promise<StepAnswer> {
    return this.does(`step ${at} ${to}`, () => ({ at: at + 1 }));
  }

  inspect(path: string): Promise<Inspection> {
    const text = Deno.readTextFileSync(path);
    return this.does("inspect", () => ({ format: "text", text, value: { bytes: text.length } }));
  }

  close(): void {}
}

/** Replays. */
export class FakeReplays extends Reader implements Replays {
  readonly #folder: string;

  constructor(folder: string) {
    super();
    this.#folder = folder;
  }

  machine(_stored: StoredRun, at: number): Promise<MachineState> {
    const actor = { name: "A", behaviour: "kernel", label: "running", state: { pid: 1 } };
    return this.does(`machine ${at}`, () => ({
      at,
      next: at + 1,
      vt: 1,
      powered: true,
      actors: [actor],
    }));
  }

  change(_stored: StoredRun, at: number): Promise<StateChange> {
    return this.does(`change ${at}`, () => ({ at, next: at + 1, vt: 1, actor: "A", after: {} }));
  }

  memory(_stored: StoredRun, at: number): Promise<MemoryMap> {
    return this.does(`memory ${at}`, () => ({
      at,
      next: at + 1,
      vt: 1,
      frames: 4,
      pageBytes: 4096,
      kernels: [{ name: "A", status: "running", frames: 4 }],
      runs: [{ pfn: 0, count: 4, owner: "A", class: "kernel" }],
    }));
  }

  disk(_stored: StoredRun, at: number): Promise<DiskMap> {
    return this.does(`disk ${at}`, () => ({
      at,
      next: at + 1,
      vt: 1,
      sectors: 8,
      sectorBytes: 512,
      partitions: [],
      durable: [{ sector: 0, count: 1 }],
      cached: [],
      torn: [],
      files: [],
    }));
  }

  image(_stored: StoredRun, at: number, what: "disk" | "elf"): Promise<MadeFile> {
    return this.does(`image ${what} ${at}`, () => made(this.#folder, `${what}.img`));
  }

  close(): void {}
}
