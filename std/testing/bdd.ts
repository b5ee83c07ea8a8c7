/**
 * `describe` and `it` over `Deno.test`, as `@std/testing/bdd` has them: the outermost `describe` is
 * a test, what stands inside are its steps, hooks run from the outside in and back out.
 *
 * @module
 */

type Body = (context: Deno.TestContext) => unknown;
type Hook = () => unknown;

interface Suite {
  readonly name: string;
  readonly ignore: boolean;
  readonly parent: Suite | undefined;
  readonly members: (Suite | Case)[];
  readonly hooks: Record<HookName, Hook[]>;
}
interface Case {
  readonly name: string;
  readonly ignore: boolean;
  readonly body: Body;
}
type HookName = "beforeAll" | "beforeEach" | "afterEach" | "afterAll";

/** The `describe` whose body is being run, while tests are declared. */
let open: Suite | undefined;

function hook(name: HookName, body: Hook): void {
  if (open === undefined) throw new TypeError(`Cannot set ${name} outside of describe`);
  open.hooks[name].push(body);
}

/** Runs once before the first test of the suite. */
export function beforeAll(body: Hook): void {
  hook("beforeAll", body);
}

/** Runs before every test of the suite and of the suites in it. */
export function beforeEach(body: Hook): void {
  hook("beforeEach", body);
}

/** Runs after every test of the suite and of the suites in it, also after a failed one. */
export function afterEach(body: Hook): void {
  hook("afterEach", body);
}

/** Runs once after the last test of the suite. */
export function afterAll(body: Hook): void {
  hook("afterAll", body);
}

async function runAll(hooks: readonly Hook[]): Promise<void> {
  for (const body of hooks) await body();
}

/** The suites from the outermost to this one. */
function chain(suite: Suite): Suite[] {
  return suite.parent === undefined ? [suite] : [...chain(suite.parent), suite];
}

async function runCase(suite: Suite, one: Case, context: Deno.TestContext): Promise<void> {
  const outside = chain(suite);
  try {
    for (const around of outside) await runAll(around.hooks.beforeEach);
    await one.body(context);
  } finally {
    for (const around of outside.reverse()) await runAll(around.hooks.afterEach);
  }
}

async function runSuite(suite: Suite, context: Deno.TestContext): Promise<void> {
  try {
    await runAll(suite.hooks.beforeAll);
    for (const member of suite.members) {
      await context.step({
        name: member.name,
        ignore: member.ignore,
        fn: (inner) =>
          "members" in member ? runSuite(member, inner) : runCase(suite, member, inner),
      });
    }
  } finally {
    await runAll(suite.hooks.afterAll);
  }
}

function addSuite(name: string, body: () => void, ignore: boolean): void {
  const hooks = { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] };
  const suite: Suite = { name, ignore, parent: open, members: [], hooks };
  open = suite;
  try {
    body();
  } finally {
    open = suite.parent;
  }
  if (open !== undefined) open.members.push(suite);
  else Deno.test({ name, ignore, fn: (context) => runSuite(suite, context) });
}

function addCase(name: string, body: Body, ignore: boolean): void {
  if (open !== undefined) open.members.push({ name, ignore, body });
  else Deno.test({ name, ignore, fn: async (context) => void await body(context) });
}

/** Declares a suite, or with `skip` one that is not run. */
export interface Describe {
  (name: string, body: () => void): void;
  skip(name: string, body: () => void): void;
  ignore(name: string, body: () => void): void;
}

/** Declares a test, or with `skip` one that is not run. */
export interface It {
  (name: string, body: Body): void;
  skip(name: string, body: Body): void;
  ignore(name: string, body: Body): void;
}

const skipSuite = (name: string, body: () => void): void => addSuite(name, body, true);
const skipCase = (name: string, body: Body): void => addCase(name, body, true);

/** Declares a suite of tests. */
export const describe: Describe = Object.assign(
  (name: string, body: () => void): void => addSuite(name, body, false),
  { skip: skipSuite, ignore: skipSuite },
);

/** Declares a test. */
export const it: It = Object.assign(
  (name: string, body: Body): void => addCase(name, body, false),
  { skip: skipCase, ignore: skipCase },
);
