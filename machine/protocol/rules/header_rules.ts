/**
 * Rules of the look at an image's header before anything of it is used (protocol.md B.5.7 to
 * B.5.9, E.5).
 *
 * @module
 */
import type { FactHandlers, Rule, RuleContext, RuleRun } from "../../conformance/rule.ts";
import type { Fact } from "../facts.ts";
import { sameNumber } from "./hex.ts";
import { ERRNO } from "./load_table.ts";
import { PerKernel } from "./per_kernel.ts";

type Check = Fact<"header_check">;
type What = Check["what"];

/** What an error code of a header check must be; more than one where systems differ. */
interface Wanted {
  readonly what: What;
  /** Allowed results where stored and found differ. */
  readonly differing: (check: Check) => readonly number[];
  /** In words, for the report. */
  readonly name: string;
}

function differs({ stored, found }: Check): boolean {
  if (stored === undefined || found === undefined) return false;
  return stored !== found && !(isNumber(stored) && isNumber(found) && sameNumber(stored, found));
}

function isNumber(text: string): boolean {
  return /^(?:0x)?[0-9a-f]+$/i.test(text);
}

/** What a kernel may not do with an image whose header it refused. */
function notUsed(context: RuleContext, refused: Map<string, string>): FactHandlers {
  const uses = (k: string, what: string) => {
    const why = refused.get(k);
    if (why === undefined) return;
    refused.delete(k);
    context.violated(`kernel ${k} ${what} although ${why}`);
  };
  return {
    boot: ({ k }) => void refused.delete(k),
    power: () => refused.clear(),
    loader_pages: ({ k }) => uses(k, "loads pages"),
    final_copy: ({ k }) => uses(k, "puts pages in place"),
    image({ k, op }) {
      if (op === "load") uses(k, "loads the image");
    },
  };
}

/** Whether a kernel begins to look at an image anew: somebody has put the signature back. */
function beginsAnew({ what, result }: Check): boolean {
  return what === "signature" && result === 0;
}

/** A rule about one comparison: the error it gives, and that nothing is used after it. */
function comparison(wanted: Wanted): (context: RuleContext) => RuleRun {
  return (context) => {
    const refused = new Map<string, string>();
    return {
      facts: {
        ...notUsed(context, refused),
        header_check(check) {
          if (beginsAnew(check)) refused.delete(check.k);
          if (check.what !== wanted.what) return;
          const { k, stored, found, result } = check;
          // A recording says what came of it, not what was compared.
          const unknown = stored === undefined || found === undefined;
          const allowed = [
            ...(unknown || !differs(check) ? [0] : []),
            ...(unknown || differs(check) ? wanted.differing(check) : []),
          ];
          if (result !== 0) refused.set(k, `${wanted.name} is ${stored}, not ${found}`);
          if (allowed.includes(result)) context.held();
          else {
            context.violated(
              `kernel ${k} finds ${wanted.name} ${stored} and ${found}: ${result}, not ${
                allowed.join(" or ")
              }`,
            );
          }
        },
      },
    };
  };
}

const SIGNATURE: Rule = {
  id: "F63",
  severity: "error",
  statement: "Without the image's signature the look gives EINVAL, the boot goes on and no " +
    "memory is touched",
  source: "protocol.md F.1 F63, B.5.7 step 3",
  systems: "S",
  kind: "matches",
  needs: ["header_check", "image.load"],
  open: comparison({ what: "signature", name: "the signature", differing: () => [ERRNO.EINVAL] }),
};

/** In which order a loader looks: the arch's record, the memory map, the count of pages. */
const RANK: { readonly [W in What]?: number } = { magic: 1, control: 1, e820: 2, memory: 3 };

const BEFORE_PAGES: Rule = {
  id: "F64",
  severity: "error",
  statement: "The header is compared before any page is loaded: the magic, the memory map, the " +
    "number of pages; a difference comes back as EPERM",
  source: "protocol.md F.1 F64, B.5.7 step 5, B.5.9",
  systems: "S",
  kind: "always-before",
  needs: ["header_check", "resume_attempt"],
  open(context) {
    const kernels = new PerKernel(() => ({ rank: 0, failed: false, arch: 0 }));
    const loads = (k: string) => {
      const { rank, failed } = kernels.of(k);
      if (failed) context.violated(`kernel ${k} loads pages of an image that does not fit`);
      else if (rank < 3) context.violated(`kernel ${k} loads pages before it compared the header`);
      else context.held();
      kernels.forget(k);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        header_check(check) {
          const { k, what, result } = check;
          if (beginsAnew(check)) kernels.forget(k);
          const rank = RANK[what];
          if (rank === undefined) return;
          const state = kernels.of(k);
          if (rank < state.rank) context.violated(`kernel ${k} compares ${what} too late`);
          state.rank = Math.max(rank, state.rank);
          if (result === 0) return;
          state.failed = true;
          // The count of pages is the loader's own check; what the arch says it turns into EPERM.
          if (what !== "memory") return;
          if (result === ERRNO.EPERM) context.held();
          else context.violated(`kernel ${k} finds another number of pages: ${result}, not EPERM`);
        },
        loader_pages: ({ k }) => loads(k),
        resume_attempt({ k, read, result }) {
          if (!read || !kernels.of(k).failed) return;
          kernels.forget(k);
          if (result === ERRNO.EPERM) context.held();
          else {context.violated(
              `kernel ${k}: a header that does not fit gave ${result}, not EPERM`,
            );}
        },
      },
    };
  },
};

