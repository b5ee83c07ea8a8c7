/**
 * The parts of the page in their places, drawn one after the other.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { html, nothing, render, type TemplateResult } from "lit-html";
import type { AppContext } from "./app_context.ts";
import { besideOf } from "./beside/beside.ts";
import { Diagram } from "./diagram/diagram.ts";
import { dialogOf } from "./dialogs/dialogs.ts";
import { Overview } from "./overview/overview.ts";
import { detailOf } from "./parts/detail.ts";
import { filtersOf } from "./parts/filters.ts";
import { type HeaderActions, headerOf } from "./parts/header.ts";
import { runsOf } from "./parts/runs.ts";
import { StatusLine } from "./parts/status.ts";
import { transportOf } from "./parts/transport.ts";
import { EventTable } from "./table/table.ts";

/** Steps in which what stands round the pictures comes into being. */
const STAGES = 3;

/** See the module's header. */
export class Screen {
  readonly #root: HTMLElement;
  readonly #actions: HeaderActions;
  readonly #diagram: Diagram;
  readonly #overview: Overview;
  readonly #table: EventTable;
  readonly #status: StatusLine;
  /** Where the status line stands: said without drawing the rest. */
  readonly #live: HTMLElement;
  /** How much of what stands round the pictures is there. */
  #stage = 0;

  constructor(root: HTMLElement, actions: HeaderActions, changed: () => void) {
    this.#root = root;
    this.#actions = actions;
    this.#diagram = new Diagram(changed);
    this.#overview = new Overview(changed);
    this.#table = new EventTable(changed);
    this.#status = new StatusLine(changed);
    this.#live = document.createElement("span");
    this.#live.className = "count";
    this.#live.dataset["part"] = "live";
    this.#live.setAttribute("role", "status");
  }

  /**
   * What draws the page, one behind the other: what stands round the pictures, which comes into
   * being bit by bit, then each of them. They say whether there was anything to do.
   */
  get parts(): readonly ((context: AppContext) => boolean)[] {
    return [
      (context) => this.#stage < 1 && this.#around(context, 1),
      (context) => this.#stage < 2 && this.#around(context, 2),
      (context) => this.#around(context, STAGES),
      (context) => context.state.run !== undefined && this.#diagram.begin(context),
      (context) => context.state.run !== undefined && this.#diagram.draw(context),
      (context) => context.state.run !== undefined && this.#table.draw(context),
      (context) => this.#whole(context),
    ];
  }

  /** Draws how much there is while much comes in: the pictures stay as they are. */
  progress(context: AppContext): void {
    this.#said(context);
    this.#whole(context);
  }

  #whole(context: AppContext): boolean {
    if (context.state.run === undefined) return false;
    this.#overview.draw(context, this.#diagram.seen);
    return true;
  }

  #said(context: AppContext): void {
    const text = this.#status.text(context);
    if (this.#live.textContent !== text) this.#live.textContent = text;
  }

  #around(context: AppContext, stage: number): boolean {
    const { state } = context;
    this.#stage = state.run === undefined ? 0 : stage;
    this.#said(context);
    render(
      html`
        <header class="top" data-part="header">${headerOf(context, this.#actions)}</header>
        ${state.run === undefined ? this.#home(context) : this.#run(context)}
        ${problemOf(context)}
        <footer class="foot" data-part="status">
          ${this.#live}
          <span class="quiet">${streamOf(context)}</span>
        </footer>
        <div class="dialogs" data-part="dialogs">${dialogOf(context)}</div>
      `,
      this.#root,
    );
    return true;
  }

  #home(context: AppContext): TemplateResult {
    return html`<main class="home" data-part="runs">${runsOf(context)}</main>`;
  }

  #run(context: AppContext): TemplateResult {
    const isBeside = context.state.beside !== undefined;
    const stage = this.#stage;
    return html`
      <nav class="transport" data-part="transport" aria-label="Moments"
      >${stage < 2 ? nothing : transportOf(context)}</nav>
      ${this.#overview.element}
      <section class="filters" data-part="filters" aria-label="Filters"
      >${stage < 2 ? nothing : filtersOf(context)}</section>
      <main class=${`work${isBeside ? " two" : ""}`} data-part="main">
        <div class="pictures">
          ${this.#diagram.element}
          ${this.#table.element}
        </div>
        ${isBeside
          ? html`<div class="beside" data-part="beside">${besideOf(context)}</div>`
          : nothing}
        <aside class="detail" data-part="detail" aria-label="The chosen moment"
          >${stage < STAGES ? nothing : detailOf(context)}</aside>
      </main>
    `;
  }
}

function problemOf(context: AppContext): TemplateResult | typeof nothing {
  const { problem } = context.state;
  if (problem === "") return nothing;
  return html`<div class="problem" role="alert" data-part="problem"><p>${problem}</p>
    <button type="button" class="small" aria-label="Close this message"
      @click=${() => context.update({ problem: "" })}>×</button></div>`;
}

function streamOf({ state, source }: AppContext): string {
  if (!source.live) return "saved page, no server";
  const { open, resumed, gaps } = state.stream;
  const taken = resumed === 0
    ? ""
    : `, taken up again ${resumed === 1 ? "once" : `${resumed} times`}`;
  const lost = gaps === 0 ? "" : `, ${gaps} ${gaps === 1 ? "gap" : "gaps"} filled`;
  return state.run === undefined ? "" : `${open ? "connected" : "complete"}${taken}${lost}`;
}
