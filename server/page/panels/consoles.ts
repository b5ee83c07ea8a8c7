/**
 * The kernels' consoles as they stood at the cursor, and the prompt of a run that waits for a line.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Standing } from "../../api/shapes/run.ts";
import type { PartContext, TraceView } from "../model.ts";
import { ConsoleFold, type ConsoleLine, type KernelConsole, lastLines } from "./console_fold.ts";
import { hint, valueOf } from "./parts.ts";
import { type Typing, typingOf } from "./typing.ts";
import { countText, plural } from "./words.ts";

/** Lines of a console that are shown before somebody asks for more. */
const LINES_SHOWN = 300;

const FOLDS: WeakMap<TraceView, ConsoleFold> = new WeakMap();
/** Consoles of which all is shown. */
const whole: Set<string> = new Set();

/** What was folded last: between two lines of a console there are many events. */
let folded: {
  trace: TraceView | undefined;
  key: string;
  consoles: readonly KernelConsole[];
} = { trace: undefined, key: "", consoles: [] };

/** The consoles of a run at a moment. */
function consolesAt({ trace, state }: PartContext): readonly KernelConsole[] {
  let fold = FOLDS.get(trace);
  if (fold === undefined) {
    fold = new ConsoleFold(state.run === undefined ? new Map() : typingOf(state.run).echoes);
    FOLDS.set(trace, fold);
  }
  fold.read(trace);
  const key = `${fold.entriesAt(state.cursor)} ${fold.echoCount}`;
  if (folded.trace !== trace || folded.key !== key) {
    folded = { trace, key, consoles: fold.at(state.cursor) };
  }
  return folded.consoles;
}

function lineOf(context: PartContext, line: ConsoleLine): TemplateResult {
  const here = line.seq === context.state.cursor;
  const typed = line.typed === undefined ? nothing : html`<kbd>${line.typed}</kbd>`;
  const ran = line.ran === undefined
    ? nothing
    : html`<span class="ran" title="Programs that ran">${line.ran.join("; ")}</span>`;
  const text = line.kind === "power" ? `— ${line.text} —` : line.text;
  return html`
    <button type="button" class=${`line ${line.kind}${here ? " here" : ""}`} tabindex="-1"
      title=${`Event ${line.seq}`} @click=${() => context.go(line.seq)}
    ><span class="print">${text}</span>${typed}${ran}</button>
  `;
}

/** Lines are one stop of the Tab key; the arrow keys go through them. */
function walkLines(event: KeyboardEvent): void {
  const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
  const { currentTarget } = event;
  if (step === 0 || !(currentTarget instanceof HTMLElement)) return;
  event.preventDefault();
  event.stopPropagation();
  const lines = [...currentTarget.querySelectorAll<HTMLElement>(".line")];
  const at = lines.findIndex((line) => line === document.activeElement);
  const to = at < 0 ? lines.length - 1 : Math.min(lines.length - 1, Math.max(0, at + step));
  lines[to]?.focus();
}

/** Who speaks. */
function nameOf(name: string): string {
  switch (name) {
    case "loader":
      return "boot loader";
    case "firmware":
      return "firmware";
    default:
      return /^[A-Z][0-9]*$/.test(name) ? `kernel ${name}` : name;
  }
}

function consoleOf(context: PartContext, one: KernelConsole): TemplateResult {
  const { name, waits } = one;
  const { lines, before } = lastLines(one, whole.has(name) ? Infinity : LINES_SHOWN);
  const showAll = () => {
    whole.add(name);
    context.refresh();
  };
  return html`
    <section class="console" data-console=${name}>
      <h3>${nameOf(name)} <span class="quiet">${plural(one.lines.length, "line")}${waits
        ? ", its prompt waits"
        : ""}</span></h3>
      <div class="screen" role="log" aria-live="off" tabindex="0" @keydown=${walkLines}
        aria-label=${`Console of ${nameOf(name)}`}>
        <div class="lines">${before === 0
          ? nothing
          : html`<button type="button" class="small" @click=${showAll}>${
            countText(before)
          } lines before</button>`}${repeat(
            lines,
            ({ seq }) => seq,
            (line) => lineOf(context, line),
          )}</div>
      </div>
    </section>
  `;
}

/** Sends what the person typed or does. */
function send(context: PartContext, typing: Typing, text: string): void {
  const { source, state, trace } = context;
  const { run } = state;
  if (run === undefined) return;
  typing.send(text, trace.count, (line) => source.input(run, line), (summary) => {
    if (summary === undefined) context.refresh();
    else context.update({ summary, following: true });
  });
}

function keyed(context: PartContext, typing: Typing, event: KeyboardEvent): void {
  const way = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
  event.stopPropagation();
  if (way === 0) return;
  event.preventDefault();
  typing.recall(way);
  context.refresh();
}

