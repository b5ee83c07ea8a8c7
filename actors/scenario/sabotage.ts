/**
 * The sabotage table (DESIGN.md 7): what can be broken in this house, each with the rules that
 * must notice it. An entry alters steps of procedures or wraps behaviours; nothing in an actor
 * knows of it. A rule that does not turn red for its entry has fallen asleep.
 *
 * @module
 */
import type { AnyBehaviour, Registry } from "../../machine/actor.ts";
import type { Access } from "../../machine/access.ts";
import { DUMP_LEVEL, FRAME, FRAME_BYTES } from "../../machine/formats/mem_map.ts";
import { STATE_HEADER_BYTES } from "../../machine/formats/kernel_state_header.ts";
import { PAGE_BYTES, type PageRun, subtract, toRuns } from "../../machine/formats/page_runs.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { CpuState } from "../cpu/state.ts";
import { layoutOf } from "../kernel/boot.ts";
import { numberOf, textOf } from "../kernel/kernel_context.ts";
import { ask, call, goto, next, type Step } from "../kernel/procedure.ts";
import { grantsOf, plainRuns, readAs, RUNS } from "../kernel/values.ts";
import { jumpBackEntry } from "../programs/save_image.ts";
import {
  type Alteration,
  alteredRegistry,
  alterInput,
  alterOut,
  alterStep,
  alterSteps,
  both,
  neverUndo,
  skipStep,
  type Wrapper,
} from "./sabotage_tools.ts";

/** How an entry's run differs from the default one. */
export interface SabotagedRun {
  readonly cpus?: number;
  readonly brokenNetwork?: boolean;
  /** Pages of each of A's processes: more than fit the window. */
  readonly processPages?: number;
  /** The resume half runs in a process that knows nothing of the first. */
  readonly apart?: boolean;
  /** The disk is resumed once more afterwards. */
  readonly again?: boolean;
}

/** One way to break the house. */
export interface Sabotage {
  readonly name: string;
  /** What is broken, in one sentence. */
  readonly says: string;
  /** Ids of the rules that must be broken by it. */
  readonly rules: readonly string[];
  readonly run?: SabotagedRun;
  /** Made anew for each process, so that what it keeps in variables is that process's. */
  readonly make: () => {
    readonly procedures?: Alteration;
    readonly behaviours?: Readonly<Record<string, Wrapper>>;
  };
}

/** The registry of a broken house, as one process has it. */
export function sabotagedRegistry(sabotage: Sabotage): Registry {
  const { procedures = (given) => given, behaviours = {} } = sabotage.make();
  return alteredRegistry(procedures, behaviours);
}

type Then = NonNullable<Step["then"]>;

/** The step, after whose answer something more happens at once. */
function afterwards(step: Step, then: (...given: Parameters<Then>) => void): Step {
  return {
    ...step,
    then(kernel, vars, answer, access) {
      const wanted = step.then?.(kernel, vars, answer, access) ?? next;
      then(kernel, vars, answer, access);
      return wanted;
    },
  };
}

/** Steps in another order: the named ones go before another. */
function moveBefore(steps: readonly Step[], names: readonly string[], before: string): Step[] {
  const moved = steps.filter(({ name }) => names.includes(name));
  const rest = steps.filter(({ name }) => !names.includes(name));
  const at = rest.findIndex(({ name }) => name === before);
  return [...rest.slice(0, at), ...moved, ...rest.slice(at)];
}

/** The processor's own state: its wrapper is given no other. */
function cpuJob(state: unknown): CpuState["job"] {
  return typeof state === "object" && state !== null && "job" in state
    ? (state as CpuState).job
    : null;
}

/** Kernels that keep what they are in a variable, and only the header in their pages. */
function outsideRam(): { procedures: Alteration; behaviours: Record<string, Wrapper> } {
  const kept = new Map<string, Uint8Array>();
  const wake = (given: AnyBehaviour): AnyBehaviour => ({
    ...given,
    run(state, input, out, access) {
      if (input.kind === "message" && input.envelope.type === "memory.granted") {
        const { body, target } = input.envelope;
        const bytes = kept.get(target);
        if (bytes !== undefined && "grants" in body && "tag" in body && body.tag === "wake") {
          let at = 0;
          for (const { start, length } of body.grants) {
            access.write(start, bytes.subarray(at, at + length));
            at += length;
          }
        }
      }
      return given.run(state, input, out, access);
    },
  });
  const writable = alterOut({
    body: (type, body) =>
      type === "memory.acquire" && "tag" in body && body.tag === "wake"
        ? { ...body, write: true }
        : body,
  });
  return {
    procedures: alterStep(
      "machine_kexec",
      "state pages",
      (step) =>
        afterwards(step, (kernel, _vars, _answer, access) => {
          const { state } = layoutOf(kernel);
          const start = state.pfn * PAGE_BYTES;
          const pages = access.writable(start, state.count * PAGE_BYTES);
          kept.set(kernel.name, pages.slice());
          pages.fill(0, STATE_HEADER_BYTES);
        }),
    ),
    behaviours: { kernel: (given) => writable(wake(given)) },
  };
}

