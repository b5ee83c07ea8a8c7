/**
 * A sequence diagram in the words of some language: what is drawn of a trace, how much of it, in
 * which order. The languages differ only in a {@linkcode Dialect}.
 *
 * Drawn are messages that arrived or were lost, state changes, faults, signals and violations,
 * and what the machine is doing (the bands of `phases.ts`). A message counts where it ends, so it
 * stands where its receiver handles it. The diagram ends at {@linkcode DIAGRAM_LIMITS} with a
 * note that says how many messages are left out and how to have them; a `partOf` a trace starts
 * where it is told to. Memory: what is drawn, and messages in flight.
 *
 * @module
 */
import type { Summary, TraceEvent } from "../event.ts";
import { brokenRules, shortened, subject, summaryWords } from "./common.ts";
import type { ExportSource } from "./exporter.ts";
import { Phases } from "./phases.ts";

/** How much is drawn: what a browser lays out in a moment and people still read. */
export const DIAGRAM_LIMITS = { messages: 400, characters: 45_000 } as const;

/** Kept free for the closing note and what ends the diagram. */
const CLOSING_CHARACTERS = 1_000;
const NAME_MAX = 40;
const LABEL_MAX = 90;
const TITLE_MAX = 120;

/** What became of a message. */
export type Fate = "deliver" | "drop" | "ignore";

/** How a language writes what is drawn; each answer is whole lines with their line feeds. */
export interface Dialect {
  /** A text of the trace that can be nothing but text where the language wants one. */
  escape(text: string): string;
  begin(title: string): string;
  participant(id: string, name: string): string;
  message(from: string, to: string, label: string, fate: Fate): string;
  note(id: string, text: string): string;
  /** A note over all that is drawn. */
  remark(firstId: string, lastId: string, text: string): string;
  phase(name: string, id: string): string;
  /** Ends a phase, where the language wants that said. */
  phaseEnd(): string;
  end(): string;
}

class Drawing {
  readonly #dialect: Dialect;
  readonly #ids: Map<string, string> = new Map();
  readonly #phases: Phases = new Phases();
  readonly #sent: Map<number, Summary | undefined> = new Map();
  readonly #broken: ReturnType<typeof brokenRules>;
  #body = "";
  #characters = CLOSING_CHARACTERS;
  #inPhase: string | undefined;
  #full = false;
  drawn = 0;
  leftOut = 0;
  firstLeftOut: number | undefined;

  constructor(dialect: Dialect, source: ExportSource) {
    this.#dialect = dialect;
    this.#broken = brokenRules(source);
  }

