/**
 * A program that opens a desk, asks it something, and closes it.
 *
 * @module
 */
import { openDesk } from "../../../server/desk/desk.ts";
import { ProblemError } from "../../../server/problem.ts";

const desk = openDesk({ folder: "/tmp" });
try {
  await desk.inspect("/tmp/there-is-no-such-file");
} catch (error) {
  const line = error instanceof ProblemError ? error.problem : String(error);
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}
desk.close();
