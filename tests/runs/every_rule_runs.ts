/**
 * Runs that together exercise every rule of protocol.md F.1: whole cycles of each system, and the
 * refusals, mistakes and mishaps that a cycle does not meet.
 */
import type { Choice } from "../../machine/choices.ts";
import { call, done, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import { REAL_SECONDS } from "../../actors/scenario/mainline_run.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import {
  CYCLE as V7_CYCLE,
  finishAt,
  HIBERNATE,
  KHDEV_SECTOR,
  loadB,
  menu as menuV7,
  prepared,
  runAltered,
  runV7,
  type,
} from "./v7_kit.ts";
import * as kimgcore from "./kimgcore_kit.ts";
import { runMachine } from "./machine_kit.ts";
import * as rfc from "./rfc_kit.ts";
import { bytesOf, facts, type Run, runMainline, type RunOptions, settingsOf } from "./run_kit.ts";
import { cycle, hibernated, resumed } from "./swsusp_kit.ts";

/** A run, and the letters of the systems whose rules are to look at it. */
export interface RuleRun {
  readonly name: string;
  readonly systems: string;
  /** Runs, or what followed each other on one machine. */
  readonly run: () => Run | readonly Run[];
}

const BOOT: readonly OperatorStep[] = [
  { do: "power_on" },
  { do: "choose", entry: "A", append: "" },
];
const load = loadCommand(settingsOf().mainline);

function refuse(device: string, phase: string): Choice {
  return { kind: "refuse", device, phase, time: 1, result: -16 };
}

/** `program:raw-exec`: the reboot command without the tool, which would refuse. */
const RAW: Procedure = procedure("program:raw-exec", [{
  name: "reboot",
  run: () => call("sys_reboot_kexec", { command: 0x6b63_0001 }),
  then(kernel, _vars, answer) {
    kernel.print(`result ${String(answer)}`);
    return done();
  },
}]);

/** Everything the tools and the kernel of mainline refuse. */
function refusals(): Run {
  return runMainline({
    script: [
      ...BOOT,
      type("A", "kexec -e"),
      type("A", "kexec -u"),
      type("A", "kexec --load-jump-back-helper --entry=0x0"),
      type("A", load),
      type("A", "kexec --load-jump-back-helper --entry=0x1000"),
      type("A", "kexec -e"),
      type("A", "kexec -e"),
      type("B", "jump-back"),
      ...finishAt("A", "done"),
    ],
    choices: [refuse("disk", "freeze")],
  });
}

function secondExecAfterResume(): Run {
  return runMainline({
    script: [
      ...BOOT,
      type("A", load),
      type("A", "kexec -e"),
      type("B", "save-image"),
      { do: "off" },
      { do: "power_on" },
      { do: "choose", entry: "C", append: "" },
      type("C", "restore-image"),
      type("A", "kexec -e"),
      ...finishAt("A", "done"),
    ],
  });
}

const TUXONICE_MENU = ["A", "C"].map((name) => ({
  name,
  append: `hostname=${name} root=${name === "A" ? "/dev/sda2" : "/dev/ram0"} console=ttyS0 ` +
    "resume=swap:/dev/sda6",
}));

function tuxonice(): Run {
  return runMachine({
    profile: "2.6.23-toi",
    memoryMiB: 64,
    layout: "workshop",
    hardware: "t42",
    scenario: "tuxonice",
    menu: TUXONICE_MENU,
    script: [
      ...BOOT,
      type("A", "work 64 2"),
      type("A", "swapon /dev/sda6"),
      type("A", "hibernate"),
      { do: "off" },
      { do: "power_on" },
      { do: "choose", entry: "C", append: "" },
      type("A", "check"),
      ...finishAt("A", "resumed"),
    ],
  });
}

function rfcCycle(): Run {
  const pfn = rfc.jumpBufferPfn();
  return rfc.runRfc([...rfc.hibernate({ pfn }), ...rfc.toD({ pfn }), ...rfc.RESTORE]);
}

/** Executing without the tool: with nothing loaded, and while kimgcore is open. */
function rawExecs(): Run {
  return runAltered((given) => [...given, RAW], [
    ...BOOT,
    type("A", "raw-exec"),
    ...prepared().slice(BOOT.length),
    type("A", "cp /proc/kimgcore /tmp/image &"),
    type("A", "raw-exec"),
    ...finishAt("A", "refused"),
  ]);
}

/** kimgcore with nothing loaded, while it is open already, and while B is being prepared. */
function kimgcoreFailures(): Run {
  return kimgcore.runV7([
    ...BOOT,
    type("A", "cp /proc/kimgcore /none"),
    ...kimgcore.PREPARE,
    type("A", "cp /proc/kimgcore /again &"),
    type("A", "cp /proc/kimgcore /third"),
    ...finishAt("A", "failed"),
  ]);
}

/**
 * B is prepared; in a later session its image is used; on a machine that was changed it is refused.
 */
