/**
 * The house rules as data: which files, what may not stand there, why. Each has a snippet in
 * `snippets.ts` that breaks it.
 *
 * @module
 */

type Node = Deno.lint.Node;
type Test = (node: Node) => boolean;

/** Something that may not occur in the syntax of a file. */
export interface SyntaxRule {
  readonly rule: string;
  readonly where: RegExp;
  /** Types of nodes to look at, as a `deno lint` plugin names them. */
  readonly nodes: string;
  readonly broken: Test;
  readonly says: string;
}

/** A pair of files of which the first may not import the second. */
export interface ImportRule {
  readonly rule: string;
  readonly from: RegExp;
  readonly to: RegExp;
  /** Tested against "from to". */
  readonly except?: RegExp;
  readonly says: string;
}

/** Something every file must be. */
export interface FileRule {
  readonly rule: string;
  readonly where: RegExp;
  readonly test: (path: string, text: string) => boolean;
  readonly says: string;
}

/** Something no line may have. */
export interface TextRule {
  readonly rule: string;
  readonly where: RegExp;
  readonly broken: RegExp;
  readonly says: string;
}

const SOURCE = /^(?:machine|actors|server|std)\/.*\.ts$|^(?:cli|mod)\.ts$/;
const ALL_CODE = /\.ts$/;
const ANY_FILE = /./;
/** Where nothing but its inputs decides what happens. */
const PURE = /^machine\/(?!host\/)|^actors\/(?!worker_entry\.ts$)|^mod\.ts$/;
/** What a browser runs: all of server/page but what makes the page. */
const PAGE = /^server\/page\/(?!(?:bundle|saved_page)\.ts$)/;
const ACTORS = /^actors\/(?!worker_entry\.ts$)/;

/** Whether an identifier is only the name of a member, a key or a type. */
function isOnlyName(node: Node): boolean {
  const parent = "parent" in node ? node.parent : undefined;
  switch (parent?.type) {
    case "MemberExpression":
      return parent.property === node && !parent.computed;
    case "Property":
      return parent.key === node && !parent.computed && !parent.shorthand;
    case "MethodDefinition":
    case "PropertyDefinition":
      return parent.key === node && !parent.computed;
    default:
      return parent?.type.startsWith("TS") === true;
  }
}

function isNamed(node: Node, names: readonly string[]): boolean {
  return node.type === "Identifier" && names.includes(node.name);
}

/** A global that is used in any way: called, passed on, taken apart. */
function uses(...names: string[]): Pick<SyntaxRule, "nodes" | "broken"> {
  return { nodes: "Identifier", broken: (node) => isNamed(node, names) && !isOnlyName(node) };
}

/** A member of a global, by name. */
function member(object: string, ...names: string[]): Pick<SyntaxRule, "nodes" | "broken"> {
  return {
    nodes: "MemberExpression",
    broken: (node) =>
      node.type === "MemberExpression" && isNamed(node.object, [object]) &&
      isNamed(node.property, names),
  };
}

function calls(...names: string[]): Pick<SyntaxRule, "nodes" | "broken"> {
  return {
    nodes: "CallExpression",
    broken: (node) => node.type === "CallExpression" && isNamed(node.callee, names),
  };
}

function makes(...names: string[]): Pick<SyntaxRule, "nodes" | "broken"> {
  return {
    nodes: "NewExpression",
    broken: (node) => node.type === "NewExpression" && isNamed(node.callee, names),
  };
}

/** `Date.UTC` is arithmetic; the rest of Date reads the clock or the time zone. */
function usesDate(node: Node): boolean {
  if (!isNamed(node, ["Date"]) || isOnlyName(node)) return false;
  const parent = "parent" in node ? node.parent : undefined;
  return parent?.type !== "MemberExpression" || !isNamed(parent.property, ["UTC"]);
}

const CLOCK = "the clock is the scheduler's (DESIGN.md 1, law 4)";
const RANDOM = "randomness comes from the seeded generator (DESIGN.md 1, law 5)";
const OUTSIDE = "only machine/host, server and cli.ts touch the host (DESIGN.md 2)";
const TIMER = "timers are effects (DESIGN.md 1, law 4)";

