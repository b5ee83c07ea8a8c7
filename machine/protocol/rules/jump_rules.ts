/**
 * Rules of the jump itself: the entry list and its walks, the word on the stack, the entries
 * (protocol.md C.4, C.5, C.7).
 *
 * @module
 */
import type { Rule, RuleRun } from "../../conformance/rule.ts";
import {
  formatPairRuns,
  intersect,
  type PageRun,
  type PairRun,
  parseRuns,
} from "../../formats/page_runs.ts";
import { isZero, sameNumber } from "./hex.ts";
import { destinationsOf, pageText, pairsOf, sortedPairs } from "./page_text.ts";
import { PerKernel } from "./per_kernel.ts";

/** First source page that is a destination of another page. */
function strayedSource(
  pairs: readonly PairRun[],
  destinations: readonly PageRun[],
): number | undefined {
  for (const { destination, source, count } of pairs) {
    if (destination === source) continue;
    const [common] = intersect([{ pfn: source, count }], destinations);
    if (common !== undefined) return common.pfn;
  }
  return undefined;
}

const PLACEMENT: Rule = {
  id: "F21",
  severity: "error",
  statement: "A source page is its own destination or no destination at all; control, swap and " +
    "indirection pages are never destinations",
  source: "protocol.md F.1 F21, C.4 I1-I2 (6.1)",
  systems: "VGM",
  kind: "never",
  open(context) {
    return {
      facts: {
        kimage(image, event) {
          const pairs = pairsOf(context, image.pairs, event);
          if (pairs === undefined) return;
          const destinations = destinationsOf(pairs);
          const source = strayedSource(pairs, destinations);
          if (source !== undefined) {
            context.violated(
              `kernel ${image.k}: source ${pageText(source)} is another page's destination`,
            );
            return;
          }
          for (const what of ["control", "swap", "indirection"] as const) {
            const [common] = intersect(parseRuns(image[what]), destinations);
            if (common === undefined) continue;
            context.violated(
              `kernel ${image.k}: ${what} ${pageText(common.pfn)} is a destination`,
            );
            return;
          }
          context.held();
        },
      },
    };
  },
};

interface Walks {
  /** Pairs of the loaded image in one spelling, where the trace gave them. */
  image: string | undefined;
  head: string | undefined;
  /** Walks since the point of no return; -1 while the kernel is not under way. */
  count: number;
  /** Something could not be compared, or was already found wrong. */
  spoiled: boolean;
}

function spelled(pairs: readonly PairRun[] | undefined): string | undefined {
  return pairs === undefined ? undefined : formatPairRuns(sortedPairs(pairs));
}

/** Why a walk is not the walk of this image. */
function walkFault(
  walks: Walks,
  walk: { readonly head: string; readonly count: number },
  pairs: readonly PairRun[],
): string | undefined {
  if (spelled(pairs) !== walks.image) return "other pairs than the loaded image has";
  if (walks.head !== undefined && !sameNumber(walks.head, walk.head)) return "another list";
  const count = pairs.reduce((sum, run) => sum + run.count, 0);
  return count === walk.count ? undefined : `${walk.count} exchanges for ${count} pairs`;
}

const SAME_LIST_TWICE: Rule = {
  id: "F22",
  severity: "error",
  statement: "Between a preserving jump and its return the pairs of the loaded image are " +
    "exchanged exactly twice, the same pairs both times",
  source: "protocol.md F.1 F22, C.5 (6.1)",
  systems: "VGM",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel<Walks>(() => ({
      image: undefined,
      head: undefined,
      count: -1,
      spoiled: false,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        kimage({ k, slot, pairs }, event) {
          if (slot === "default") kernels.of(k).image = spelled(pairsOf(context, pairs, event));
        },
        point_of_no_return({ k, preserve }) {
          // Not judged: pairs that are not known, and a jump-back helper, which has none.
          const walks = kernels.of(k);
          const isJudged = preserve && walks.image !== undefined && walks.image !== "";
          const count = isJudged ? 0 : -1;
          Object.assign(walks, { count, head: undefined, spoiled: false });
        },
        swap(walk, event) {
          const walks = kernels.of(walk.k);
          if (walks.count < 0) return;
          walks.count++;
          const pairs = pairsOf(context, walk.pairs, event);
          if (pairs === undefined) {
            walks.spoiled = true;
            return;
          }
          const fault = walkFault(walks, walk, pairs);
          walks.head ??= walk.head;
          if (fault === undefined) return;
          walks.spoiled = true;
          context.violated(`walk ${walks.count} of kernel ${walk.k}'s list has ${fault}`);
        },
        jump({ from }) {
          const walks = kernels.known(from);
          if (walks === undefined || walks.count < 0 || walks.count === 1) return;
          walks.spoiled = true;
          context.violated(`kernel ${from} jumps after ${walks.count} walks of its list, not 1`);
        },
        resumed({ k }) {
          const walks = kernels.of(k);
          if (walks.count < 0) return;
          if (walks.count !== 2) {
            if (!walks.spoiled) {
              context.violated(`kernel ${k} goes on after ${walks.count} walks of its list, not 2`);
            }
          } else if (!walks.spoiled) context.held();
          walks.count = -1;
        },
      },
    };
  },
};

