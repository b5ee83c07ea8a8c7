/**
 * Reads one source file with the parser of `deno lint`, so that comments, strings and types are told
 * from code, and says where it breaks the rules of `rules.ts`. Works only under `deno test`.
 *
 * @module
 */
import { isAbsolute, normalize, posix } from "node:path";
import { FILE_RULES, IMPORT_RULES, SYNTAX_RULES, TEXT_RULES } from "./rules.ts";

/** A broken rule, and where. */
export interface Finding {
  /** Path from the project's folder. */
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  /** Name of the rule. */
  readonly rule: string;
  readonly says: string;
}

/** One import, re-export, `import()` or module URL. */
export interface Import {
  /** Path from the project's folder, or the bare specifier. */
  readonly target: string;
  readonly line: number;
}

/** What a source file says. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** The rules of syntax that it breaks. */
  readonly findings: readonly Finding[];
}

type Report = (node: Deno.lint.Node, rule: string, says: string) => void;
type Seen = (node: Deno.lint.Node, specifier: string) => void;

/** `path:line rule: what it says`, as compilers print it. */
export function show({ path, line, rule, says }: Finding): string {
  return `${path}:${line} ${rule}: ${says}`;
}

/** The path a relative specifier names, seen from a file; other specifiers as they are. */
export function resolve(path: string, specifier: string): string {
  if (!specifier.startsWith(".")) return isAbsolute(specifier) ? normalize(specifier) : specifier;
  return posix.join(posix.dirname(path), specifier);
}

function literal(node: Deno.lint.Node | null | undefined): string | undefined {
  return node?.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
}

/** Calls `seen` for whatever names another module. */
function importVisitor(seen: Seen): Deno.lint.LintVisitor {
  const note = (node: Deno.lint.Node, source: Deno.lint.Node | null | undefined): void => {
    const specifier = literal(source);
    if (specifier !== undefined) seen(node, specifier);
  };
  return {
    ImportDeclaration: (node) => note(node, node.source),
    ExportAllDeclaration: (node) => note(node, node.source),
    ExportNamedDeclaration: (node) => note(node, node.source),
    ImportExpression: (node) => note(node, node.source),
    TSImportType: (node) =>
      note(node, node.argument.type === "TSLiteralType" ? node.argument.literal : undefined),
    NewExpression(node): void {
      const specifier = literal(node.arguments[0]);
      const isUrl = node.callee.type === "Identifier" && node.callee.name === "URL";
      if (isUrl && specifier?.endsWith(".ts") === true) seen(node, specifier);
    },
  };
}

function ruleVisitor(path: string, report: Report): Deno.lint.LintVisitor {
  const visitor: Record<string, (node: Deno.lint.Node) => void> = {};
  for (const { rule, where, nodes, broken, says } of SYNTAX_RULES) {
    if (!where.test(path)) continue;
    const before = visitor[nodes];
    visitor[nodes] = (node) => {
      before?.(node);
      if (broken(node)) report(node, rule, says);
    };
  }
  return visitor;
}

/** Numbers of lines by offset. */
function lineCounter(text: string): (offset: number) => number {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return (offset) => starts.findLastIndex((start) => start <= offset) + 1;
}

/** Parses a file. */
export function read(path: string, text: string): Source {
  const lineOf = lineCounter(text);
  const imports: Import[] = [];
  const findings: Finding[] = [];
  const visit = (visitor: Deno.lint.LintVisitor): Deno.lint.Rule => ({ create: () => visitor });
  const report: Report = (node, rule, says) =>
    findings.push({ path, line: lineOf(node.range[0]), rule, says });
  const seen: Seen = (node, specifier) =>
    imports.push({ target: resolve(path, specifier), line: lineOf(node.range[0]) });
  Deno.lint.runPlugin(
    {
      name: "house",
      rules: {
        imports: visit(importVisitor(seen)),
        syntax: visit(ruleVisitor(path, report)),
        lengths: visit({
          ":matches(FunctionDeclaration, FunctionExpression, ArrowFunctionExpression)"(
            node: Deno.lint.Node,
          ): void {
            const lines = lineOf(node.range[1]) - lineOf(node.range[0]) + 1;
            if (lines > 70) report(node, "function-length", `${lines} lines, at most 70`);
          },
        }),
      },
    },
    path,
    text,
  );
  return { path, text, imports, findings };
}

/** All that one file breaks on its own. */
export function judge({ path, text, imports, findings }: Source): Finding[] {
  const found = [...findings];
  for (const { rule, where, says, test } of FILE_RULES) {
    if (where.test(path) && !test(path, text)) found.push({ path, line: 1, rule, says });
  }
  for (const { target, line } of imports) {
    for (const { rule, from, to, except, says } of IMPORT_RULES) {
      if (!from.test(path) || !to.test(target) || except?.test(`${path} ${target}`)) continue;
      found.push({ path, line, rule, says: `${says}: '${target}'` });
    }
  }
  return [...found, ...judgeText(path, text)];
}

/** The rules that look at lines only; for files of any kind. */
export function judgeText(path: string, text: string): Finding[] {
  return text.split("\n").flatMap((content, index) =>
    TEXT_RULES.filter(({ where, broken }) => where.test(path) && broken.test(content))
      .map(({ rule, says }) => ({ path, line: index + 1, rule, says }))
  );
}