const TIMERS = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"];
const CONNECTIONS = ["Worker", "WebSocket", "EventSource", "BroadcastChannel"];
/** The simulated machine has consoles and processes of its own, so only the host's members count. */
const PRINTS = ["log", "info", "warn", "error", "debug", "trace", "table", "dir"];

/** What may not be called or named where, by syntax. */
export const SYNTAX_RULES: readonly SyntaxRule[] = [
  { rule: "clock", where: PURE, nodes: "Identifier", broken: usesDate, says: CLOCK },
  { rule: "clock", where: PURE, ...uses("performance", "Temporal"), says: CLOCK },
  { rule: "timer", where: PURE, ...uses(...TIMERS), says: TIMER },
  { rule: "randomness", where: PURE, ...member("Math", "random"), says: RANDOM },
  {
    rule: "randomness",
    where: PURE,
    ...member("crypto", "randomUUID", "getRandomValues"),
    says: RANDOM,
  },
  { rule: "host-call", where: PURE, ...uses("Deno", "globalThis"), says: OUTSIDE },
  { rule: "host-call", where: PURE, ...calls("fetch"), says: OUTSIDE },
  { rule: "host-call", where: PURE, ...makes(...CONNECTIONS), says: OUTSIDE },
  { rule: "host-call", where: PURE, ...member("Atomics", "wait", "waitAsync"), says: OUTSIDE },
  { rule: "host-call", where: PURE, ...member("console", ...PRINTS), says: OUTSIDE },
  {
    rule: "host-call",
    where: PURE,
    ...member("process", "hrtime", "nextTick", "stdout"),
    says: OUTSIDE,
  },
  {
    rule: "dynamic-import",
    where: PURE,
    nodes: "ImportExpression",
    broken: () => true,
    says: "what is imported is known before anything runs",
  },
  {
    rule: "promise",
    where: ACTORS,
    nodes:
      ":matches(AwaitExpression, FunctionDeclaration, FunctionExpression, ArrowFunctionExpression)",
    broken: (node) => node.type === "AwaitExpression" || "async" in node && node.async,
    says: "a step is a function, without promises (DESIGN.md 1, law 4)",
  },
  {
    rule: "any",
    where: ALL_CODE,
    nodes: "TSAnyKeyword",
    broken: () => true,
    says: "'any' switches the types off; 'unknown' and a guard do not",
  },
  {
    rule: "double-cast",
    where: ALL_CODE,
    nodes: "TSAsExpression",
    broken: (node) =>
      node.type === "TSAsExpression" && node.expression.type === "TSAsExpression" &&
      node.expression.typeAnnotation.type === "TSUnknownKeyword",
    says: "'as unknown as' says what the compiler knows to be untrue",
  },
  {
    rule: "one-listener",
    where: /^(?:machine|actors|server)\/(?!serve\.ts$)|^(?:cli|mod)\.ts$/,
    ...member("Deno", "serve", "listen", "listenTls", "listenDatagram"),
    says: "only server/serve.ts listens; the application is a function of requests",
  },
  {
    rule: "page-types",
    where: PAGE,
    nodes: "ImportDeclaration",
    broken: (node) =>
      node.type === "ImportDeclaration" && node.importKind !== "type" &&
      node.source.value.includes("/api/shapes/"),
    says: "the page takes types of the shapes only: their guards stay on the server",
  },
  {
    rule: "page-host",
    where: PAGE,
    ...uses("Deno"),
    says: "the page runs in a browser",
  },
  {
    rule: "only-re-exports",
    where: /^mod\.ts$/,
    nodes: "Program > *",
    broken: ({ type }) => type !== "ExportNamedDeclaration" && type !== "ExportAllDeclaration",
    says: "mod.ts re-exports and does nothing else",
  },
];

