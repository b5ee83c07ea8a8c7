/**
 * The actor's state before and after the chosen event, and what all actors are doing then.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { MachineState, StateChange } from "../../api/shapes/machine.ts";
import type { PartContext } from "../model.ts";
import { cachesOf } from "./caches.ts";
import { hint, momentLine, momentNote, obstacleTo } from "./parts.ts";
import { diffCounts, type DiffNode, type DiffSign, diffStates } from "./state_diff.ts";
import { plural } from "./words.ts";

/** Characters of a value that stand in a line. */
const LINE_MAX = 96;
/** Parts of a node that are listed. */
const PARTS_MAX = 60;
/** Characters of a whole state that are shown. */
const STATE_MAX = 60_000;

const SIGNS: { readonly [Sign in DiffSign]: readonly [sign: string, word: string] } = {
  added: ["+", "added"],
  removed: ["−", "removed"],
  changed: ["~", "changed"],
  same: ["", ""],
};

/** Actors whose whole state is unfolded. */
const unfolded: Set<string> = new Set();

/** The differences that were made last: the same change is rendered many times. */
const TREES: WeakMap<StateChange, DiffNode> = new WeakMap();

function treeOf(change: StateChange): DiffNode {
  const known = TREES.get(change);
  if (known !== undefined) return known;
  const tree = diffStates(change.before, change.after);
  TREES.set(change, tree);
  return tree;
}

function valueText(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= LINE_MAX ? text : `${text.slice(0, LINE_MAX)}…`;
}

function wholeText(value: unknown): string {
  const text = JSON.stringify(value, null, 2) ?? "nothing";
  return text.length <= STATE_MAX ? text : `${text.slice(0, STATE_MAX)}\n… cut off here`;
}

/** A value, unfolded where it does not fit into a line. */
function value(part: unknown): TemplateResult {
  const text = valueText(part);
  if (!text.endsWith("…")) return html`<code>${text}</code>`;
  return html`
    <details class="value">
      <summary><code>${text}</code></summary>
      <pre tabindex="0">${wholeText(part)}</pre>
    </details>
  `;
}

function leaf({ sign, before, after }: DiffNode): TemplateResult {
  if (sign === "added") return value(after);
  if (sign === "removed") return value(before);
  return html`<span class="was">${value(before)}</span>
    <span class="becomes" aria-label="becomes">→</span> <span class="is">${value(after)}</span>`;
}

function node(path: string, one: DiffNode): TemplateResult {
  const full = path === "" ? one.key : `${path}.${one.key}`;
  const { children } = one;
  // A chain of parts of which only one differs is one line.
  const only = children?.length === 1 ? children[0] : undefined;
  if (only !== undefined && one.sign === "changed") return node(full, only);
  if (children !== undefined) {
    return html`<li class="branch"><span class="path">${full}</span>${list("", one)}</li>`;
  }
  const [sign, word] = SIGNS[one.sign];
  return html`<li class=${`leaf ${one.sign}`}><span class="sign" aria-hidden="true">${sign}</span>
    <span class="word">${word}</span> <span class="path">${full}</span> ${leaf(one)}</li>`;
}

function list(path: string, { children = [], unchanged = 0 }: DiffNode): TemplateResult {
  const more = children.length - PARTS_MAX;
  return html`<ul class="diff">${children.slice(0, PARTS_MAX).map((child) => node(path, child))}
    ${more > 0 ? html`<li class="rest">and ${plural(more, "more difference")}</li>` : nothing}
    ${unchanged > 0 ? html`<li class="rest">${plural(unchanged, "part")} as before</li>` : nothing}
  </ul>`;
}

function changeOf(change: StateChange): TemplateResult {
  const { actor, before, after } = change;
  const tree = treeOf(change);
  const { added, removed, changed } = diffCounts(tree);
  if (before === undefined && after === undefined) {
    return html`
      <h2>${actor}</h2>
      <p>has no state at this moment.</p>
    `;
  }
  if (tree.sign === "same") {
    return html`
      <h2>${actor}</h2>
      <p>This step leaves its state as it was.</p>
    `;
  }
  const title = before === undefined ? "begins to live" : after === undefined ? "is disposed of" : [
    [changed, "changed"] as const,
    [added, "added"] as const,
    [removed, "removed"] as const,
  ].filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`).join(", ");
  const body = tree.children === undefined
    ? html`<ul class="diff">${node("", tree)}</ul>`
    : list("", tree);
  return html`<h2>${actor} <span class="quiet">${title}</span></h2>${body}`;
}

function actorItem(
  context: PartContext,
  { name, behaviour, label, state }: MachineState["actors"][number],
): TemplateResult {
  const open = unfolded.has(name);
  const toggled = (event: Event) => {
    const { currentTarget } = event;
    if (!(currentTarget instanceof HTMLDetailsElement) || currentTarget.open === open) return;
    if (currentTarget.open) unfolded.add(name);
    else unfolded.delete(name);
    context.refresh();
  };
  return html`<details class="actor" .open=${open} @toggle=${toggled}>
    <summary><strong>${name}</strong> <span class="label">${label}</span>
      <span class="quiet">${behaviour}</span></summary>
    ${
    open
      ? html`<pre tabindex="0" aria-label=${`State of ${name}`}>${wholeText(state)}</pre>`
      : nothing
  }
  </details>`;
}

/** The pane. */
export function statePane(context: PartContext): TemplateResult {
  const obstacle = obstacleTo(context, "what the actors know");
  const { state, source } = context;
  if (obstacle !== "" || state.run === undefined) return hint(obstacle);
  const caches = cachesOf(source);
  const change = caches.change.want(state.run, state.cursor, context.refresh);
  const machine = caches.machine.want(state.run, state.cursor, context.refresh);
  return html`<div class="state-pane" aria-busy=${change.waiting || machine.waiting}>
    ${momentNote(change, state.cursor, caches.change)}
    ${
    change.value === undefined
      ? nothing
      : html`<section class="change" data-part="change">${changeOf(change.value)}</section>`
  }
    ${
    machine.value === undefined ? nothing : html`<section class="actors" data-part="actors">
      <h3>All actors <span class="quiet">${
      machine.value.powered ? "the machine is on" : "the machine is off"
    }</span></h3>
      ${momentLine(machine.value)}
      ${repeat(machine.value.actors, ({ name }) => name, (one) => actorItem(context, one))}
    </section>`
  }</div>`;
}