function kimgcoreUsed(): Run[] {
  const { boot, LOAD_IMAGE, PREPARE, runV7: run } = kimgcore;
  const prepare = run([
    ...boot("A"),
    ...PREPARE,
    type("A", "sync"),
    ...finishAt("A", "prepared"),
  ]);
  const use = [...boot("A"), type("A", LOAD_IMAGE), type("A", "kexec -e")];
  const disk = bytesOf(prepare.medium);
  return [
    prepare,
    run([...use, type("B", "kexec -e"), ...finishAt("A", "used")], {
      disk,
      realBaseUs: (REAL_SECONDS + 3600) * 1_000_000,
    }),
    run([...use, ...finishAt("A", "refused")], {
      disk,
      realBaseUs: (REAL_SECONDS + 7200) * 1_000_000,
      setup: { signature: 0x1234 },
    }),
  ];
}

/** A load that fails leaves what was loaded, which is executed. */
function failedLoad(): Run {
  return runV7({
    script: [
      ...BOOT,
      type("A", loadB()),
      type("A", "kexec -l --args-none --flags=0x100 /boot/phy_mode"),
      type("A", "kexec -e"),
      ...finishAt("A", "returned"),
    ],
  });
}

/** A task waits for a drive that never answers it, and is not frozen within 20 s. */
function freezeFails(): Run {
  const options: RunOptions = {
    script: [
      ...BOOT,
      type("A", load),
      type("A", "dd if=/dev/sda4 of=/tmp/nvram &"),
      type("A", "kexec -e"),
      ...finishAt("A", "goes on"),
    ],
  };
  const { events } = runMainline({ ...options, tolerant: true });
  const asked = events.findIndex(({ kind, type: name, summary }) =>
    kind === "send" && name === "console.type" && String(summary?.["line"]).startsWith("dd ")
  );
  const answer = events.slice(asked).find(({ kind, type: name, target }) =>
    kind === "send" && name === "disk.done" && target === "A"
  );
  if (answer?.msg === undefined) throw new Error("The drive answers nobody");
  return runMainline({ ...options, choices: [{ kind: "lose", msg: answer.msg }] });
}

/** The khdev has a bad sector where a page of the image is to go. */
function badSector(): Run {
  const badSectors = [{ sector: KHDEV_SECTOR + 2048 + 80, count: 1, on: "write" }] as const;
  return runV7({
    setup: { badSectors: [...badSectors] },
    script: [...prepared(), type("A", HIBERNATE), type("A", "check"), ...finishAt("A", "kept on")],
  });
}

/** Power goes while an image is written. */
function powerLost(): Run {
  const begin = facts(runMainline().events, "image").find(({ summary }) =>
    summary?.["op"] === "page"
  );
  if (begin === undefined) throw new Error("Nobody writes an image");
  return runMainline({ choices: [{ kind: "power_cut", at: begin.seq, durable: "seeded" }] });
}

const OLD = " acpi.gts=1 acpi.bfs=1";

/** The runs. */
export const RULE_RUNS: readonly RuleRun[] = [
  { name: "cycle of 2.6.27", systems: "M", run: () => runMainline() },
  { name: "cycle of 6.1-cured", systems: "M", run: () => runMainline({ profile: "6.1-cured" }) },
  { name: "jumps of 2.6.27", systems: "M", run: () => runMainline({ part: "jump" }) },
  { name: "refusals of mainline", systems: "M", run: refusals },
  { name: "kexec -e after a resume", systems: "M", run: secondExecAfterResume },
  { name: "RFC cycle", systems: "R", run: rfcCycle },
  {
    name: "v7 cycle on a T42 with _GTS and _BFS",
    systems: "V",
    run: () =>
      runV7({
        hardware: "t42",
        script: [...prepared(OLD), ...V7_CYCLE.slice(prepared().length)],
        menu: menuV7(OLD, OLD),
      }),
  },
  { name: "swsusp, platform, 6.1-cured", systems: "S", run: () => cycle({ mode: "platform" }) },
  {
    name: "swsusp of 2.6.23",
    systems: "S",
    run: () => cycle({ profile: "2.6.23-x64", mode: "platform" }),
  },
  { name: "TuxOnIce", systems: "T", run: tuxonice },
  { name: "raw reboot commands on v7", systems: "V", run: rawExecs },
  { name: "kimgcore that cannot be opened", systems: "G", run: kimgcoreFailures },
  {
    name: "kimgcore of an earlier session, and of other hardware",
    systems: "G",
    run: kimgcoreUsed,
  },
  { name: "a load that fails", systems: "V", run: failedLoad },
  { name: "a task that cannot be frozen", systems: "M", run: freezeFails },
  { name: "v7 on a bad sector", systems: "V", run: badSector },
  {
    name: "swsusp with noresume",
    systems: "S",
    run: () => resumed(bytesOf(hibernated().medium), { bootAppend: "noresume" }),
  },
  { name: "power lost while an image is written", systems: "M", run: powerLost },
];