/** Which way the arrows may not run. */
export const IMPORT_RULES: readonly ImportRule[] = [
  {
    rule: "machine-below",
    from: /^machine\//,
    to: /^(?:actors|server|tests)\/|^(?:cli|mod)\.ts$/,
    says: "machine/ may not import what is built on it",
  },
  {
    rule: "actors-below",
    from: /^actors\//,
    to: /^(?:server|tests)\/|^(?:cli|mod)\.ts$/,
    says: "actors/ may not import what is built on them",
  },
  {
    rule: "server-below",
    from: /^(?:server\/|mod\.ts$)/,
    to: /^tests\/|^(?:cli|mod)\.ts$/,
    says: "only cli.ts dispatches, and nobody imports it, mod.ts or tests",
  },
  {
    rule: "page-alone",
    from: PAGE,
    to: /^(?!server\/page\/|server\/api\/shapes\/|machine\/|lit-html)|^machine\/host\/|^node:/,
    says: "the page imports itself, machine/, types of the shapes and lit-html",
  },
  {
    rule: "foreign-judge",
    from: /^machine\/conformance\//,
    to: /^actors\//,
    says: "rules judge foreign traces too, so they know no actor",
  },
  {
    rule: "formats-alone",
    from: /^machine\/formats\//,
    to: /^(?!machine\/formats\/|machine\/(?:errors|limits|digest)\.ts$|node:)/,
    says: "the image tools stand alone: errors, limits, digest and other formats only",
  },
  {
    rule: "host-users",
    from: /^(?:machine\/(?!host\/)|actors\/(?!(?:device_|platform_)?worker_entry\.ts$)|mod\.ts$)/,
    to: /^machine\/host\//,
    says: "only cli.ts, server/ and the worker entries import machine/host/",
  },
  {
    rule: "packages",
    from: /^(?:machine\/(?!host\/)|actors\/|mod\.ts$)/,
    to: /^(?!machine\/|actors\/|server\/|tests\/|std\/|node:|[a-z_]+\.ts$)/,
    says: "machine/ and actors/ need no package",
  },
  {
    rule: "node-modules",
    from: /^(?:machine\/(?!host\/)|actors\/|mod\.ts$)/,
    to: /^node:/,
    except:
      / node:buffer$|^machine\/digest\.ts node:(?:crypto|zlib)$|^machine\/formats\/\S+ node:zlib$/,
    says: "only node:buffer, digests through machine/digest.ts, compression in formats",
  },
  {
    rule: "stand-ins",
    from: /^std\//,
    to: /^(?!std\/|node:)/,
    says: "a stand-in has nothing but the platform",
  },
];

/** A path of words in lower case, joined by underscores. */
const SNAKE_PATH = /^(?:_?[a-z0-9]+(?:_[a-z0-9]+)*\/)*_?[a-z0-9]+(?:_[a-z0-9]+)*(?:\.d)?\.ts$/;

/** What every source file is. */
export const FILE_RULES: readonly FileRule[] = [
  {
    rule: "file-length",
    where: ALL_CODE,
    test: (_, text) => text.trimEnd().split("\n").length <= 400,
    says: "more than 400 lines",
  },
  {
    rule: "file-name",
    where: ALL_CODE,
    test: (path) => SNAKE_PATH.test(path),
    says: "names of files are snake_case",
  },
  {
    rule: "module-header",
    where: SOURCE,
    test: (_, text) => /^(?:#!.*\n)?\/\*\*(?:(?!\*\/)[^])*@module\b(?:(?!\*\/)[^])*\*\//.test(text),
    says: "a header says what the module is, promises and does not ('/** … @module */')",
  },
];

/** Words are put together here, so that this file does not break its own rule. */
const ELSEWHERE = new RegExp(["\\.\\./" + "shared\\b", "(?:^|[^\\w.])/" + "work/"].join("|"));

/** What no line has. */
export const TEXT_RULES: readonly TextRule[] = [
  {
    rule: "line-length",
    where: SOURCE,
    broken: /^.{101,}$/u,
    says: "more than 100 characters",
  },
  {
    rule: "switched-off-check",
    where: ALL_CODE,
    broken: new RegExp("@ts-" + "(?:ignore|expect-error|nocheck)"),
    says: "the compiler stays on",
  },
  {
    rule: "unfinished",
    where: ANY_FILE,
    broken: new RegExp("\\b(?:TO" + "DO|FIX" + "ME)\\b"),
    says: "finish it, or write down what is left out as a sentence",
  },
  {
    rule: "elsewhere",
    where: ANY_FILE,
    broken: ELSEWHERE,
    says: "a path outside of the project",
  },
];
