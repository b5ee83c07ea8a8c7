/**
 * Which generation of the tools has a program (protocol.md A.2, A.7): a line written for another
 * one is told so instead of "not found".
 *
 * @module
 */

const GENERATIONS: Readonly<Record<string, readonly string[]>> = {
  krestore: ["rfc", "v4", "v7"],
  kjump_back_param: ["v7"],
};

const NAMES: Readonly<Record<string, string>> = {
  rfc: "the RFC of August 2007 (kernel 2.6.23-rfc)",
  v4: "khibernation v4",
  v7: "khibernation v7 (kernel 2.6.24-v7)",
  jump: "kexec jump of 2008 (kernel 2.6.27)",
  modern: "kexec-tools 2.0.25 (kernel 6.1)",
};

/** Why a program is not there, or `undefined` where nothing forbids it. */
export function generationHint(program: string, tools: string): string | undefined {
  const having = GENERATIONS[program];
  if (having === undefined || having.includes(tools)) return undefined;
  const others = having.map((name) => NAMES[name] ?? name).join(", ");
  return `${program} is a program of ${others}; this machine has the tools of ${
    NAMES[tools] ?? tools
  }`;
}
