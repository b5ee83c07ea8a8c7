/**
 * The real tools that tests ask for a second opinion. A tool that is not installed is named once
 * on the console, and the tests that need it are ignored.
 *
 * @module
 */

/** What a tool said. */
export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const known = new Map<string, boolean>();

/** Whether a program of this name (or at this path) can be started. */
export function hasTool(name: string): boolean {
  return probe(name, `tool '${name}' is missing`, ["sh", "-c", 'command -v "$1"', "sh", name]);
}

/** A Python 3 that has the module, or undefined: Debian's modules belong to Debian's Python. */
export function pythonWith(module: string): string | undefined {
  const found = ["/usr/bin/python3", "python3"].find((python) => {
    return probe(`${python} ${module}`, undefined, [python, "-c", `import ${module}`]);
  });
  if (found === undefined) probe(`python ${module}`, `Python module '${module}' is missing`, []);
  return found;
}

/** Runs a tool to its end, with the C locale. */
export async function run(tool: string, args: readonly string[]): Promise<ToolResult> {
  const command = new Deno.Command(tool, { args: [...args], env: { LC_ALL: "C" }, stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function probe(key: string, missing: string | undefined, command: readonly string[]): boolean {
  const before = known.get(key);
  if (before !== undefined) return before;
  const answer = succeeds(command);
  known.set(key, answer);
  // deno-lint-ignore no-console
  if (!answer && missing !== undefined) console.log(`${missing}: its oracle tests are ignored`);
  return answer;
}

function succeeds([program, ...args]: readonly string[]): boolean {
  if (program === undefined) return false;
  try {
    const options = { args, stdin: "null", stdout: "null", stderr: "null" } as const;
    return new Deno.Command(program, options).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
