/**
 * Rules of what kimgcore is for: a hibernating kernel that has booted already (protocol.md
 * B.2.2, B.2.3, B.3.4).
 *
 * @module
 */
import { mergeFacts } from "../../conformance/merge.ts";
import type { FactHandlers, Rule } from "../../conformance/rule.ts";
import type { PairRun } from "../../formats/page_runs.ts";
import { wordsOf } from "./command_line.ts";
import { framesOf, LOOSE } from "./frames.ts";
import { plainHex } from "./hex.ts";
import { pageText, pairsOf } from "./page_text.ts";
import { PerKernel } from "./per_kernel.ts";

/** Whether two frames have one CRC-32, each as its blob has it. */
function sameSum(left: Uint8Array, pfn: number, right: Uint8Array, other: number): boolean {
  for (let index = 0; index < 4; index++) {
    if (left[pfn * 4 + index] !== right[other * 4 + index]) return false;
  }
  return true;
}

/** What the kernels in a window left there, and what their owner then found in its source pages. */
interface Kept {
  pairs: readonly PairRun[] | undefined;
  /** Of the kernel in the window at its jump: sums and classes. */
  left: Uint8Array | undefined;
  classes: Uint8Array | undefined;
  /** What is wrong with the source pages; "" where all is well; undefined while not known. */
  fault: string | undefined;
}

function compare({ pairs, left, classes }: Kept, found: Uint8Array): string | undefined {
  if (pairs === undefined || left === undefined || classes === undefined) return undefined;
  let compared = 0;
  for (const { destination, source, count } of pairs) {
    for (let index = 0; index < count; index++) {
      if (((classes[destination + index] ?? LOOSE) & LOOSE) !== 0) continue;
      compared++;
      if (sameSum(left, destination + index, found, source + index)) continue;
      return `${pageText(source + index)} is not what ${pageText(destination + index)} was`;
    }
  }
  return compared === 0 ? undefined : "";
}

const SAME_WINDOW: Rule = {
  id: "F11",
  severity: "error",
  statement: "After a jump there and back kimgcore has the window as the other kernel left it",
  source: "protocol.md F.1 F11, C.5 (the source pages that the file is read from)",
  systems: "G",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel<Kept>(() => ({
      pairs: undefined,
      left: undefined,
      classes: undefined,
      fault: undefined,
    }));
    let away: string | undefined;
    const owner = (k: string) => away === undefined || away === k ? undefined : kernels.of(away);
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        power: () => void (away = undefined),
        kimage({ k, slot, pairs }, event) {
          if (slot !== "default") return;
          Object.assign(kernels.of(k), { pairs: pairsOf(context, pairs, event), fault: undefined });
        },
        jump({ from, preserve }) {
          // The first of a pair to leave is the one whose image gives the window.
          const pairs = kernels.known(from)?.pairs;
          if (preserve && pairs !== undefined && pairs.length > 0) away = from;
        },
        frames(fact, event) {
          if (fact.when === "jump") {
            const state = owner(fact.k);
            if (state !== undefined) state.left = framesOf(context, fact, event, 4);
          } else if (fact.k === away) {
            const state = kernels.of(fact.k);
            const found = framesOf(context, fact, event, 4);
            state.fault = found === undefined ? undefined : compare(state, found);
          }
        },
        frame_classes(fact, event) {
          const state = fact.when === "jump" ? owner(fact.k) : undefined;
          if (state !== undefined) state.classes = framesOf(context, fact, event, 1);
        },
        kimgcore({ k, op, result }) {
          const fault = kernels.known(k)?.fault;
          if (op !== "open" || result !== 0 || fault === undefined) return;
          if (fault === "") context.held();
          else context.violated(`kernel ${k} offers a window that is not the peer's: ${fault}`);
        },
      },
    };
  },
};

/** Which kernels have loaded what was read from kimgcore: by the tool's words or by the entry. */
class Loads {
  readonly facts: FactHandlers;
  readonly #entries: Set<string> = new Set();
  readonly #loaded: Map<string, boolean> = new Map();

  constructor() {
    this.facts = {
      boot: ({ k }) => void this.#loaded.delete(k),
      kimgcore: ({ op, result, entry }) => {
        if (op === "open" && result === 0 && entry !== undefined) {
          this.#entries.add(plainHex(entry));
          // An entry is where a kernel jumped from: there are few, and old ones are of no use.
          const [oldest] = this.#entries;
          if (this.#entries.size > 64 && oldest !== undefined) this.#entries.delete(oldest);
        }
      },
      load: ({ k, slot, entry, segments, result }) => {
        if (slot !== "default" || result !== 0) return;
        this.#loaded.set(k, segments > 0 && this.#entries.has(plainHex(entry)));
      },
      unload: ({ k, result }) => {
        if (result === 0) this.#loaded.delete(k);
      },
      tool: ({ k, program, arguments: line, status }) => {
        const words = wordsOf(line);
        if (program !== "kexec" || status !== 0 || !words.includes("-l")) return;
        if (words.some((word) => word.endsWith("kimgcore"))) this.#loaded.set(k, true);
      },
    };
  }

  isFrom(k: string): boolean {
    return this.#loaded.get(k) ?? false;
  }
}

const NO_BOOT: Rule = {
  id: "F12",
  severity: "error",
  statement: "A jump into a loaded kimgcore resumes the kernel in it, which does not boot",
  source: "protocol.md F.1 F12, B.3.4",
  systems: "G",
  kind: "matches",
  open(context) {
    const loads = new Loads();
    let entered: string | undefined;
    return {
      facts: mergeFacts(loads.facts, {
        power: () => void (entered = undefined),
        jump({ from, to, preserve }) {
          entered = preserve && loads.isFrom(from) ? to : undefined;
        },
        boot({ k }) {
          if (entered === undefined) return;
          entered = undefined;
          context.violated(`kernel ${k} boots where the one in kimgcore should go on`);
        },
        resumed({ k }) {
          if (k === entered) context.held();
          entered = undefined;
        },
      }),
    };
  },
};

const REBUILT: Rule = {
  id: "F13",
  severity: "error",
  statement: "A kimgcore that was prepared on other hardware is not used but made anew",
  source: "protocol.md F.1 F13, B.2.2, B.2.5",
  systems: "G",
  kind: "never",
  open(context) {
    const loads = new Loads();
    let prepared: string | undefined;
    let changed: boolean | undefined;
    const rebuilt = () => {
      if (changed === true) context.held();
      changed = undefined;
    };
    return {
      facts: mergeFacts(loads.facts, {
        hardware({ at, signature, map }) {
          const found = `${signature} ${map}`;
          if (at === "prepare") {
            rebuilt();
            prepared = found;
          } else if (prepared !== undefined) changed = found !== prepared;
        },
        exec({ k, loaded }) {
          if (!loaded || !loads.isFrom(k) || changed === undefined) return;
          if (changed) context.violated(`kernel ${k} uses a kimgcore of other hardware`);
          else context.held();
          changed = undefined;
        },
        power: rebuilt,
      }),
      end: rebuilt,
    };
  },
};

/** Rules F11 to F13. */
export const KIMGCORE_USE_RULES: readonly Rule[] = [SAME_WINDOW, NO_BOOT, REBUILT];
