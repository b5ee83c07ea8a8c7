/**
 * The house's scenarios by name.
 *
 * @module
 */

const FOLDER = new URL("../../fixtures/scenarios/", import.meta.url);
const NAME = /^[a-z0-9][a-z0-9.-]{0,79}$/;

/** The text of a scenario; `undefined` where there is none of that name. */
export function scenarioText(name: string): string | undefined {
  if (!NAME.test(name)) return undefined;
  try {
    return Deno.readTextFileSync(new URL(`${name}.md`, FOLDER));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