function promptForm(context: PartContext, typing: Typing, standing: Standing): TemplateResult {
  const prefix = standing.prompt === "" ? "#" : `${standing.prompt}$`;
  const name = standing.prompt === ""
    ? "What you do to the machine"
    : `A line for the prompt of ${standing.prompt}`;
  return html`
    <form class="prompt"
      @submit=${(event: Event) => {
        event.preventDefault();
        const text = typing.draft;
        send(context, typing, standing.prompt === "" && !text.startsWith("#") ? `# ${text}` : text);
      }}><label><span class="ps1" aria-hidden="true">${prefix}</span><span class="sr">${name}</span>
        <input data-action="prompt" .value=${typing.draft} ?readonly=${typing
          .busy} autocomplete="off"
          autocapitalize="off" spellcheck="false" placeholder=${standing.prompt === ""
            ? "away 8h"
            : "a line, as kexec -e; with # before it, what you do"}
          @input=${(event: Event) => {
            typing.draft = valueOf(event);
          }}
          @keydown=${(event: KeyboardEvent) => keyed(context, typing, event)} /></label>
        <button type="submit" class="primary" ?disabled=${typing.busy}>Enter</button></form>
  `;
}

const FATES = [
  ["none", "keeping none of the cache"],
  ["all", "keeping all of the cache"],
  ["some", "keeping some of it"],
] as const;

/** The fate of the cache that was chosen last. */
const plug: { fate: string } = { fate: "none" };

function actions(context: PartContext, typing: Typing, standing: Standing): TemplateResult {
  const button = (text: string, name: string) =>
    html`
      <button type="button" class="tool" data-does=${text} ?disabled=${typing.busy}
        @click=${() => send(context, typing, `# ${text}`)}>${name}</button>
    `;
  const pull = () => send(context, typing, `# pull the plug keeping ${plug.fate}`);
  return html`<div class="person" role="group" aria-label="What you can do to the machine">
    ${standing.off ? button("power on", "Power on") : nothing}
    ${standing.menu.map((entry) => button(`boot ${entry}`, `Boot ${entry}`))}
    ${
    standing.off ? nothing : html`${button("press reset", "Press reset")}
      <span class="plug"><button type="button" class="tool cut" data-does="pull the plug"
        ?disabled=${typing.busy} @click=${pull}>Pull the plug</button>
      <label><span class="sr">Fate of the drive's cache</span><select ?disabled=${typing.busy}
        @change=${(event: Event) => {
      plug.fate = valueOf(event);
    }}>${
      FATES.map(([fate, words]) =>
        html`<option value=${fate} ?selected=${fate === plug.fate}>${words}</option>`
      )
    }</select></label></span>`
  }</div>`;
}

function standingText({ off, menu, prompt }: Standing): string {
  if (off) return "The machine is off.";
  if (menu.length > 0) return `The boot menu waits: ${menu.join(", ")}.`;
  return prompt === "" ? "Nobody waits for anything." : `The prompt of ${prompt} waits for a line.`;
}

function personPart(context: PartContext): TemplateResult | typeof nothing {
  const { summary, run, cursor } = context.state;
  const standing = summary?.standing;
  if (!context.source.live || run === undefined || standing === undefined) return nothing;
  const typing = typingOf(run);
  const waits = summary?.status === "waiting" && !typing.busy;
  const isBehind = cursor < context.trace.count - 1;
  return html`<section class="sitting" data-part="person" aria-label="You at the machine">
    <p role="status">${
    typing.busy ? "The machine runs …" : waits ? standingText(standing) : "The machine runs."
  }</p>
    ${
    isBehind && waits
      ? html`<p class="note">The consoles above stand at event ${countText(cursor)}.
        <button type="button" class="small" @click=${() =>
        context.update({
          following: true,
          cursor: context.trace.count - 1,
        })}>Go to now</button></p>`
      : nothing
  }
    ${typing.problem === "" ? nothing : html`<p class="problem" role="alert">${typing.problem}</p>`}
    ${
    waits || typing.busy
      ? html`${promptForm(context, typing, standing)}
      ${actions(context, typing, standing)}`
      : nothing
  }
  </section>`;
}

/** The pane. */
export function consolesPane(context: PartContext): TemplateResult {
  const { state } = context;
  if (state.run === undefined) return hint("No run is open.");
  const consoles = consolesAt(context);
  return html`<div class="consoles-pane"><h2 class="sr">Consoles</h2>
    ${
    consoles.length === 0
      ? hint("Nothing has been printed up to this moment.")
      : repeat(consoles, ({ name }) => name, (one) => consoleOf(context, one))
  }
    ${personPart(context)}</div>`;
}