const MEMORY: readonly Sabotage[] = [
  {
    name: "source page rule skipped",
    says: "A source page of the loaded image is another page's destination.",
    rules: ["F21"],
    make: () => ({
      procedures: alterStep("sys_kexec_load", "checks", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          const pages = vars["pages"];
          const image = kernel.state.image;
          if (Array.isArray(pages) && image === null && kernel.name === "A") {
            // The first segment is the low memory, one destination after the other.
            const low = pages.find((list) => Array.isArray(list) && list.length > 1);
            if (Array.isArray(low)) low[0] = low.length - 1;
          }
          return wanted;
        },
      })),
    }),
  },
  {
    name: "swapped once",
    says: "On the way back the second walk of the entry list is left out.",
    rules: ["F22", "F23"],
    make: () => ({
      behaviours: {
        cpu: alterOut({
          body: (type, body, state) =>
            type === "memory.exchange" && cpuJob(state)?.vars["direction"] === "back"
              ? { ...body, pairs: "" }
              : body,
          fact: (name, fields) =>
            name === "swap" && "walk" in fields && fields.walk === 2 ? undefined : fields,
        }),
      },
    }),
  },
  {
    name: "state outside RAM",
    says: "Kernels keep their state in a variable of the process instead of in their pages.",
    rules: ["F30"],
    run: { apart: true },
    make: outsideRam,
  },
  {
    name: "state pages not written",
    says: "A kernel leaves without having written its state into its pages.",
    rules: ["F97"],
    make: () => ({ procedures: skipStep("machine_kexec", "state pages") }),
  },
  {
    name: "memory map ignored",
    says: "B takes all RAM for its own, not only the window it was given.",
    rules: ["F24"],
    make: () => ({
      procedures: alterStep(
        "boot_parameters",
        "command line",
        (step) =>
          afterwards(step, (kernel) => {
            if (kernel.name === "B") kernel.state.map = kernel.state.firmwareMap;
          }),
      ),
    }),
  },
  {
    name: "one write outside the window",
    says: "B writes one word into the page of A before A's control page.",
    rules: ["F23", "F24"],
    make: () => ({
      procedures: alterSteps("program:save-image", (steps) => [
        {
          name: "stray write",
          run: (kernel) => {
            const entry = Number(jumpBackEntry(kernel.state.commandLine));
            const address = (Math.floor(entry / PAGE_BYTES) - 1) * PAGE_BYTES;
            return ask("memory", "memory.write", { by: kernel.name, address, bytes: "deadbeef" });
          },
        },
        ...steps,
      ]),
    }),
  },
];

const PROCESSOR: readonly Sabotage[] = [
  {
    name: "CPU state forgotten",
    says: "What save_processor_state writes does not hold the registers.",
    rules: ["F30"],
    make: () => ({
      behaviours: {
        cpu: alterOut({
          body: (type, body, state) =>
            type === "memory.write" && "bytes" in body && "address" in body &&
              cpuJob(state)?.step === "context.saved"
              ? { ...body, bytes: body.bytes.replaceAll(/[1-9a-f]/g, "0") }
              : body,
        }),
      },
    }),
  },
  {
    name: "CPU state not restored",
    says: "A kernel that returns goes on with whatever its peer left in the registers.",
    rules: ["F31", "F32"],
    make: () => ({ procedures: skipStep("machine_kexec", "restore_processor_state") }),
  },
  {
    name: "clock not read again",
    says: "A kernel that returns takes the wall clock for what it was when it left.",
    rules: ["F95"],
    make: () => ({
      procedures: alterStep("machine_kexec", "clock", ({ name }) => ({
        name,
        run(kernel) {
          const { clock, realAtClock } = kernel.state;
          kernel.state.clock = { at: kernel.out.now, monotonic: clock.monotonic };
          kernel.fact("clock", { op: "enter", monotonic: clock.monotonic, real: realAtClock });
          return next;
        },
      })),
    }),
  },
  {
    name: "secondary CPUs left online",
    says: "The other processors are not taken offline before the jump.",
    rules: ["F33"],
    run: { cpus: 2 },
    make: () => ({
      procedures: both(
        skipStep("kernel_kexec_2.6.27", "suspend_disable_secondary_cpus"),
        skipStep("kernel_kexec_6.1", "suspend_disable_secondary_cpus"),
      ),
    }),
  },
  {
    name: "interrupts left on",
    says: "Interrupts are not switched off before the jump.",
    rules: ["F32"],
    make: () => ({ procedures: skipStep("kernel_kexec_2.6.27", "local_irq_disable") }),
  },
  {
    name: "IO-APIC left alone",
    says: "The IO-APIC is not put into legacy mode before the jump.",
    rules: ["F96"],
    make: () => ({ procedures: skipStep("machine_kexec", "legacy interrupts") }),
  },
  {
    name: "allocation too late",
    says: "A kernel takes a page behind the point of no return.",
    rules: ["F97"],
    make: () => ({
      procedures: alterStep("machine_kexec", "legacy interrupts", (step) => ({
        ...step,
        run(kernel, vars) {
          kernel.allocate({ pages: 1, flags: FRAME.kernel, owner: 0 });
          return step.run(kernel, vars);
        },
      })),
    }),
  },
];

