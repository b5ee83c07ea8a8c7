/**
 * The page put together: the state, the run that is shown, where data come from, the parts. Data
 * flow one way: an action changes the state, and everything is drawn from it in the next frame.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { RuleDocument } from "../api/shapes/catalogue.ts";
import type { AppContext, Way } from "./app_context.ts";
import { CausalCones } from "./cones.ts";
import { Drawing } from "./drawing.ts";
import { FrameWatch } from "./frame_watch.ts";
import { messageOf } from "./message.ts";
import type { DataSource, Filter, FollowSink, PageState } from "./model.ts";
import { Player } from "./player.ts";
import { RunView } from "./run_view.ts";
import { Search } from "./search.ts";
import { FIRST_STATE, fromHash, hashOf, NO_FILTER, Store } from "./state.ts";
import type { Screen } from "./screen.ts";
import { browserTurn } from "./turn.ts";
import { destinationOf } from "./walk.ts";

const RUNS_MILLISECONDS = 2_000;
/** Between two drawings while many lines come in, and while a few do. */
const DRAW_MILLISECONDS = 400;
const DRAW_SOON_MILLISECONDS = 25;
/** Where more events than that are still to come, or are new, it is not drawn all at once. */
const MANY_EVENTS = 1_000;
/** Until the address follows the state. */
const ADDRESS_MILLISECONDS = 250;

/** See the module's header. */
export class App {
  readonly store: Store = new Store();
  readonly frames: FrameWatch = new FrameWatch();
  readonly #source: DataSource;
  readonly #screen: Screen;
  readonly #search: Search;
  readonly #cones: CausalCones;
  #view: RunView;
  #follow: AbortController = new AbortController();
  #rules: ReadonlyMap<string, RuleDocument> = new Map();
  #collapsed = true;
  #byTime = false;
  readonly #drawing: Drawing;
  /** When it was drawn last, and the timer of the next time. */
  #drawn = 0;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #addressing: ReturnType<typeof setTimeout> | undefined;
  #painted = 0;
  /** Events that were there when the drawing that goes on began. */
  #begun = 0;

