/**
 * Cutting the power at the chosen event: what is at stake, what becomes of the cache, and a run
 * that shares the past up to there.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { PartContext } from "../model.ts";
import { cachesOf } from "../panels/caches.ts";
import { cachedSectors, cutSentence } from "../panels/disk_words.ts";
import { momentNote } from "../panels/parts.ts";
import { countText, eventWordsAt, momentText, plural, problemText } from "../panels/words.ts";

type Fate = "none" | "all" | "seeded";

const FATES: readonly (readonly [Fate, name: string, words: string])[] = [
  ["none", "None of it", "The drive loses every write that it had not put on the medium yet."],
  [
    "all",
    "All of it",
    "The drive still puts everything on the medium, as one with a capacitor does.",
  ],
  [
    "seeded",
    "Some of it",
    "Which sectors survive is drawn by the run's seed; a write may be torn in the middle.",
  ],
];

/** What is chosen and how far it is. */
const choice: { fate: Fate; busy: boolean; problem: string } = {
  fate: "none",
  busy: false,
  problem: "",
};

async function cut(context: PartContext, run: string, seq: number): Promise<void> {
  choice.busy = true;
  choice.problem = "";
  context.refresh();
  try {
    const fork = await context.source.start({
      kind: "fork",
      parent: { run, seq },
      action: { do: "cut_power", durable: choice.fate },
    });
    const runs = [fork, ...context.state.runs.filter((one) => one.run !== fork.run)];
    context.update({ dialog: "none", beside: fork.run, runs });
  } catch (error) {
    choice.problem = problemText(error);
  } finally {
    choice.busy = false;
    context.refresh();
  }
}

function stake(context: PartContext, run: string, cursor: number): TemplateResult {
  const { disk } = cachesOf(context.source);
  const shown = disk.want(run, cursor, context.refresh);
  const map = shown.at === cursor ? shown.value : undefined;
  if (map === undefined) return momentNote({ ...shown, at: -1 }, cursor, disk);
  const cached = cachedSectors(map);
  return html`<p class="stake" data-part="stake"><strong>${
    cached === 0 ? "Nothing is at stake" : `${plural(cached, "sector")} at stake`
  }</strong> ${cutSentence(map)}</p>`;
}

/** The dialog's inside. */
export function cutDialog(context: PartContext): TemplateResult {
  const { state, trace } = context;
  const { run, cursor } = state;
  if (run === undefined || cursor < 0) return html`<p>Choose an event first.</p>`;
  if (state.summary?.replayable === false) {
    return html`<p>This trace was recorded on another machine: its power cannot be cut again.</p>`;
  }
  return html`<form @submit=${(event: Event) => {
    event.preventDefault();
    if (!choice.busy) cut(context, run, cursor);
  }}>
    <p>At event <strong>${countText(cursor)}</strong> (${momentText(trace.vt(cursor))}):
      ${
    eventWordsAt(trace, cursor)
  }. A new run shares everything up to here; then the power goes, and
      somebody switches the machine on again.</p>
    ${stake(context, run, cursor)}
    <fieldset><legend>What survives of the drive's cache</legend>${
    FATES.map(([fate, name, words], index) =>
      html`<label class="choice"><input type="radio" name="fate" value=${fate}
        .checked=${choice.fate === fate} ?data-first=${index === 0}
        @change=${() => {
        choice.fate = fate;
        context.refresh();
      }} /><span><strong>${name}</strong> ${words}</span></label>`
    )
  }</fieldset>
    ${choice.problem === "" ? nothing : html`<p class="problem" role="alert">${choice.problem}</p>`}
    <p class="buttons"><button type="submit" class="primary cut" data-action="cut-power"
      ?disabled=${choice.busy}>${
    choice.busy ? "Cutting …" : `Cut the power at event ${countText(cursor)}`
  }</button></p></form>`;
}