const KERNEL: readonly Sabotage[] = [
  {
    name: "devices not frozen",
    says: "The network card goes on with its transfers after the freeze.",
    rules: ["F37"],
    run: { brokenNetwork: true },
    make: () => ({}),
  },
  {
    name: "late phase left out",
    says: "Devices go through freeze, but neither through freeze_late nor through freeze_noirq.",
    rules: ["F34", "F35"],
    make: () => ({
      procedures: both(
        skipStep("kernel_kexec_2.6.27", "syscore_suspend"),
        skipStep("kernel_kexec_2.6.27", "dpm_suspend_end"),
      ),
    }),
  },
  {
    name: "parents frozen first",
    says: "Devices freeze in the order in which they were found.",
    rules: ["F36"],
    make: () => ({
      procedures: alterStep("probe_devices", "ring", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          kernel.state.drivers.reverse();
          return wanted;
        },
      })),
    }),
  },
  {
    name: "low power for quiesce",
    says: "A device is powered down where it should only stand still.",
    rules: ["F38"],
    make: () => ({
      behaviours: {
        network: alterInput((input) => {
          if (input.kind !== "message" || input.envelope.type !== "device.phase") return input;
          const { envelope } = input;
          const { body } = envelope;
          if (!("phase" in body) || body.phase !== "freeze_noirq") return input;
          return {
            kind: "message",
            envelope: { ...envelope, body: { ...body, phase: "poweroff_noirq" } },
          };
        }),
      },
    }),
  },
  {
    name: "thaw for restore",
    says: "After the return devices are brought up with THAW.",
    rules: ["F39"],
    make: () => ({
      procedures: alterSteps("dpm_resume_end", (steps) =>
        steps.map((step) => ({
          ...step,
          run: () => call("dpm_phase", { phase: step.name, event: "THAW" }),
        }))),
    }),
  },
  {
    name: "registers not brought back",
    says: "On restore a driver programs its device as if it had just been found.",
    rules: ["F30"],
    make: () => ({
      procedures: alterStep("dpm_phase", "each", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          if (wanted.do !== "ask" || !("registers" in wanted.body)) return wanted;
          return { ...wanted, body: { ...wanted.body, registers: { ringSize: 1 } } };
        },
      })),
    }),
  },
  {
    name: "console not restored",
    says: "The console stays as the jump needed it.",
    rules: ["F45"],
    make: () => ({ procedures: neverUndo("kernel_kexec_2.6.27", "pm_prepare_console") }),
  },
  {
    name: "lock not released",
    says: "The kexec lock is kept after the return.",
    rules: ["F04"],
    make: () => ({ procedures: neverUndo("kernel_kexec_2.6.27", "lock") }),
  },
];

/** Writing back asks the clock where it should have asked for a flush: nothing is flushed. */
function withoutFlush(procedure: string, k?: string): Alteration {
  return alterStep(procedure, "flush", (step) => ({
    ...step,
    run: (kernel, vars) =>
      k === undefined || kernel.name === k ? ask("rtc", "rtc.read", {}) : step.run(kernel, vars),
  }));
}

/** Frames with a flag in the page-frame table that an answer's grants cover. */
function framesWith(flag: number, answer: Plain, access: Access): PageRun[] {
  const found: number[] = [];
  let pfn = 0;
  for (const { start, length } of grantsOf(answer)) {
    const table = access.read(start, length);
    for (let at = 0; at < length; at += FRAME_BYTES) {
      if (((table[at] ?? 0) & flag) !== 0) found.push(pfn);
      pfn++;
    }
  }
  return toRuns(found);
}

