/**
 * A moment of a run as the end of an address: `#run=…&seq=…&from=…&lanes=…&pane=…&beside=…`. What
 * is not understood is left out, so that any address opens the page.
 *
 * @module
 */
import { type PageState, type Pane, PANES } from "./model.ts";

/** The part of the state that an address holds. */
export type Shared = Pick<PageState, "run" | "cursor" | "range" | "lanes" | "pane" | "beside"> & {
  readonly hidden: readonly string[];
};

const RUN = /^[0-9a-f]{16,64}$/;
const RANGE = /^(\d{1,15})-(\d{1,15})$/;
const NUMBER = /^\d{1,15}$/;

/** The address' end for a state; "" where there is nothing to say. */
export function encodeHash(shared: Shared): string {
  const parts: string[] = [];
  if (shared.run !== undefined) parts.push(`run=${shared.run}`);
  if (shared.cursor >= 0) parts.push(`seq=${shared.cursor}`);
  if (shared.range !== undefined) parts.push(`from=${shared.range.from}-${shared.range.to}`);
  const lanes = [...shared.lanes, ...shared.hidden.map((name) => `-${name}`)];
  if (lanes.length > 0) parts.push(`lanes=${lanes.map(encodeURIComponent).join(",")}`);
  if (shared.pane !== "event") parts.push(`pane=${shared.pane}`);
  if (shared.beside !== undefined) parts.push(`beside=${shared.beside}`);
  return parts.length === 0 ? "" : `#${parts.join("&")}`;
}

/** What an address' end says. */
export function decodeHash(hash: string): Shared {
  const fields = new Map<string, string>();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    if (at > 0) fields.set(part.slice(0, at), part.slice(at + 1));
  }
  const lanes = (fields.get("lanes") ?? "").split(",").map(decoded).filter((name) => name !== "");
  const range = RANGE.exec(fields.get("from") ?? "");
  const seq = fields.get("seq") ?? "";
  return {
    run: runOf(fields.get("run")),
    cursor: NUMBER.test(seq) ? Number(seq) : -1,
    range: range === null || Number(range[1]) > Number(range[2])
      ? undefined
      : { from: Number(range[1]), to: Number(range[2]) },
    lanes: lanes.filter((name) => !name.startsWith("-")),
    hidden: lanes.filter((name) => name.startsWith("-")).map((name) => name.slice(1)),
    pane: paneOf(fields.get("pane")),
    beside: runOf(fields.get("beside")),
  };
}

function runOf(text: string | undefined): string | undefined {
  return text !== undefined && RUN.test(text) ? text : undefined;
}

function paneOf(text: string | undefined): Pane {
  return PANES.find((pane) => pane === text) ?? "event";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