  event(event: TraceEvent): void {
    const { kind, seq, msg = seq, summary } = event;
    const phase = this.#phases.event(event);
    if (kind === "send") {
      if (!this.#full) this.#sent.set(msg, summary);
    } else if (kind === "deliver" || kind === "drop" || kind === "ignore") {
      this.#message(event, kind, phase);
    } else if (kind === "state" || kind === "fault" || kind === "signal") {
      const words = [subject(event), summaryWords(summary)].filter((text) => text !== "");
      this.#note(event, kind === "state" ? words.join(" ") : `${kind}: ${words.join(" ")}`, phase);
    } else if (event.origin !== undefined) {
      // A recording has no messages: what was seen is all there is.
      this.#note(event, `${subject(event)} ${summaryWords(summary)}`, phase);
    }
    for (const { rule, reason } of this.#broken.get(seq) ?? []) {
      this.#note(event, `${rule} violated: ${reason}`, phase);
    }
  }

  /** The text of the diagram. */
  text(source: ExportSource): string {
    const dialect = this.#dialect;
    const { header } = source;
    // A diagram of nothing has one participant: there is no empty one in these languages.
    if (this.#ids.size === 0) this.#ids.set("machine", "p0");
    const [first = "p0"] = this.#ids.values();
    const closing = this.#inPhase === undefined ? "" : dialect.phaseEnd();
    const title = shortened(`${header.scenario} (run ${header.run.slice(0, 16)})`, TITLE_MAX);
    let text = dialect.begin(dialect.escape(title));
    for (const [actor, id] of ordered(this.#ids, header.actors)) {
      text += dialect.participant(id, dialect.escape(shortened(actor, NAME_MAX)));
    }
    text += this.#body + closing;
    if (this.firstLeftOut !== undefined) {
      const last = [...ordered(this.#ids, header.actors)].at(-1)?.[1] ?? first;
      const lead = [...ordered(this.#ids, header.actors)][0]?.[1] ?? first;
      text += dialect.remark(lead, last, dialect.escape(this.#closingNote()));
    }
    return text + dialect.end();
  }

  #closingNote(): string {
    const messages = this.leftOut === 1 ? "1 message is" : `${this.leftOut} messages are`;
    return `${messages} left out after the first ${this.drawn}. To draw others take a part: ` +
      `--from ${this.firstLeftOut ?? 0}, or --from SEQ --to SEQ --actor NAME`;
  }

  #message(event: TraceEvent, fate: Fate, phase: string): void {
    const { actor, source = actor, msg } = event;
    const sent = msg === undefined ? undefined : this.#sent.get(msg);
    if (msg !== undefined) this.#sent.delete(msg);
    const words = `${subject(event)} ${summaryWords({ ...sent, ...event.summary })}`.trimEnd();
    const label = this.#dialect.escape(shortened(words, LABEL_MAX));
    const isDrawn = this.drawn < DIAGRAM_LIMITS.messages &&
      this.#draw(
        phase,
        [source, actor],
        ([from, to]) => this.#dialect.message(from ?? "", to ?? "", label, fate),
      );
    if (isDrawn) this.drawn++;
    else {
      this.leftOut++;
      this.#leave(event);
    }
  }

  #note(event: TraceEvent, words: string, phase: string): void {
    const text = this.#dialect.escape(shortened(words.trimEnd(), LABEL_MAX));
    const full = this.drawn >= DIAGRAM_LIMITS.messages;
    if (!full && this.#draw(phase, [event.actor], ([id]) => this.#dialect.note(id ?? "", text))) {
      return;
    }
    this.#leave(event);
  }

  /** From the first thing that has no room on, nothing is drawn: a diagram has no holes. */
  #leave({ seq }: TraceEvent): void {
    this.firstLeftOut ??= seq;
    this.#full = true;
    this.#sent.clear();
  }

  /** Draws between actors, unless that goes over the limit. */
  #draw(
    phase: string,
    actors: readonly string[],
    make: (ids: readonly string[]) => string,
  ): boolean {
    if (this.#full) return false;
    const dialect = this.#dialect;
    const fresh = [...new Set(actors)].filter((actor) => !this.#ids.has(actor));
    const ids = new Map(fresh.map((actor, index) => [actor, `p${this.#ids.size + index}`]));
    const idOf = (actor: string): string => this.#ids.get(actor) ?? ids.get(actor) ?? "p0";
    let text = make(actors.map(idOf));
    if (phase !== this.#inPhase) {
      const before = this.#inPhase === undefined ? "" : dialect.phaseEnd();
      text = before + dialect.phase(dialect.escape(phase), idOf(actors[0] ?? "")) + text;
    }
    let characters = text.length;
    for (const [actor, id] of ids) {
      characters += dialect.participant(id, dialect.escape(shortened(actor, NAME_MAX))).length;
    }
    if (this.#characters + characters > DIAGRAM_LIMITS.characters) return false;
    for (const [actor, id] of ids) this.#ids.set(actor, id);
    this.#characters += characters;
    this.#inPhase = phase;
    this.#body += text;
    return true;
  }
}

/** Participants: as the header has them, then in the order in which they came up. */
function ordered(
  ids: ReadonlyMap<string, string>,
  actors: readonly string[],
): ReadonlyMap<string, string> {
  const order = new Map<string, string>();
  for (const actor of [...actors, ...ids.keys()]) {
    const id = ids.get(actor);
    if (id !== undefined) order.set(actor, id);
  }
  return order;
}

/** Draws a trace. */
export function* sequenceDiagram(
  source: ExportSource,
  dialect: Dialect,
): Generator<string, void, void> {
  const drawing = new Drawing(dialect, source);
  for (const event of source.events()) drawing.event(event);
  yield drawing.text(source);
}