const RETURN_ENTRY: Rule = {
  id: "F25",
  severity: "error",
  statement:
    "A kernel that jumped is entered again at the address its own call left on the stack, " +
    "the same that the tools load with its image",
  source: "protocol.md F.1 F25, C.7 (jump-back entry)",
  systems: "VM",
  kind: "matches",
  open(context) {
    const entries = new Map<string, string>();
    // Entry of the image each kernel has loaded last.
    const loaded = new Map<string, string>();
    // Entered elsewhere than at its entry: wrong, unless what begins there is a new kernel.
    let stray: { readonly k: string; readonly reason: string; readonly seq: number } | undefined;
    const judge = () => {
      if (stray !== undefined) context.violated(stray.reason, stray.seq);
      stray = undefined;
    };
    return {
      facts: {
        boot({ k }) {
          if (stray?.k === k) stray = undefined;
          entries.delete(k);
          loaded.delete(k);
        },
        load({ k, slot, entry, result }) {
          if (slot === "default" && result === 0) loaded.set(k, entry);
        },
        image({ k, op, of }) {
          const entry = loaded.get(k);
          const wanted = of === undefined ? undefined : entries.get(of);
          if (op !== "load" || entry === undefined || wanted === undefined) return;
          if (sameNumber(wanted, entry)) return;
          context.violated(`kernel ${k} loads ${of} with entry ${entry}, its entry is ${wanted}`);
        },
        jump({ from, to, entry, preserve, word }, { seq }) {
          judge();
          const wanted = entries.get(to);
          if (wanted !== undefined && entry !== undefined) {
            entries.delete(to);
            const reason = `kernel ${to} is entered at ${entry}, its entry is ${wanted}`;
            if (sameNumber(wanted, entry)) context.held();
            else stray = { k: to, reason, seq };
          }
          if (preserve && word !== undefined) entries.set(from, word);
        },
        resumed: judge,
        power: judge,
      },
      end: judge,
    };
  },
};

const IMAGE_START: Rule = {
  id: "F26",
  severity: "error",
  statement:
    "After a return the image's start is the word that was read at SP, and the next exec " +
    "enters there",
  source: "protocol.md F.1 F26, C.7 steps 15 and 20",
  systems: "VM",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      word: undefined as string | undefined,
      start: undefined as string | undefined,
    }));
    const reload = ({ k, result }: { readonly k: string; readonly result: number }) => {
      if (result === 0) kernels.of(k).start = undefined;
    };
    const compare = (k: string, what: string, got: string, wanted: string | undefined) => {
      if (wanted === undefined) return;
      if (sameNumber(got, wanted)) context.held();
      else context.violated(`kernel ${k}: ${what} is ${got}, not ${wanted}`);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        load: reload,
        unload: reload,
        jump({ to, word }) {
          kernels.of(to).word = word;
        },
        resumed({ k, peer }) {
          if (peer !== undefined) compare(k, "the word it read", peer, kernels.of(k).word);
        },
        image_start({ k, start }) {
          const state = kernels.of(k);
          compare(k, "its image's start", start, state.word);
          state.start = start;
        },
        exec({ k, loaded, start }) {
          if (loaded) compare(k, "the start it executes", start, kernels.of(k).start);
        },
      },
    };
  },
};

/** A fold over the jumps that a kernel made by exec. */
function execJumps(
  judge: (jump: { from: string; preserve: boolean; word: string }) => void,
): RuleRun {
  const callers = new Set<string>();
  return {
    facts: {
      boot: ({ k }) => void callers.delete(k),
      exec: ({ k }) => void callers.add(k),
      exec_done: ({ k }) => void callers.delete(k),
      jump(jump) {
        const { from, preserve, word } = jump;
        if (callers.delete(from) && word !== undefined) judge({ from, preserve, word });
      },
    },
  };
}

const STACK_WORD: Rule = {
  id: "F28",
  severity: "error",
  statement: "The word at SP is not 0 where an exec preserves its kernel, and 0 where it does not",
  source: "protocol.md F.1 F28, C.7 (6.1)",
  systems: "VM",
  kind: "matches",
  open(context) {
    return execJumps(({ from, preserve, word }) => {
      if (isZero(word) !== preserve) context.held();
      else {
        context.violated(
          `kernel ${from} leaves by a ${preserve ? "preserving" : "plain"} jump with ${word} at SP`,
        );
      }
    });
  },
};

const ENTRY_ON_COMMAND_LINE: Rule = {
  id: "F29",
  severity: "error",
  statement: "A kernel entered by exec has kexec_jump_back_entry= on its command line, with the " +
    "word at SP, exactly when that word is not 0",
  source: "protocol.md F.1 F29, B.4.3 step 5, C.7 P4",
  systems: "VM",
  kind: "matches",
  open(context) {
    let word: string | undefined;
    const base = execJumps((jump) => {
      word = jump.word;
    });
    return {
      facts: {
        ...base.facts,
        power: () => {
          word = undefined;
        },
        resumed: () => {
          word = undefined;
        },
        boot(boot, event) {
          base.facts?.boot?.(boot, event);
          if (word === undefined) return;
          const given = /(?:^|\s)kexec_jump_back_entry=(\S*)/.exec(boot.cmdline)?.[1];
          const fits = isZero(word)
            ? given === undefined
            : given !== undefined && sameNumber(given, word);
          if (fits) context.held();
          else {
            context.violated(
              `kernel ${boot.k} was entered with ${word} at SP and got ` +
                (given === undefined ? "no entry" : `entry ${given}`),
            );
          }
          word = undefined;
        },
      },
    };
  },
};

/** Rules F21 to F29 without those of memory and tools. */
export const JUMP_RULES: readonly Rule[] = [
  PLACEMENT,
  SAME_LIST_TWICE,
  RETURN_ENTRY,
  IMAGE_START,
  STACK_WORD,
  ENTRY_ON_COMMAND_LINE,
];
