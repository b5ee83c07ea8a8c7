import assert from "node:assert/strict";
import type { TraceEvent } from "../../machine/trace/event.ts";
import {
  boot,
  CYCLE,
  finishAt,
  firmwareStory,
  HIBERNATE,
  loadB,
  menu,
  prepared,
  runV7,
  type,
} from "./v7_kit.ts";
import { REAL_SECONDS } from "../../actors/scenario/mainline_run.ts";
import { brokenRules, bytesOf, fieldsOf, judgeAs, type Run } from "./run_kit.ts";

/** Suspend callbacks that quiesce put devices into low power: what v7 is known for (F.2). */
const QUIRK = ["F38"];

function well(run: Run): boolean {
  return run.lines.some((line) => line.startsWith("A: check") && line.endsWith("all well"));
}

/** Facts of a run as words, for the order of protocol.md B.7.2 and B.7.3. */
function story(events: readonly TraceEvent[]): string[] {
  return events.flatMap(({ type: kind, summary: given = {} }) => {
    const { k, op, what, name, command, method, chain, callback, returned } = given;
    switch (kind) {
      case "fact.exec":
        return command === undefined ? [] : [`${k} exec ${command}`];
      case "fact.notifier":
        return chain !== "pm" && returned === "stop" ? [`${k} ${chain} ${callback}`] : [];
      case "fact.jump":
        return [`${given["from"]} -> ${given["to"]}`];
      case "fact.acpi":
        return method === undefined ? [] : [`${k} ${method}(${given["argument"]})`];
      case "fact.phase":
        return given["device"] === "pci" ? [`${k} ${name}`] : [];
      case "fact.image":
        return op === "page" ? [] : [`${k} image ${op}`];
      case "fact.flush":
        return op === "done" ? ["flushed"] : [];
      case "fact.lock":
        return given["holder"] === "exec" ? [`${k} lock ${op}`] : [];
      case "fact.power":
        return [`power ${op}`];
      case "fact.save":
      case "fact.restore":
        return what === "cpu" ? [`${k} ${kind.slice(5)} cpu`] : [];
      default:
        return [];
    }
  });
}

const cycle = runV7();

Deno.test("v7 hibernates by one command and resumes by itself, in the order of B.7.2 and B.7.3", () => {
  assert.equal(cycle.outcome, "resumed");
  assert.ok(well(cycle));
  const told = story(cycle.events);
  const down = ["prepare", "suspend", "suspend_late", "suspend_noirq"];
  const up = ["resume_noirq", "resume_early", "resume", "complete"];
  const once = told.filter((each, at) => each !== "flushed" || told[at - 1] !== each);
  assert.deepEqual(
    once.slice(once.indexOf("A exec 0x6b630001")),
    [
      ...["A exec 0x6b630001", "A lock take", "A _TTS(4)"],
      ...down.map((phase) => `A ${phase}`),
      ...["A _PTS(4)", "A pre kexec_snapshot", "A save cpu", "A -> B"],
      "B restore cpu",
      ...up.map((phase) => `B ${phase}`),
      ...["B post kexec_prepare_write_image", "B lock release"],
      ...["B image begin", "flushed", "B image commit", "flushed"],
      ...["B prepare", "flushed", "B poweroff", "B poweroff_late", "B poweroff_noirq"],
      ...["power sleep", "power on", "power wake"],
      ...["C image check", "C image invalidate", "flushed", "C image load"],
      ...["flushed", "C exec 0x6b630002", "C lock take"],
      ...down.map((phase) => `C ${phase}`),
      ...["C pre kexec_prepare_resume", "C save cpu", "C -> A"],
      ...["A restore cpu", "A _WAK(4)"],
      ...up.map((phase) => `A ${phase}`),
      ...["A _TTS(0)", "A post kexec_resume", "A lock release"],
    ],
  );
});

Deno.test("v7's A gets 0 from its command, in the process that hibernated", () => {
  const results = fieldsOf(cycle, "exec_done", "A").map(({ result }) => result);
  assert.deepEqual(results, [0, 0]);
  const tool = fieldsOf(cycle, "tool", "A").find((one) =>
    String(one["arguments"]).includes("6b630001")
  );
  assert.equal(tool?.["status"], 0);
});

