/**
 * The difference between two plain states as a tree: what came, what went, what changed, and how
 * much stayed as it was. Knows no DOM.
 *
 * Promises: a tree without marks stands for equal states, and from the tree's leaves the state
 * after can be told from that before.
 *
 * @module
 */

/** What became of a part. */
export type DiffSign = "added" | "removed" | "changed" | "same";

/** One part of a state. */
export interface DiffNode {
  /** Name or index within its parent; "" for the whole. */
  readonly key: string;
  readonly sign: DiffSign;
  /** Of leaves, and of what was replaced as a whole. */
  readonly before?: unknown;
  readonly after?: unknown;
  /** Parts of an object or list that stands on both sides; only those that differ. */
  readonly children?: readonly DiffNode[];
  /** Parts that are equal and not listed. */
  readonly unchanged?: number;
}

type Parts = { readonly [key: string]: unknown };

function isParts(value: unknown): value is Parts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether two plain values are equal. */
export function samePlain(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length &&
      left.every((item, index) => samePlain(item, right[index]));
  }
  if (!isParts(left) || !isParts(right)) return false;
  const names = Object.keys(left);
  return names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && samePlain(left[name], right[name]));
}

function came(key: string, after: unknown): DiffNode {
  return { key, sign: "added", after };
}

function went(key: string, before: unknown): DiffNode {
  return { key, sign: "removed", before };
}

function branch(key: string, children: readonly DiffNode[], unchanged: number): DiffNode {
  return { key, sign: children.length === 0 ? "same" : "changed", children, unchanged };
}

function diffParts(key: string, before: Parts, after: Parts): DiffNode {
  const children: DiffNode[] = [];
  let unchanged = 0;
  for (const name of Object.keys(before)) {
    if (!Object.hasOwn(after, name)) children.push(went(name, before[name]));
    else if (samePlain(before[name], after[name])) unchanged++;
    else children.push(diffStates(before[name], after[name], name));
  }
  for (const name of Object.keys(after)) {
    if (!Object.hasOwn(before, name)) children.push(came(name, after[name]));
  }
  return branch(key, children, unchanged);
}

/** How many items are equal from the beginning, and then from the end. */
function ends(before: readonly unknown[], after: readonly unknown[]): [number, number] {
  const most = Math.min(before.length, after.length);
  let first = 0;
  while (first < most && samePlain(before[first], after[first])) first++;
  let last = 0;
  while (last < most - first && samePlain(before.at(-1 - last), after.at(-1 - last))) last++;
  return [first, last];
}

/** Lists lose and gain mostly at one place: what is equal at both ends is left alone. */
function diffLists(key: string, before: readonly unknown[], after: readonly unknown[]): DiffNode {
  const [first, last] = ends(before, after);
  const old = before.slice(first, before.length - last);
  const fresh = after.slice(first, after.length - last);
  const children: DiffNode[] = [];
  let unchanged = first + last;
  for (let index = 0; index < Math.max(old.length, fresh.length); index++) {
    const name = String(first + index);
    if (index >= fresh.length) children.push(went(name, old[index]));
    else if (index >= old.length) children.push(came(name, fresh[index]));
    else if (samePlain(old[index], fresh[index])) unchanged++;
    else children.push(diffStates(old[index], fresh[index], name));
  }
  return branch(key, children, unchanged);
}

/** The difference of two states; `undefined` stands for no state. */
export function diffStates(before: unknown, after: unknown, key = ""): DiffNode {
  if (before === undefined && after === undefined) return { key, sign: "same" };
  if (before === undefined) return came(key, after);
  if (after === undefined) return went(key, before);
  if (samePlain(before, after)) return { key, sign: "same", after };
  if (isParts(before) && isParts(after)) return diffParts(key, before, after);
  if (Array.isArray(before) && Array.isArray(after)) return diffLists(key, before, after);
  return { key, sign: "changed", before, after };
}

/** How many leaves came, went and changed. */
export function diffCounts(node: DiffNode): { added: number; removed: number; changed: number } {
  const counts = { added: 0, removed: 0, changed: 0 };
  const visit = (one: DiffNode) => {
    if (one.children !== undefined) one.children.forEach(visit);
    else if (one.sign !== "same") counts[one.sign]++;
  };
  visit(node);
  return counts;
}
