/**
 * Reads a transcript. Every mistake is an error with file and line; nothing is guessed.
 *
 * @module
 */
import { type Complain, readMachine } from "./machine_block.ts";
import { parseAction, PERSON_FORMS } from "./person_words.ts";
import { type Transcript, TranscriptError, type TranscriptStep } from "./transcript.ts";

/** Lines of a transcript at most, and characters of one. */
const LINES_MAX = 20_000;
const LINE_CHARACTERS_MAX = 8_192;

/** A fenced block. */
interface Block {
  /** Words behind the opening fence. */
  readonly info: readonly string[];
  readonly line: number;
  readonly lines: { readonly text: string; readonly line: number }[];
}

function blocksOf(lines: readonly string[], complain: Complain): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  let fence = "";
  lines.forEach((text, index) => {
    const line = index + 1;
    const mark = /^(`{3,}|~{3,})(.*)$/.exec(text);
    if (open === undefined) {
      if (mark === null) return;
      fence = mark[1] ?? "";
      open = { info: (mark[2] ?? "").trim().split(/\s+/), line, lines: [] };
    } else if (mark !== null && text.trimEnd() === fence) {
      blocks.push(open);
      open = undefined;
    } else open.lines.push({ text, line });
  });
  if (open !== undefined) complain(open.line, "the block that begins here has no end");
  return blocks;
}

/** A prompt at the beginning of a line, and what is typed at it. */
function promptOf(text: string): { readonly kernel: string; readonly typed: string } | undefined {
  const match = /^([A-Z][0-9]*\$|#|>)(?: (.*))?$/.exec(text);
  if (match === null || match[1] === ">") return undefined;
  const kernel = match[1] === "#" ? "" : (match[1] ?? "").slice(0, -1);
  return { kernel, typed: (match[2] ?? "").trim() };
}

/** A line that looks like a prompt of a kind there is not. */
function strangePrompt(text: string): string | undefined {
  return /^([A-Za-z][\w-]*[$#]|\$|root@\S+[$#:]) /.exec(text)?.[1];
}

function stepsOf(block: Block, complain: Complain): TranscriptStep[] {
  const strict = block.info.includes("strict");
  const steps: (TranscriptStep & { expected: string[] })[] = [];
  const lines = [...block.lines];
  while (lines.at(-1)?.text.trim() === "") lines.pop();
  for (const { text, line } of lines) {
    if (text.length > LINE_CHARACTERS_MAX) complain(line, "the line is too long");
    const last = steps.at(-1);
    const typing = promptOf(text);
    if (last !== undefined && last.text.endsWith("\\") && last.expected.length === 0) {
      // A command goes on in the next line, as a shell has it.
      const more = text.replace(/^> ?/, "").trim();
      steps[steps.length - 1] = { ...last, text: `${last.text.slice(0, -1).trimEnd()} ${more}` };
      continue;
    }
    if (typing === undefined) {
      const strange = strangePrompt(text);
      if (last === undefined) {
        complain(
          line,
          strange === undefined
            ? "a console block begins with a prompt: 'A$', 'B$', … or '#'"
            : `unknown prompt '${strange}'; there are 'A$', 'B$', … of kernels and '#' of a person`,
        );
      } else {
        if (strange !== undefined && last.expected.length === 0) {
          complain(
            line,
            `unknown prompt '${strange}'; there are 'A$', 'B$', … of kernels and '#' of the ` +
              "person (an expected line of that form can be written with '…')",
          );
        }
        last.expected.push(text.trimEnd());
      }
      continue;
    }
    if (typing.typed === "") complain(line, "nothing is typed at this prompt");
    const { kernel, typed } = typing;
    steps.push({ line, kernel, text: typed, expected: [], strict });
  }
  return steps.map((step) => withAction(step, complain));
}

function withAction(step: TranscriptStep, complain: Complain): TranscriptStep {
  if (step.kernel !== "") return step;
  try {
    const action = parseAction(step.text);
    if (action !== undefined) return { ...step, action };
  } catch (error) {
    return complain(step.line, error instanceof Error ? error.message : String(error));
  }
  return complain(
    step.line,
    `'${step.text}' is nothing the person can do; there are: ${PERSON_FORMS.join("; ")}`,
  );
}

/** The first sentence of the prose below the first heading. */
function summaryOf(lines: readonly string[]): string {
  const from = lines.findIndex((text) => text.startsWith("# ")) + 1;
  const prose: string[] = [];
  for (const text of lines.slice(from)) {
    const isProse = text.trim() !== "" && !/^(?:```|~~~|#|\||- )/.test(text);
    if (isProse) prose.push(text.trim());
    else if (prose.length > 0) break;
  }
  return /^.*?[.!?](?= [A-Z]|$)/.exec(prose.join(" "))?.[0] ?? prose.join(" ");
}

/**
 * Reads a transcript.
 *
 * @param file its name, for messages.
 * @throws {TranscriptError} with the line of what is wrong.
 */
export function parseTranscript(file: string, text: string): Transcript {
  const complain: Complain = (line, message) => {
    throw new TranscriptError(file, line, message);
  };
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  if (lines.length > LINES_MAX) complain(LINES_MAX, `more than ${LINES_MAX} lines`);
  const blocks = blocksOf(lines, complain);
  const machines = blocks.filter(({ info }) => info[0] === "machine");
  const [machine, second] = machines;
  if (second !== undefined) complain(second.line, "a second machine; a transcript has one");
  const consoles = blocks.filter(({ info }) => info[0] === "console");
  if (consoles.length === 0) {
    complain(1, "there is no block of ```console in it, so nothing to run");
  }
  for (const { info, line } of consoles) {
    const odd = info.slice(1).find((word) => word !== "strict");
    if (odd !== undefined) {
      complain(line, `unknown word '${odd}' behind 'console'; there is strict`);
    }
  }
  const steps = consoles.flatMap((block) => stepsOf(block, complain));
  if (steps.length === 0) complain(consoles[0]?.line ?? 1, "nothing is typed in any console block");
  return {
    file,
    title: lines.find((line) => line.startsWith("# "))?.slice(2).trim() ?? file,
    summary: summaryOf(lines),
    machine: readMachine(machine?.lines ?? [], complain),
    steps,
  };
}
