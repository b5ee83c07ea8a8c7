/**
 * Reads what a diagram needs from an event's canonical line (DESIGN.md 5) without parsing it: keys
 * stand in one order, so one pass over the beginning is enough; summaries are not touched. Names
 * are given as they stand between their quotes. A line in another form is parsed as JSON.
 *
 * @module
 */

/** What was read last; texts are raw, `""` and -1 stand for what is absent. */
export interface ScannedLine {
  seq: number;
  vt: number;
  kind: string;
  actor: string;
  source: string;
  target: string;
  type: string;
  msg: number;
  cause: number;
  state: string;
}

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const CLOSE = 125;
const ZERO = 48;

/** A scanner with one result that it uses again and again: 200 000 lines make no objects. */
export class LineScanner {
  readonly found: ScannedLine = {
    seq: 0,
    vt: 0,
    kind: "",
    actor: "",
    source: "",
    target: "",
    type: "",
    msg: -1,
    cause: -1,
    state: "",
  };
  #line = "";
  #at = 0;

  /**
   * Reads a line into {@linkcode found}.
   *
   * @throws SyntaxError where it is no JSON object of an event.
   */
  scan(line: string): void {
    this.#line = line;
    this.#at = 0;
    if (!this.#fixed() || !this.#optional()) this.#parse();
  }

  /** The five keys that every event begins with. */
  #fixed(): boolean {
    const { found } = this;
    if (!this.#word('{"seq":')) return false;
    found.seq = this.#number();
    if (!this.#word(',"vt":')) return false;
    found.vt = this.#number();
    if (!this.#word(',"lamport":')) return false;
    this.#number();
    if (!this.#word(',"kind":"')) return false;
    found.kind = this.#text();
    if (!this.#word(',"actor":"')) return false;
    found.actor = this.#text();
    return true;
  }

  /** The others up to the summary. */
  #optional(): boolean {
    const { found } = this;
    const line = this.#line;
    found.source =
      found.target =
      found.type =
      found.state =
        "";
    found.msg = found.cause = -1;
    while (line.charCodeAt(this.#at) === COMMA) {
      if (this.#word(',"source":"')) found.source = this.#text();
      else if (this.#word(',"target":"')) found.target = this.#text();
      else if (this.#word(',"type":"')) found.type = this.#text();
      else if (this.#word(',"msg":')) found.msg = this.#number();
      else if (this.#word(',"cause":')) found.cause = this.#number();
      else if (this.#word(',"state":"')) found.state = this.#text();
      else return /^,"(?:summary|blob|rule|origin)":/.test(line.slice(this.#at, this.#at + 12));
    }
    return line.charCodeAt(this.#at) === CLOSE;
  }

  #word(word: string): boolean {
    if (!this.#line.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #number(): number {
    const line = this.#line;
    let at = this.#at;
    let value = 0;
    for (;;) {
      const digit = line.charCodeAt(at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      at++;
    }
    this.#at = at;
    return value;
  }

  /** Up to the closing quote, which is passed over. */
  #text(): string {
    const line = this.#line;
    const from = this.#at;
    let end = line.indexOf('"', from);
    while (end > from && isEscaped(line, end)) end = line.indexOf('"', end + 1);
    if (end < 0) throw new SyntaxError("a text in an event does not end");
    this.#at = end + 1;
    return line.slice(from, end);
  }

  #parse(): void {
    const event: unknown = JSON.parse(this.#line);
    if (typeof event !== "object" || event === null || !("seq" in event)) {
      throw new SyntaxError("a line is not an event");
    }
    const fields = event as Readonly<Record<string, unknown>>;
    const { found } = this;
    found.seq = numberOf(fields["seq"]);
    found.vt = numberOf(fields["vt"]);
    found.msg = numberOf(fields["msg"]);
    found.cause = numberOf(fields["cause"]);
    for (const name of ["kind", "actor", "source", "target", "type", "state"] as const) {
      const value = fields[name];
      found[name] = typeof value === "string" ? JSON.stringify(value).slice(1, -1) : "";
    }
  }
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : -1;
}

/** Whether the quote at an index is part of the text: an odd number of backslashes before it. */
function isEscaped(line: string, quote: number): boolean {
  let at = quote - 1;
  while (line.charCodeAt(at) === BACKSLASH) at--;
  return line.charCodeAt(quote) === QUOTE && (quote - at) % 2 === 0;
}
