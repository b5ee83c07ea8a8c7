/**
 * Single records of the trace-event format, as text: numbers of ns do not fit a JSON number of
 * µs without loss, so they are written digit by digit.
 *
 * @module
 */

/** Where an actor's handlings lie. */
export const HANDLING_THREAD = 1;
/** Where an actor's states lie. */
export const STATE_THREAD = 2;

/** JSON in which every text is well-formed Unicode, which readers not in JavaScript insist on. */
function json(value: string | Arguments): string {
  const text = JSON.stringify(value);
  // Halves of characters come out as escapes; a text that speaks of them costs a second look.
  if (!text.includes("\\ud")) return text;
  if (typeof value === "string") return JSON.stringify(value.toWellFormed());
  return JSON.stringify(Object.fromEntries(
    Object.entries(value).map(([name, content]) => [
      name.toWellFormed(),
      typeof content === "string" ? content.toWellFormed() : content,
    ]),
  ));
}

/** What is shown of a record that is clicked on. */
export type Arguments = Readonly<Record<string, string | number | boolean>>;

/** ns as µs with three decimals. */
export function microseconds(nanoseconds: number): string {
  const whole = Math.floor(nanoseconds / 1000);
  return `${whole}.${String(nanoseconds - whole * 1000).padStart(3, "0")}`;
}

/** What a slice or an instant says. */
export interface RecordParts {
  readonly name: string;
  readonly cat: string;
  readonly dur?: string;
  readonly s?: "t" | "p" | "g";
  readonly args?: Arguments;
}

/** A slice, or an instant. */
export function record(
  phase: "X" | "i",
  pid: number,
  ts: number,
  { name, cat, dur, s, args }: RecordParts,
  tid: number = HANDLING_THREAD,
): string {
  return `{"ph":"${phase}","pid":${pid},"tid":${tid},"ts":${microseconds(ts)}` +
    (dur === undefined ? "" : `,"dur":${dur}`) + (s === undefined ? "" : `,"s":"${s}"`) +
    `,"cat":"${cat}","name":${json(name)}` +
    (args === undefined ? "" : `,"args":${json(args)}`) + "}";
}

function identity(msg: number): string {
  return `"0x${msg.toString(16)}"`;
}

/** Begin or end of a message in flight. */
export function asynchronous(
  phase: "b" | "e",
  msg: number,
  { pid, name }: { readonly pid: number; readonly name: string },
  ts: number,
  args: Arguments,
): string {
  return `{"ph":"${phase}","pid":${pid},"tid":${HANDLING_THREAD},"ts":${microseconds(ts)}` +
    `,"id":${identity(msg)},"cat":"message","name":${json(name)}` +
    `,"args":${json(args)}}`;
}

/** Begin or end of an arrow; it binds to the slice that was written last at that time. */
export function flow(phase: "s" | "f", msg: number, name: string, pid: number, ts: number): string {
  return `{"ph":"${phase}","pid":${pid},"tid":${HANDLING_THREAD},"ts":${microseconds(ts)}` +
    `,"id":${identity(msg)},"cat":"message","name":${json(name)}` +
    (phase === "f" ? ',"bp":"e"}' : "}");
}

/** The new value of a counter. */
export function counter(pid: number, ts: number, name: string, args: Arguments): string {
  return `{"ph":"C","pid":${pid},"tid":0,"ts":${microseconds(ts)},"cat":"count","name":"${name}"` +
    `,"args":${json(args)}}`;
}

/** The name, or the place among the others, of a process or thread. */
export function metadata(pid: number, tid: number, name: string, args: Arguments): string {
  return `{"ph":"M","pid":${pid},"tid":${tid},"ts":0,"cat":"__metadata","name":"${name}","args":${
    json(args)
  }}`;
}