const dropPages = (pages: (answer: Plain, access: Access) => PageRun[]): Alteration =>
  alterStep("dump_write", "table", (step) =>
    afterwards(step, (_kernel, vars, answer, access) => {
      const kept = readAs(RUNS, vars["kept"]);
      vars["kept"] = plainRuns(subtract(kept, pages(answer, access)));
    }));

const IMAGE: readonly Sabotage[] = [
  {
    name: "one page not saved",
    says: "The saver leaves out the page behind A's page-frame table.",
    rules: ["F23", "F46", "F47"],
    make: () => ({
      procedures: dropPages((answer) => {
        const last = grantsOf(answer).at(-1);
        const end = (last?.start ?? 0) + (last?.length ?? 0);
        return [{ pfn: Math.ceil(end / PAGE_BYTES), count: 1 }];
      }),
    }),
  },
  {
    name: "used pages taken for free",
    says: "The filter for free pages leaves out those of processes too.",
    rules: ["F23", "F46", "F47"],
    run: { processPages: 2000 },
    make: () => ({
      procedures: alterStep("program:save-image", "entry", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          vars["level"] = numberOf(vars["level"]) | DUMP_LEVEL.user;
          return wanted;
        },
      })),
    }),
  },
  {
    name: "window not saved",
    says: "The saver takes the pages of A's loaded image for nobody's and leaves them out.",
    rules: ["F23", "F50"],
    make: () => ({
      procedures: dropPages((answer, access) => framesWith(FRAME.kimage, answer, access)),
    }),
  },
  {
    name: "wrong jump-back entry",
    says: "The saver writes down another address than the one that A left on the stack.",
    rules: ["F25", "F97"],
    make: () => ({
      procedures: alterStep("program:save-image", "entry", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          vars["entry"] = `0x${(Number(textOf(vars["entry"])) + 0x40).toString(16)}`;
          return wanted;
        },
      })),
    }),
  },
  {
    name: "flush lost",
    says: "Writing back does not flush the disk's cache.",
    rules: ["F52", "F53"],
    make: () => ({ procedures: both(withoutFlush("fs_sync"), withoutFlush("fs_unmount")) }),
  },
  {
    name: "invalidation not flushed",
    says: "The resuming kernel leaves the image's invalidation in the disk's cache.",
    rules: ["F60"],
    make: () => ({
      procedures: both(withoutFlush("fs_sync", "C"), withoutFlush("fs_unmount", "C")),
    }),
  },
  {
    name: "commit before the flush",
    says: "The image gets its name before its pages are on the medium.",
    rules: ["F52"],
    make: () => ({
      procedures: alterSteps(
        "program:save-image",
        (steps) =>
          moveBefore(steps, ["rename", "commit"], "write sums")
            .filter(({ name }) => name !== "sync image"),
      ),
    }),
  },
  {
    name: "off without a commit",
    says: "The machine is switched off before the image has its name.",
    rules: ["F53"],
    make: () => ({
      procedures: both(
        skipStep("program:save-image", "rename"),
        skipStep("program:save-image", "commit"),
      ),
    }),
  },
  {
    name: "image used twice",
    says: "The image stays valid after a resume, and is resumed once more.",
    rules: ["F60", "F61"],
    run: { again: true },
    make: () => ({
      procedures: alterStep("program:restore-image", "invalidate", ({ name }) => ({
        name,
        run: () => goto("unmount"),
      })),
    }),
  },
  {
    name: "C mounts A's root",
    says: "The resuming kernel mounts the file system that A has mounted.",
    rules: ["F58", "F59"],
    make: () => ({
      procedures: alterSteps("program:restore-image", (steps) => [
        {
          name: "root",
          run: () => call("fs_mount", { path: "/a", partition: 2, readOnly: false }),
          then: () => next,
        },
        ...steps,
      ]),
    }),
  },
  {
    name: "S4 told to the firmware",
    says: "The firmware is told to prepare for S4 where the machine is just switched off.",
    rules: ["F87"],
    make: () => ({
      procedures: alterStep("power_off", "_PTS", ({ name }) => ({
        name,
        run: (kernel) =>
          ask("firmware", "acpi.evaluate", { by: kernel.name, method: "_PTS", argument: 4 }),
      })),
    }),
  },
];

/** All of them. */
export const SABOTAGE: readonly Sabotage[] = [...MEMORY, ...PROCESSOR, ...KERNEL, ...IMAGE];