const CONTROL_WORD: Rule = {
  id: "F65",
  severity: "error",
  statement: "The record's control word is its jump address XOR 0x0123456789ABCDEF, else EINVAL",
  source: "protocol.md F.1 F65, B.5.8 (restore)",
  systems: "S",
  kind: "matches",
  open: comparison({ what: "control", name: "the control word", differing: () => [ERRNO.EINVAL] }),
};

const RECORD_FITS: Rule = {
  id: "F66",
  severity: "error",
  statement: "Saving the record into less room than it takes gives EOVERFLOW",
  source: "protocol.md F.1 F66, B.5.8 (save)",
  systems: "S",
  kind: "matches",
  open: (context) => ({
    facts: {
      header_save({ k, room, needed, result }) {
        const wanted = room < needed ? ERRNO.EOVERFLOW : 0;
        if (result === wanted) context.held();
        else {
          context.violated(
            `kernel ${k} saves ${needed} bytes in room for ${room}: ${result}, not ${wanted}`,
          );
        }
      },
    },
  }),
};

const ANY_VERSION: Rule = {
  id: "F67",
  severity: "error",
  statement: "The kernel in the image may be of another version than the one that loads it, but " +
    "not of another magic",
  source: "protocol.md F.1 F67, B.5.8",
  systems: "S",
  kind: "matches",
  open(context) {
    const refused = new Map<string, string>();
    return {
      facts: {
        ...notUsed(context, refused),
        header_check(check) {
          const { k, what, stored, found, result } = check;
          if (beginsAnew(check)) refused.delete(k);
          if (what === "version") {
            if (result === 0) context.held();
            else context.violated(`kernel ${k} refuses version '${stored}', it is '${found}'`);
          }
          if (what !== "magic") return;
          if (result !== 0) refused.set(k, `its magic is ${stored}, not ${found}`);
          if ((result === 0) !== differs(check)) context.held();
          else context.violated(`kernel ${k} finds magic ${stored} and ${found}: ${result}`);
        },
      },
    };
  },
};

const SAME_MAP: Rule = {
  id: "F68",
  severity: "error",
  statement: "The firmware's memory map at the resume is that of the hibernation, else ENODEV",
  source: "protocol.md F.1 F68, B.5.9",
  systems: "S",
  kind: "matches",
  open: comparison({ what: "e820", name: "the memory map", differing: () => [ERRNO.ENODEV] }),
};

const SAME_HARDWARE: Rule = {
  id: "F69",
  severity: "error",
  statement: "Another hardware signature is refused with EINVAL where it is to be obeyed, and " +
    "else only warned of",
  source: "protocol.md F.1 F69, B.5.7 step 3, E.6.5 step 11",
  systems: "SV",
  kind: "matches",
  open: comparison({
    what: "hardware",
    name: "the hardware signature",
    differing: ({ obeyed }) =>
      obeyed === undefined ? [0, ERRNO.EINVAL] : obeyed ? [ERRNO.EINVAL] : [0],
  }),
};

const SAME_SUM: Rule = {
  id: "F70",
  severity: "error",
  statement: "A loaded stream whose CRC-32 is not the stored one gives ENODATA and is not entered",
  source: "protocol.md F.1 F70, B.5.7 step 5, G.2",
  systems: "S",
  kind: "never",
  needs: ["header_check", "jump"],
  open(context) {
    const refused = new Map<string, string>();
    return {
      facts: {
        boot: ({ k }) => void refused.delete(k),
        power: () => refused.clear(),
        header_check(check) {
          if (beginsAnew(check)) refused.delete(check.k);
          if (check.what !== "crc") return;
          const { k, stored, found, result } = check;
          const unknown = stored === undefined || found === undefined;
          const wanted = differs(check) || (unknown && result !== 0) ? ERRNO.ENODATA : 0;
          if (result !== 0 || wanted !== 0) refused.set(k, `its CRC-32 is ${found}, not ${stored}`);
          if (result === wanted) context.held();
          else context.violated(`kernel ${k} finds CRC-32 ${found} for ${stored}: ${result}`);
        },
        final_copy({ k }) {
          const why = refused.get(k);
          if (why !== undefined) context.violated(`kernel ${k} uses an image although ${why}`);
        },
        jump({ from }) {
          const why = refused.get(from);
          refused.delete(from);
          if (why !== undefined) context.violated(`kernel ${from} enters an image although ${why}`);
        },
        image({ k, op }) {
          if (op === "begin") refused.delete(k);
        },
      },
    };
  },
};

/** Rules F63 to F70. */
export const HEADER_RULES: readonly Rule[] = [
  SIGNATURE,
  BEFORE_PAGES,
  CONTROL_WORD,
  RECORD_FITS,
  ANY_VERSION,
  SAME_MAP,
  SAME_HARDWARE,
  SAME_SUM,
];