  /** @param makeScreen gives the parts; they ask to be drawn by the function they are given. */
  constructor(source: DataSource, makeScreen: (changed: () => void) => Screen) {
    this.#source = source;
    this.#view = this.#newView();
    this.#screen = makeScreen(() => this.refresh());
    this.#drawing = new Drawing((then) => requestAnimationFrame(then), {
      parts: this.#screen.parts.map((draw) => () => draw(this.context())),
      begin: () => this.#beginDrawing(),
      isApart: () => this.#isApart,
      done: () => this.#painted = this.#begun,
    });
    this.#search = new Search(source, () => this.refresh());
    this.#cones = new CausalCones(source, () => this.refresh());
    new Player(this.store, () => this.walk("next"));
    this.store.subscribe((state, before) => this.#changed(state, before));
  }

  /** Begins: takes the address, asks for what there is. */
  async begin(): Promise<void> {
    addEventListener("hashchange", () => this.#addressed());
    this.#addressed();
    this.refresh();
    const rules = this.#source.rules().then((list) => {
      this.#rules = new Map(list.map((rule) => [rule.id, rule]));
      this.refresh();
    });
    await Promise.all([this.#askRuns(), rules]).catch((error: unknown) => this.trouble(error));
    const [only] = this.store.state.runs;
    if (!this.#source.live && only !== undefined && this.store.state.run !== only.run) {
      this.open(only.run);
    }
    document.documentElement.dataset["ready"] = "true";
    this.#watchRuns();
  }

  /** Events that are there, and that were drawn last. */
  get count(): number {
    return this.#view.trace.count;
  }

  /** Events that were there when the page was drawn last. */
  get painted(): number {
    return this.#painted;
  }

  /** An event's line as it came in; "" where there is none. */
  line(seq: number): string {
    return this.#view.trace.line(seq);
  }

  /** Draws in the next frame. */
  refresh(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#drawing.ask();
  }

  /** Events that the server has and that are still to come. */
  get #missing(): number {
    return (this.store.state.summary?.events ?? 0) - this.#view.trace.count;
  }

  /** Whether so much is new that each part has a frame of its own. */
  get #isApart(): boolean {
    return this.store.state.run !== undefined &&
      (this.#painted === 0 || this.#missing > MANY_EVENTS ||
        this.#view.trace.count - this.#painted > MANY_EVENTS);
  }

  /** Draws soon: while many lines come in, only how many there are, once there is a first view. */
  #refreshSoon(): void {
    const isFilling = this.#missing > MANY_EVENTS && this.#painted > 0;
    const pause = isFilling ? DRAW_MILLISECONDS : DRAW_SOON_MILLISECONDS;
    const rest = this.#drawn + pause - performance.now();
    if (isFilling && rest <= 0) {
      this.#drawn = performance.now();
      this.#screen.progress(this.context());
    } else if (!isFilling) {
      if (rest <= 0) this.refresh();
      else this.#soon ??= setTimeout(() => this.refresh(), rest);
    }
  }

  /** Shows what went wrong. */
  trouble(error: unknown): void {
    this.store.update({ problem: messageOf(error) });
  }

  /** Chooses an event. */
  go(seq: number): void {
    const { count } = this.#view.trace;
    if (count === 0) return;
    const cursor = Math.min(count - 1, Math.max(0, seq));
    const isEnd = cursor === count - 1;
    const { following } = this.store.state;
    this.store.update({ cursor, following: following && isEnd });
  }

  /** Goes somewhere by name. */
  walk(way: Way): void {
    const { trace, rows, violations } = this.#view;
    const { cursor } = this.store.state;
    const places = { faults: trace.faults, violations, hits: this.#search.hits };
    const to = destinationOf(way, cursor, trace, rows, places);
    if (to === undefined) return this.store.update({ playing: false });
    this.go(to);
  }

  /** Opens a run. */
  open(run: string): void {
    this.store.update({
      run,
      summary: this.store.state.runs.find((one) => one.run === run),
      cursor: -1,
      following: true,
      playing: false,
      range: undefined,
      problem: "",
      dialog: "none",
      filter: { ...this.store.state.filter, query: "" },
    });
  }

  /** All runs again. */
  home(): void {
    this.store.update({ ...FIRST_STATE, runs: this.store.state.runs, filter: NO_FILTER });
    this.#askRuns().catch((error: unknown) => this.trouble(error));
  }

  /** What the parts are given. */
  context(): AppContext {
    const { state } = this.store;
    const view = this.#view;
    // While a run comes in the cursor never rests, and asking would keep the server from sending.
    const isMoving = state.following && this.#missing > 0;
    const cones = this.#cones.of(state.run, isMoving ? -1 : state.cursor);
    return {
      state,
      trace: view.trace,
      rows: view.rows,
      source: this.#source,
      phases: view.phases,
      verdicts: view.verdicts,
      rules: this.#rules,
      collapsed: this.#collapsed,
      violations: view.violations,
      hits: this.#search.hits,
      past: cones.past,
      future: cones.future,
      byTime: this.#byTime,
      go: (seq) => this.go(seq),
      update: (change) => this.store.update(change),
      open: (run) => this.open(run),
      refresh: () => this.refresh(),
      walk: (way) => this.walk(way),
      filter: (change) => this.#filter(change),
      collapse: (collapsed) => {
        this.#collapsed = collapsed;
        this.refresh();
      },
      scaleByTime: (byTime) => {
        this.#byTime = byTime;
        this.refresh();
      },
      search: (query) => {
        this.#filter({ query });
        this.#search.look(state.run, query);
      },
    };
  }

  /** Before the parts are drawn: a cursor that follows goes to the end; nothing is drawn twice. */
  #beginDrawing(): void {
    const view = this.#view;
    const { following, cursor } = this.store.state;
    const end = view.trace.count - 1;
    const isFilling = this.#missing > MANY_EVENTS && this.#painted > 0;
    if (following && !isFilling && end >= 0 && cursor !== end) this.store.update({ cursor: end });
    const { filter, range } = this.store.state;
    view.rows.bring({ filter, range, collapsed: this.#collapsed });
    this.#begun = view.trace.count;
    this.#drawn = performance.now();
  }

  #filter(change: Partial<Filter>): void {
    this.store.update({ filter: { ...this.store.state.filter, ...change } });
  }

  #changed(state: PageState, before: PageState): void {
    if (state.run !== before.run) this.#show(state);
    if (state.run !== before.run) this.#address("push");
    else this.#addressing ??= setTimeout(() => this.#address("replace"), ADDRESS_MILLISECONDS);
    this.refresh();
  }

  /** Keeps the address in step; browsers count how often that is done. */
  #address(how: "push" | "replace"): void {
    clearTimeout(this.#addressing);
    this.#addressing = undefined;
    const hash = hashOf(this.store.state);
    if (hash === location.hash) return;
    // Only the end of the address: a page from disk may change no other part of it.
    if (how === "push") history.pushState(null, "", hash === "" ? "#" : hash);
    else history.replaceState(null, "", hash === "" ? "#" : hash);
  }

  /** The address says something else: somebody went back, or opened a shared one. */
  #addressed(): void {
    if (location.hash === hashOf(this.store.state)) return;
    const said = fromHash(location.hash, this.store.state);
    this.store.update({ ...said, following: (said.cursor ?? -1) < 0, playing: false });
  }

  #newView(): RunView {
    return new RunView(browserTurn(() => this.#drawing.underWay), () => this.#refreshSoon());
  }

  /** Takes a run's lines from its first event on. */
  #show({ run }: PageState): void {
    this.#follow.abort();
    this.#follow = new AbortController();
    this.#view.feeder.clear();
    this.#view = this.#newView();
    this.#painted = this.#begun = 0;
    this.#search.clear();
    if (run === undefined) return;
    const { signal } = this.#follow;
    const view = this.#view;
    let isOver = false;
    const isDrawn = (): boolean => view.feeder.empty && this.#painted === view.trace.count;
    this.frames.watch(() => !signal.aborted && !(isOver && isDrawn()));
    this.store.update({ stream: { open: true, resumed: 0, gaps: 0 } });
    this.#source.follow(run, -1, this.#sink(view, signal), signal)
      .catch((error: unknown) => signal.aborted ? undefined : this.trouble(error))
      .finally(() => {
        isOver = true;
        if (!signal.aborted) this.#stream({ open: false });
      });
  }

  #stream(change: Partial<PageState["stream"]>): void {
    this.store.update({ stream: { ...this.store.state.stream, ...change } });
  }

  #sink(view: RunView, signal: AbortSignal): FollowSink {
    const { store } = this;
    const guarded = (act: () => void): void => signal.aborted ? undefined : act();
    return {
      header: (header) => guarded(() => view.trace.header = header),
      lines: (lines) => guarded(() => view.feeder.push(lines)),
      ready: () => this.#drawing.over(),
      summary: (summary) => guarded(() => store.update({ summary })),
      verdict: (mark) => guarded(() => view.judge([mark])),
      resumed: () => guarded(() => this.#stream({ resumed: store.state.stream.resumed + 1 })),
      gap: () => guarded(() => this.#stream({ gaps: store.state.stream.gaps + 1 })),
      end: (summary) =>
        guarded(() => {
          if (summary !== undefined) store.update({ summary });
          this.#judge(view, signal);
        }),
    };
  }

  /** Asks for all verdicts of a run that has ended. */
  async #judge(view: RunView, signal: AbortSignal): Promise<void> {
    const { run } = this.store.state;
    if (run === undefined) return;
    try {
      const marks = await this.#source.verdicts(run);
      await view.feeder.idle();
      if (signal.aborted) return;
      view.judgeAnew(marks);
      this.refresh();
    } catch (error) {
      if (!signal.aborted) this.trouble(error);
    }
  }

  async #askRuns(): Promise<void> {
    const runs = await this.#source.runs();
    this.store.update({ runs });
  }

  /** Runs come and go while the list is seen; nothing is asked in a tab that nobody sees. */
  #watchRuns(): void {
    if (!this.#source.live) return;
    setInterval(() => {
      const { run, dialog } = this.store.state;
      if (document.hidden || run !== undefined || dialog !== "none") return;
      this.#askRuns().catch((error: unknown) => this.trouble(error));
    }, RUNS_MILLISECONDS);
  }
}