Deno.test("v7 breaks no rule but that its quiescing takes devices' power", () => {
  const report = judgeAs("V", cycle);
  assert.deepEqual(brokenRules(report).ids, QUIRK, brokenRules(report).reasons);
});

Deno.test("quiesce callbacks apart from suspend cure v7's one broken rule", () => {
  const script = [...prepared(" kexec_quiesce=apart"), ...CYCLE.slice(prepared().length)];
  const run = runV7({
    script,
    menu: menu(" kexec_quiesce=apart", " kexec_quiesce=apart"),
  });
  assert.equal(run.outcome, "resumed");
  assert.ok(well(run));
  assert.equal(brokenRules(judgeAs("V", run)).reasons, "");
  const messages = new Set(fieldsOf(run, "phase").map(({ message }) => message));
  assert.deepEqual([...messages].sort(), ["FREEZE", "HIBERNATE", "QUIESCE", "RESTORE"]);
});

Deno.test("v7 resumes in a process that knows nothing but the disk", () => {
  const first = runV7({
    script: [...prepared(), type("A", HIBERNATE), { do: "off" }, {
      do: "finish",
      outcome: "hibernated",
    }],
  });
  assert.equal(first.outcome, "hibernated");
  const second = runV7({
    disk: bytesOf(first.medium),
    realBaseUs: (REAL_SECONDS + 3600) * 1_000_000,
    script: [...boot("C"), type("A", "check"), ...finishAt("A", "resumed")],
  });
  assert.equal(second.outcome, "resumed");
  assert.ok(well(second));
  assert.deepEqual(brokenRules(judgeAs("V", first, second)).ids, QUIRK);
});

Deno.test("v7 of a T42 runs _PTS, _GTS, _BFS and _WAK in their order, and brings NVS back", () => {
  const old = " acpi.gts=1 acpi.bfs=1";
  const run = runV7({
    hardware: "t42",
    script: [...prepared(old), ...CYCLE.slice(prepared().length)],
    menu: menu(old, old),
  });
  assert.equal(run.outcome, "resumed");
  assert.deepEqual(firmwareStory(run), [
    "on",
    ...["A _TTS(4)", "A _PTS(4)", "B _GTS(4)", "B PM1a_CNT 0x1801", "B PM1a_CNT 0x3801"],
    ...["sleep S4", "on", "wake S4"],
    ...["A PM1a_CNT 0x1", "A _BFS(4)", "A _WAK(4)", "A _TTS(0)"],
  ]);
  const nvs = [...fieldsOf(run, "save"), ...fieldsOf(run, "restore")]
    .filter(({ what }) => what === "nvs").map(({ digest }) => digest);
  assert.equal(nvs.length, 2);
  assert.equal(nvs[0], nvs[1]);
  assert.deepEqual(brokenRules(judgeAs("V", run)).ids, QUIRK);
});

Deno.test("v7 runs neither _GTS nor _BFS unless it is told to", () => {
  const run = runV7({ hardware: "t42" });
  assert.equal(run.outcome, "resumed");
  assert.deepEqual(firmwareStory(run).filter((each) => /_GTS|_BFS/.test(each)), []);
});

Deno.test("v7 without ACPI ends in power-off and resumes from it", () => {
  const off = " acpi=off";
  const run = runV7({
    script: [...prepared(off), ...CYCLE.slice(prepared().length)],
    menu: menu(off, off),
  });
  assert.equal(run.outcome, "resumed");
  assert.ok(well(run));
  assert.deepEqual(firmwareStory(run), ["on", "off S5", "on"]);
  // Without ACPI no device knows low power, so that not even the quirk shows.
  assert.equal(brokenRules(judgeAs("V", run)).reasons, "");
});

Deno.test("v7 whose plug was pulled in S4 boots as from S5 and resumes all the same", () => {
  const run = runV7({ setup: { unplugged: true } });
  assert.equal(run.outcome, "resumed");
  assert.ok(well(run));
  assert.ok(!firmwareStory(run).includes("wake S4"));
});

Deno.test("v7 hibernates several times in one life of A, and with several processors", () => {
  const whole = CYCLE.slice(0, -2);
  const again = whole.slice(boot("A").length + 1);
  const run = runV7({ cpus: 2, script: [...whole, ...again, ...finishAt("A", "twice")] });
  assert.equal(run.outcome, "twice");
  assert.deepEqual(fieldsOf(run, "exec_done", "A").map(({ result }) => result), [0, 0, 0, 0]);
  assert.ok(well(run));
  assert.deepEqual(brokenRules(judgeAs("V", run)).ids, QUIRK);
});

