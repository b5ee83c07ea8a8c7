import assert from "node:assert/strict";
import { registryOf } from "../../machine/actor.ts";
import { DOWN_PHASES, UP_PHASES } from "../../machine/protocol/facts.ts";
import { kernelBehaviour } from "../../actors/kernel/kernel.ts";
import { done, procedure } from "../../actors/kernel/procedure.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { physicalModeFile } from "../../actors/programs/physical_mode_program.ts";
import { PROCEDURES, procedureTable, REGISTRY } from "../../actors/registry.ts";
import { type MachineOptions, runMachine } from "./machine_kit.ts";
import { brokenRules, facts, fieldsOf, judge, type Run } from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });
const load = (file: string): string =>
  `kexec --load-preserve-context --args-none ${file} --mem-max=0xffffff`;

/** A runs, has work, calls the code in a file once; then what the test wants. */
function callCode(
  options: Partial<MachineOptions> & { readonly profile: string; readonly file?: string },
  after: readonly OperatorStep[] = [],
): Run {
  const { file = "/boot/phy_mode", ...machine } = options;
  return runMachine({
    ...machine,
    recoversFromReset: false,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 32 2"),
      typed("A", load(file)),
      typed("A", "kexec -e"),
      ...after,
      typed("A", "check"),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "returned" },
    ],
  });
}

function calls(run: Run): string[] {
  return run.lines.filter((line) => line.startsWith("phy_mode: ")).map((line) => line.slice(20));
}

function well(run: Run, what: string): void {
  assert.equal(run.outcome, "returned", what);
  assert.ok(run.lines.at(-1)?.endsWith("all well"), what);
  assert.equal(brokenRules(judge(run)).reasons, "", what);
}

const CHECKSUM = "checksum 0x30b59df5";

Deno.test("physical-mode code is called with paging off on i386, and A goes on behind the call", () => {
  for (const cpus of [1, 2]) {
    const run = callCode({ profile: "2.6.27", cpus });
    well(run, `${cpus} processors`);
    assert.deepEqual(calls(run), [`call 1, paging off, ${CHECKSUM}`]);
    // Its devices are frozen before the call and restored behind it, as for a peer kernel.
    const phases = [...new Set(fieldsOf(run, "phase", "A").map(({ name }) => name))];
    assert.deepEqual(phases, [...DOWN_PHASES, ...UP_PHASES]);
    const walks = fieldsOf(run, "swap", "A");
    assert.equal(walks.length, 2);
    // The whole window is exchanged, not only the three pages of the program.
    assert.ok(Number(walks[0]?.["count"]) > 3900, String(walks[0]?.["count"]));
  }
});

Deno.test("code that merely returns leaves the next page's first word as its entry (P1)", () => {
  const run = callCode({ profile: "2.6.27" }, [
    typed("A", "kexec -e"),
    typed("A", "cat /sys/kernel/kexec_loaded"),
    typed("A", load("/boot/phy_mode")),
    typed("A", "kexec -e"),
  ]);
  well(run, "quirk");
  const [out, back] = fieldsOf(run, "jump");
  assert.equal(Number(back?.["sp"]), Number(out?.["sp"]) + 4);
  assert.equal(Number(back?.["sp"]) % 4096, 0, "SP stands at the end of the swap page");
  const start = String(fieldsOf(run, "image_start", "A")[0]?.["start"]);
  assert.notEqual(start, out?.["entry"]);
  assert.ok(run.lines.some((line) => line.includes(`left ${start}, where nobody's entry is`)));
  // Loaded again it works, with fresh data.
  assert.deepEqual(calls(run), Array(2).fill(`call 1, paging off, ${CHECKSUM}`));
  const refusal = fieldsOf(run, "tool", "A").find(({ status }) => status === 1);
  assert.equal(refusal?.["arguments"], "-e");
  const { verdict } = judge(run).rules.find(({ id }) => id === "F27") ?? {};
  assert.equal(verdict, "held");
});

Deno.test("without the tool's look at the entry the second call runs garbage: F27, a reset", () => {
  const blind = PROCEDURES.map((one) =>
    one.name === "kexec_check_start"
      ? procedure(one.name, [{ name: "blind", run: () => done() }])
      : one
  );
  const others = [...REGISTRY.values()].filter(({ kind }) => kind !== "kernel");
  const registry = registryOf([...others, kernelBehaviour(procedureTable(blind))]);
  const run = callCode({ profile: "2.6.27", registry }, [typed("A", "kexec -e")]);
  assert.match(run.outcome, /saw a reset/);
  assert.ok(String(facts(run.events, "panic")[0]?.summary?.["reason"]).startsWith("#UD at 0x"));
  // F97: what begins behind the point of no return does not come back.
  assert.deepEqual(brokenRules(judge(run)).ids, ["F27", "F97"]);
});

Deno.test("with its entry pushed, code that merely returns can be called any number of times", () => {
  const again = [typed("A", "kexec -e"), typed("A", "kexec -e")];
  const run = callCode({ profile: "6.1-cured", cpus: 2 }, again);
  well(run, "cured");
  const counted = [1, 2, 3].map((call) => `call ${call}, identity map, ${CHECKSUM}`);
  assert.deepEqual(calls(run), counted, "its data page is kept among A's source pages");
  const starts = fieldsOf(run, "image_start", "A").map(({ start }) => start);
  assert.deepEqual(starts, ["0x200000", "0x200000", "0x200000"]);
});

Deno.test("code that calls the entry its caller left can be called again on any kernel", () => {
  const run = callCode({ profile: "2.6.27", file: "/boot/phy_mode_call" }, [
    typed("A", "kexec -e"),
  ]);
  well(run, "calls back");
  assert.deepEqual(calls(run).map((line) => line.slice(0, 6)), ["call 1", "call 2"]);
  assert.equal(fieldsOf(run, "image_start", "A")[0]?.["start"], "0x200000");
});

Deno.test("stock 6.1 faults on the way back from physical-mode code: nobody left a GDT (P2)", () => {
  const run = callCode({ profile: "6.1" });
  assert.match(run.outcome, /saw a reset/);
  assert.match(String(facts(run.events, "panic")[0]?.summary?.["reason"]), /#GP\(0x18\)/);
  assert.deepEqual(calls(run), [`call 1, identity map, ${CHECKSUM}`]);
});

Deno.test("a physical-mode program whose bytes are not those of its stamp is not run", () => {
  const run = runMachine({
    profile: "2.6.27",
    recoversFromReset: false,
    rootFiles: [{ path: "/boot/damaged", data: damaged(), mode: 0o755 }],
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", load("/boot/damaged")),
      typed("A", "kexec -e"),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "returned" },
    ],
  });
  assert.match(run.outcome, /saw a reset/);
  assert.deepEqual(calls(run), []);
});

function damaged(): Uint8Array {
  const file = physicalModeFile({ arch: "i386", returns: "ret" });
  file[0x1800] = (file[0x1800] ?? 0) ^ 1;
  return file;
}
