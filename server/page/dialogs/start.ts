/**
 * Starting a run: a scenario, mainline's cycle, a machine with a person at it, a transcript, or
 * somebody else's trace.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import type { RunSummary } from "../../api/shapes/run.ts";
import type { PartContext } from "../model.ts";
import { valueOf } from "../panels/parts.ts";
import { problemText } from "../panels/words.ts";
import { freshForm, requestOf, type StartForm, type StartWay, WAYS } from "./choices.ts";
import { scenarioPart } from "./scenario_list.ts";

const NAMES: { readonly [Way in StartWay]: string } = {
  scenario: "A scenario",
  cycle: "A whole cycle",
  live: "A live machine",
  transcript: "A transcript",
  upload: "A trace or log",
};

/** Machines and kernels of the house, suggested in the fields; the server knows which there are. */
const HARDWARE = ["small-vm", "t42", "laptop"];
const KERNELS = ["2.6.27", "6.1", "6.1-cured", "2.6.24-v7", "2.6.23-rfc", "2.6.23-x64"];

const form: StartForm = freshForm();
const going: { busy: boolean; problem: string } = { busy: false, problem: "" };
let file: File | undefined;

async function start(context: PartContext): Promise<void> {
  const { source } = context;
  going.problem = "";
  try {
    const ask = form.way === "upload" && file !== undefined
      ? () => source.upload(file ?? new File([], ""))
      : asking(context);
    going.busy = true;
    context.refresh();
    opened(context, await ask());
  } catch (error) {
    going.problem = problemText(error);
  } finally {
    going.busy = false;
    context.refresh();
  }
}

/** A form that is not filled in is told before anything is asked. */
function asking({ source }: PartContext): () => Promise<RunSummary> {
  const request = requestOf(form);
  return () => source.start(request);
}

function opened(context: PartContext, summary: RunSummary): void {
  const others = context.state.runs.filter(({ run }) => run !== summary.run);
  context.update({ dialog: "none", runs: [summary, ...others] });
  context.open(summary.run);
  if (summary.kind === "live") context.update({ pane: "consoles" });
}

type TextField = "memoryMiB" | "cpus" | "hardware" | "kernelProfile" | "seed" | "awayHours";

function textField(
  name: TextField,
  title: string,
  placeholder: string,
  list: readonly string[] = [],
): TemplateResult {
  const id = `start-${name}`;
  return html`<label class="text-field"><span>${title}</span><input name=${name} .value=${
    form[name]
  }
    placeholder=${placeholder} autocomplete="off" spellcheck="false"
    list=${list.length === 0 ? nothing : id} inputmode=${list.length === 0 ? "numeric" : nothing}
    @input=${(event: Event) => {
    form[name] = valueOf(event).trim();
  }} />${
    list.length === 0
      ? nothing
      : html`<datalist id=${id}>${
        list.map((value) => html`<option value=${value}></option>`)
      }</datalist>`
  }</label>`;
}

function machineFields(): TemplateResult {
  return html`<fieldset class="grid"><legend>Machine</legend>
    ${textField("memoryMiB", "Memory in MiB", "64")}
    ${textField("cpus", "Processors", "1")}
    ${textField("hardware", "Hardware", "small-vm", HARDWARE)}
    ${textField("kernelProfile", "Kernel", "2.6.27", KERNELS)}
    ${textField("seed", "Seed", "1")}
  </fieldset>`;
}

const PARTS = [
  ["cycle", "Hibernate, power off, resume"],
  ["hibernate", "Hibernate only"],
  ["jump", "Jump to B and back"],
] as const;

function cyclePart(context: PartContext): TemplateResult {
  return html`<p>Mainline's cycle, as <code>hibernate</code> runs it: A boots and works,
    jumps into B, B saves A and powers off, C resumes it.</p>
    <fieldset><legend>How much of it</legend>${
    PARTS.map(([part, words]) =>
      html`<label class="choice"><input type="radio" name="part" value=${part}
        .checked=${form.part === part} @change=${() => {
        form.part = part;
        context.refresh();
      }} /><span>${words}</span></label>`
    )
  }</fieldset>${machineFields()}
    <fieldset class="grid"><legend>Image</legend>
    ${textField("awayHours", "Hours switched off", "0")}
    <label class="choice"><input type="checkbox" .checked=${form.verify} @change=${() => {
    form.verify = !form.verify;
  }} /><span>Check the image before it is used</span></label></fieldset>`;
}

function livePart(): TemplateResult {
  return html`<p>A machine that is switched off, and you at its console: switch it on, choose
    from its boot menu, type at its prompts, pull its plug.</p>${machineFields()}`;
}

const PLACEHOLDER =
  "```machine\nprofile: 2.6.27\n```\n\n```console\n# power on\n# boot A\nA$ free\n```";

function transcriptPart(): TemplateResult {
  return html`
    <p>A Markdown file in which a block <code>machine</code> says what the machine is, and
        blocks <code>console</code> say who types what and what is printed.</p>
    <label class="wide"><span class="sr">Transcript</span><textarea rows="14" spellcheck="false"
          placeholder=${PLACEHOLDER} .value=${form.text} @input=${(event: Event) => {
            form.text = valueOf(event);
          }}></textarea></label>
  `;
}

function uploadPart(): TemplateResult {
  return html`
    <p>A trace of kjump, or what a real Linux printed: a serial console with printk times, a
        tracer's output. The rules judge it like a run of the house; its inside cannot be looked
        into.</p>
    <label class="wide"><span>File</span><input type="file" @change=${(event: Event) => {
      file = event.target instanceof HTMLInputElement ? event.target.files?.[0] : undefined;
    }} /></label>
  `;
}

function part(context: PartContext): TemplateResult {
  switch (form.way) {
    case "scenario":
      return scenarioPart(context, form);
    case "cycle":
      return cyclePart(context);
    case "live":
      return livePart();
    case "transcript":
      return transcriptPart();
    case "upload":
      return uploadPart();
  }
}

function ways(context: PartContext): TemplateResult {
  const choose = (way: StartWay) => {
    form.way = way;
    going.problem = "";
    context.refresh();
  };
  const keyed = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const way = WAYS[(WAYS.indexOf(form.way) + step + WAYS.length) % WAYS.length] ?? "scenario";
    choose(way);
    document.getElementById(`start-tab-${way}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="What to start" @keydown=${keyed}>${
    WAYS.map((way) =>
      html`
        <button type="button" role="tab" id=${`start-tab-${way}`} aria-selected=${way === form.way}
          aria-controls="start-panel" tabindex=${way === form.way ? 0 : -1} data-way=${way}
          ?data-first=${way === form.way && way !== "scenario"}
          @click=${() => choose(way)}>${NAMES[way]}</button>
      `
    )
  }</div>`;
}

/** The dialog's inside. */
export function startDialog(context: PartContext): TemplateResult {
  return html`<form class="start" @submit=${(event: Event) => {
    event.preventDefault();
    if (!going.busy) start(context);
  }}>${ways(context)}
    <div id="start-panel" class="start-panel" role="tabpanel"
      aria-labelledby=${`start-tab-${form.way}`}>${part(context)}</div>
    <footer>${
    going.problem === "" ? nothing : html`<p class="problem" role="alert">${going.problem}</p>`
  }<button type="submit" class="primary" data-action="start-run" ?disabled=${going.busy}>${
    going.busy ? "Starting …" : form.way === "upload" ? "Read it" : "Start"
  }</button></footer></form>`;
}
