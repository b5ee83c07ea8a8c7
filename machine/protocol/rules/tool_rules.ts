/**
 * Rules of the tools: purgatory's digest and what kexec(8) refuses (protocol.md A.7, B.4.3).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { hasOption, optionValue, wordsOf } from "./command_line.ts";
import { isZero } from "./hex.ts";
import { PerKernel } from "./per_kernel.ts";

const PURGATORY_STOPS: Rule = {
  id: "F101",
  severity: "error",
  statement:
    "Where purgatory finds another digest than the loader's the machine stops and nothing " +
    "is entered",
  source: "protocol.md F.1 F101, B.4.3 step 5",
  systems: "M",
  kind: "never",
  open(context) {
    let state: "idle" | "fits" | "stopped" = "idle";
    const goesOn = (what: string) => {
      if (state === "stopped") context.violated(`${what} although purgatory found a wrong digest`);
      else if (state === "fits") context.held();
      state = "idle";
    };
    const stop = () => {
      if (state === "stopped") context.held();
      state = "idle";
    };
    return {
      facts: {
        purgatory({ expected, actual }) {
          state = expected === actual ? "fits" : "stopped";
        },
        boot: ({ k }) => goesOn(`kernel ${k} boots`),
        jump({ to }) {
          if (state === "stopped") goesOn(`'${to}' is entered`);
        },
        power: stop,
      },
      end: stop,
    };
  },
};

const HELPER_REFUSED: Rule = {
  id: "F102",
  severity: "error",
  statement:
    "kexec loads a jump-back helper only with an entry that is not 0 and while nothing is " +
    "loaded",
  source: "protocol.md F.1 F102, A.7",
  systems: "M",
  kind: "always-before",
  open(context) {
    // What is loaded, and what was when the tool that is running began.
    const kernels = new PerKernel(() => ({ loaded: false, before: false }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        load({ k, slot, segments, result }) {
          if (slot === "default" && result === 0) kernels.of(k).loaded = segments > 0;
        },
        unload({ k, slot, result }) {
          if (slot === "default" && result === 0) kernels.of(k).loaded = false;
        },
        tool({ k, program, arguments: line, status }) {
          const state = kernels.of(k);
          const wasLoaded = state.before;
          state.before = state.loaded;
          const words = wordsOf(line);
          if (program !== "kexec" || !hasOption(words, "--load-jump-back-helper")) return;
          const entry = optionValue(words, "--entry") ?? "0x0";
          const reason = wasLoaded ? "an image was loaded" : isZero(entry) ? "its entry is 0" : "";
          if (reason !== "" && status === 0) {
            context.violated(`kernel ${k}: a helper was loaded although ${reason}`);
          } else if (reason !== "" || status === 0) context.held();
        },
      },
    };
  },
};

const PRESERVE_NEEDS_RANGE: Rule = {
  id: "F103",
  severity: "error",
  statement: "kexec refuses --load-preserve-context without --mem-max and with kexec_file_load",
  source: "protocol.md F.1 F103, A.7, real recordings fact 12",
  systems: "M",
  kind: "always-before",
  open(context) {
    return {
      facts: {
        tool({ k, program, arguments: line, status }) {
          const words = wordsOf(line);
          if (program !== "kexec" || !hasOption(words, "--load-preserve-context")) return;
          const reason = !hasOption(words, "--mem-max")
            ? "without --mem-max"
            : hasOption(words, "-s", "--kexec-file-syscall")
            ? "with kexec_file_load"
            : "";
          if (reason !== "" && status === 0) {
            context.violated(`kernel ${k}: kexec loaded a preserving image ${reason}`);
          } else if (reason !== "" || status === 0) context.held();
        },
      },
    };
  },
};

/** Rules F101 to F103. */
export const TOOL_RULES: readonly Rule[] = [PURGATORY_STOPS, HELPER_REFUSED, PRESERVE_NEEDS_RANGE];
