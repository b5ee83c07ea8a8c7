import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { KERNEL_KEXEC_PROCEDURES } from "../../actors/kernel/kernel_kexec.ts";
import { JUMP_BUFFER_PROCEDURES } from "../../actors/kernel/jump_buffer_reboot.ts";
import { done, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import type { KernelState, KexecImage } from "../../actors/kernel/state.ts";
import { KEXEC_PROCEDURES } from "../../actors/programs/kexec.ts";
import { type Call, diskWith, type KernelRun, runKernel } from "./kernel_kit.ts";

const MIB = 1024 ** 2;

const IMAGE: KexecImage = {
  segments: [],
  preserve: true,
  start: 0x100_0000,
  head: 4,
  controlPfn: 5000,
  swapPfn: 5002,
  indirection: [],
  owned: [],
};

const kexec = (...words: string[]): Call => ["program:kexec", { argv: ["kexec", ...words] }];

const returning = (name: string, value: number): Procedure =>
  procedure(name, [{ name: "answer", run: () => done(value) }]);

interface ToolPlan {
  readonly calls: readonly Call[];
  readonly profile?: string;
  readonly state?: Partial<KernelState>;
  readonly procedures?: readonly Procedure[];
}

function tool({ calls, profile = "2.6.27", state, procedures = [] }: ToolPlan) {
  const run = runKernel({
    medium: diskWith([{ mib: 1, files: [] }]),
    calls,
    procedures: [...KEXEC_PROCEDURES, ...procedures],
    state: { profile, ...state },
  });
  return { run, said: run.printed() };
}

const status = (run: KernelRun) => run.results.at(-1);

const JUMPS: readonly Procedure[] = [
  returning("sys_reboot_kjump_to", -ERRNO.EBUSY),
  returning("sys_reboot_kjump_back", -ERRNO.EINVAL),
];
const RFC = "2.6.23-rfc";

Deno.test("kexec -j of the RFC syncs and leaves interfaces alone, -b and -e take them down (A.7)", () => {
  const crash = { start: 16 * MIB, end: 17 * MIB, image: { ...IMAGE, preserve: false } };
  const state = { crash, image: IMAGE };
  const down = procedure("interfaces_down", [{
    name: "say",
    run: (kernel) => {
      kernel.say("down");
      return done(0);
    },
  }]);
  const procedures = [...JUMPS, returning("sys_reboot_kexec", 0), down];
  const of = (...words: string[]) => {
    const { run, said } = tool({ calls: [kexec(...words)], profile: RFC, state, procedures });
    return { status: status(run), said, syncs: run.facts("sync").length };
  };
  deepStrictEqual(of("-j"), {
    status: 255,
    said: ["kexec jump to failed: Device or resource busy"],
    syncs: 1,
  });
  deepStrictEqual(of("-b"), {
    status: 255,
    said: ["down", "kexec jump back failed: Invalid argument"],
    syncs: 1,
  });
  deepStrictEqual(of("-e"), { status: 0, said: ["down"], syncs: 1 });
  deepStrictEqual(of("-e", "--no-ifdown").said, []);
});

Deno.test("kexec -b that comes back is a failure whatever it gives (B.1.4)", () => {
  const procedures = [returning("sys_reboot_kjump_back", 0)];
  const { run } = tool({ calls: [kexec("-b")], profile: RFC, procedures });
  strictEqual(status(run), 255);
});

Deno.test("kexec of another generation says so and exits 1, and sends nothing", () => {
  const { run, said } = tool({ calls: [kexec("-j")], state: { image: IMAGE } });
  strictEqual(status(run), 1);
  match(said[0] ?? "", /^kexec: option '-j' is of the RFC/);
  deepStrictEqual([run.facts("exec"), run.facts("sync")], [[], []]);
});

Deno.test("kexec -e passes v7's command on to the kernel (B.2.1)", () => {
  const takes = procedure("sys_reboot_kexec", [
    { name: "answer", run: (_kernel, vars) => done(vars["command"] === 0x6b63_0001 ? 0 : -5) },
  ]);
  const calls = [kexec("-e", "-c", "0x6b630001")];
  const { run } = tool({
    calls,
    profile: "2.6.24-v7",
    state: { image: IMAGE },
    procedures: [takes],
  });
  strictEqual(status(run), 0);
});

Deno.test("kexec --help and --version speak on standard output and exit 0", () => {
  const { run, said } = tool({ calls: [kexec("--help"), kexec("--version")], profile: RFC });
  deepStrictEqual(run.results, [0, 0]);
  ok(said.some((line) => line.includes("--jump-to")));
  strictEqual(said.at(-1), "kexec-tools of the RFC of August 2007 (v3)");
});

const reboot = (word: string): Call => ["program:reboot-call", { argv: ["reboot-call", word] }];

Deno.test("reboot-call says which generation a command was of, and that the kernel has none", () => {
  const words = ["KJUMP_TO", "0x4a39b60e", "LINUX_REBOOT_CMD_KJUMP", "0x12", "FLY"];
  const { run, said } = tool({ calls: words.map(reboot) });
  deepStrictEqual(run.results, [1, 1, 1, 1, 1]);
  deepStrictEqual(said.map((line) => line.slice(0, 40)), [
    "kexec: LINUX_REBOOT_CMD_KJUMP_TO is of t",
    "reboot-call: Invalid argument",
    "kexec: LINUX_REBOOT_CMD_KJUMP_BACK is of",
    "reboot-call: Invalid argument",
    "kexec: LINUX_REBOOT_CMD_KJUMP is of kexe",
    "reboot-call: Invalid argument",
    "reboot-call: Invalid argument",
    "reboot-call: no command 'FLY' in any gen",
  ]);
});

Deno.test("the RFC's and v4's reboot commands are EINVAL to kernels of other generations (A.5)", () => {
  for (const profile of ["2.6.27", "6.1", "2.6.24-v7"]) {
    const calls: Call[] = [
      ["sys_reboot_kjump_to"],
      ["sys_reboot_kjump_back"],
      ["sys_reboot_kjump"],
    ];
    const { run } = tool({
      calls,
      profile,
      state: { image: IMAGE },
      procedures: JUMP_BUFFER_PROCEDURES,
    });
    deepStrictEqual(run.results, [-ERRNO.EINVAL, -ERRNO.EINVAL, -ERRNO.EINVAL], profile);
    deepStrictEqual(run.facts("exec"), []);
  }
});

Deno.test("kernel_kjump_to is EINVAL without a crash image, EBUSY while the lock is held (B.1.4)", () => {
  const procedures = [...JUMP_BUFFER_PROCEDURES, ...KERNEL_KEXEC_PROCEDURES];
  const calls: Call[] = [["sys_reboot_kjump_to"]];
  const empty = tool({ calls, profile: RFC, procedures });
  deepStrictEqual([empty.run.results, empty.run.state.lock], [[-ERRNO.EINVAL], ""]);
  const held = tool({ calls, profile: RFC, procedures, state: { lock: "kexec_load" } });
  deepStrictEqual([held.run.results, held.run.state.lock], [[-ERRNO.EBUSY], "kexec_load"]);
});
