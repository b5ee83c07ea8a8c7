/**
 * Where no route fits: the path is not there (404), or it does not know the method (405).
 *
 * @module
 */
import type { Context } from "hono";
import { ProblemError } from "../problem.ts";
import type { Api } from "./operation.ts";
import { problemAnswer } from "./problems.ts";

/** A path with the methods it knows. */
interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

function patternOf(path: string): RegExp {
  const parts = path.split("/").map((part) =>
    part.startsWith(":") ? "[^/]+" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  );
  return new RegExp(`^${parts.join("/")}$`);
}

function knownPaths(app: Api): KnownPath[] {
  const byPath = new Map<string, KnownPath>();
  for (const { path, method } of app.routes) {
    // Those of middleware are no answers.
    if (method === "ALL") continue;
    const known = byPath.get(path) ?? { pattern: patternOf(path), methods: new Set() };
    known.methods.add(method);
    if (method === "GET") known.methods.add("HEAD");
    byPath.set(path, known);
  }
  return [...byPath.values()];
}

/** Answers requests that no route of the application takes. */
export function unknownPath(app: Api): (context: Context) => Response {
  let paths: KnownPath[] | undefined;
  return (context) => {
    paths ??= knownPaths(app);
    const found = paths.filter(({ pattern }) => pattern.test(context.req.path));
    if (found.length === 0) {
      throw new ProblemError("unknown-path", "/openapi.json lists all the paths there are");
    }
    const methods = [...new Set(found.flatMap((each) => [...each.methods]))].sort();
    const problem = new ProblemError("wrong-method", `The path knows ${methods.join(", ")}`);
    return problemAnswer(context, problem, { "Allow": methods.join(", ") });
  };
}