Deno.test("a resumed A has no image loaded: what its pages held was the kernel that resumed it", () => {
  const run = runV7({
    script: [...CYCLE.slice(0, -2), type("A", HIBERNATE), ...finishAt("A", "refused")],
  });
  assert.equal(run.outcome, "refused");
  assert.ok(run.lines.includes("A: Nothing has been loaded!"), run.lines.at(-1) ?? "silent");
});

Deno.test("v7 hibernates through a kimgcore of an earlier session, and B boots no more", () => {
  const first = runV7({
    script: [
      ...prepared(),
      type("A", "cp /proc/kimgcore ."),
      type("A", "sync"),
      ...finishAt("A", "prepared"),
    ],
  });
  assert.equal(first.outcome, "prepared");
  const second = runV7({
    disk: bytesOf(first.medium),
    script: [
      ...boot("A"),
      type("A", "work 16 1"),
      type("A", "kexec -l --args-none --flags=0x3e /kimgcore"),
      ...CYCLE.slice(prepared().length),
    ],
  });
  assert.equal(second.outcome, "resumed");
  assert.ok(well(second));
  assert.equal(fieldsOf(second, "boot", "B").length, 0);
  assert.deepEqual(brokenRules(judgeAs("VG", second)).ids, QUIRK);
});

Deno.test("v7 saves and restores more than half of RAM, and little where little is used", () => {
  const pages = ["work 256 36", "work 1 1"].map((work) => {
    const script = CYCLE.map((step) =>
      step.do === "type" && step.line.startsWith("work") ? { ...step, line: work } : step
    );
    const run = runV7({ script });
    assert.equal(run.outcome, "resumed", work);
    assert.ok(well(run), work);
    assert.deepEqual(brokenRules(judgeAs("V", run)).ids, QUIRK, work);
    return Number(/: (\d+) pages saved/.exec(run.lines.join("\n"))?.[1]);
  });
  const half = 64 * 1024 ** 2 / 4096 / 2;
  assert.ok((pages[0] ?? 0) > half && (pages[1] ?? Infinity) < half, pages.join());
});

Deno.test("v7's B sends back whoever jumps to it without a command", () => {
  const run = runV7({
    script: [
      ...boot("A"),
      type("A", loadB()),
      type("A", "kexec -e"),
      type("A", "kexec -e"),
      type("A", "kexec -e -c 0x1234"),
      ...finishAt("A", "returned"),
    ],
  });
  assert.equal(run.outcome, "returned");
  assert.deepEqual(fieldsOf(run, "exec_done", "A").map(({ result }) => result), [0, 0, 0]);
  const unknown = fieldsOf(run, "notifier").filter(({ event }) => event === "0x1234");
  assert.deepEqual(
    unknown.map(({ k, chain, callback, returned }) => `${k} ${chain} ${callback} ${returned}`),
    [
      ...["kexec_snapshot", "kexec_prepare_resume", "default"].map((name) => `A pre ${name} done`),
      ...["kexec_prepare_write_image", "kexec_resume", "default"].map((name) =>
        `B post ${name} done`
      ),
    ],
  );
});

Deno.test("kjump_back_param prints the way back of the image on a device", () => {
  const hibernated = [...prepared(), type("A", HIBERNATE), { do: "off" } as const];
  const run = runV7({
    script: [
      ...hibernated,
      ...boot("A"),
      type("A", "kjump_back_param 3:7"),
      ...finishAt("A", "ok"),
    ],
  });
  const entry = fieldsOf(run, "jump").find(({ from, to }) => from === "A" && to === "B")?.["word"];
  assert.ok(run.lines.includes(`A: kexec_jump_back_entry=${entry}`), run.lines.join("\n"));
  const none = runV7({
    script: [
      ...boot("A"),
      type("A", "kjump_back_param /dev/hda7"),
      type("A", "kjump_back_param 9:9"),
      ...finishAt("A", "ok"),
    ],
  });
  assert.deepEqual(none.lines.slice(-2), [
    "A: kjump_back_param: /dev/hda7: Not a valid khdev header: no memory image here (at byte 0)",
    "A: kjump_back_param: 9:9: No such device",
  ]);
});
