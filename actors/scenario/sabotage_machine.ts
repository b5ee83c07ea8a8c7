/**
 * The sabotage table's entries about memory and processor: pages, walks, registers, clock.
 *
 * @module
 */
import type { AnyBehaviour } from "../../machine/actor.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { STATE_HEADER_BYTES } from "../../machine/formats/kernel_state_header.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { layoutOf } from "../kernel/boot.ts";
import { ask, next } from "../kernel/procedure.ts";
import { jumpBackEntry } from "../programs/save_image.ts";
import {
  afterwards,
  type Alteration,
  alterOut,
  alterStep,
  alterSteps,
  both,
  cpuJob,
  type Sabotage,
  skipStep,
  type Wrapper,
} from "./sabotage_tools.ts";

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

/** Entries about memory. */
export const MEMORY_SABOTAGE: readonly Sabotage[] = [
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

/** Entries about the processor. */
export const PROCESSOR_SABOTAGE: readonly Sabotage[] = [
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
