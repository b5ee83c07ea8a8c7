/** Runs of B out of its own image (protocol.md B.2.2, B.2.3, B.3). */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EM_386, EM_X86_64 } from "../../machine/formats/elf.ts";
import {
  emitKimgcore,
  kimgcoreHeaderBytes,
  parseKimgcore,
} from "../../machine/formats/kimgcore.ts";
import {
  boot,
  LOAD_B,
  LOAD_IMAGE,
  preparation,
  PREPARE,
  runV7,
  type,
  until,
  volumeOf,
  watchV7,
} from "./kimgcore_kit.ts";
import { brokenRules, fieldsOf, judgeAs, type Run } from "./run_kit.ts";

const PAGE = 4096;

function said(run: Run, by: string): string[] {
  return run.lines.filter((line) => line.startsWith(`${by}: `)).map((line) => line.slice(3));
}

Deno.test("cp /proc/kimgcore keeps B's window as it was at B's jump (F09, F10, F11)", () => {
  const windows: Uint8Array[] = [];
  const script = [...boot("A"), ...PREPARE, type("A", "sync"), ...until("A", "prepared")];
  const run = watchV7(script, (event, { ram }) => {
    const { k, walk } = event.summary ?? {};
    // A's second walk is about to put B away: what stands in the window now is B.
    if (event.type === "fact.swap" && k === "A" && walk === 2) {
      windows.push(ram.view(0, 0x100_0000).slice());
    }
  });
  strictEqual(run.outcome, "prepared");
  const [window] = windows;
  ok(windows.length === 1 && window !== undefined);
  const file = volumeOf(run, 2).fileAt("/kimgcore");
  const { segments, entry } = parseKimgcore(file);
  let at = kimgcoreHeaderBytes(segments.length);
  strictEqual(file.length, at + segments.reduce((sum, { memsz }) => sum + memsz, 0));
  for (const { mem, memsz } of segments) {
    for (let page = 0; page < memsz; page += PAGE) {
      const here = file.subarray(at + page, at + page + PAGE);
      const there: Uint8Array = window.subarray(mem + page, mem + page + PAGE);
      ok(here.every((byte, index) => byte === there[index]), `0x${(mem + page).toString(16)}`);
    }
    at += memsz;
  }
  // B's re-entry point lies inside what is kept of it.
  ok(segments.some(({ mem, memsz }) => mem <= entry && entry < mem + memsz));
});

Deno.test("kexec -l kimgcore and a jump go on in B without a boot of B (F12)", () => {
  const run = runV7([
    ...boot("A"),
    type("A", "work 64 2"),
    ...PREPARE,
    type("A", LOAD_IMAGE),
    type("A", "kexec -e"),
    type("B", "kexec -e"),
    type("A", "check"),
    type("A", "kexec -e"),
    type("B", "kexec -e"),
    type("A", "check"),
    ...until("A", "returned"),
  ]);
  strictEqual(run.outcome, "returned");
  strictEqual(fieldsOf(run, "boot", "B").length, 1, "the preparation's");
  const checks = said(run, "A").filter((line) => line.startsWith("check"));
  deepStrictEqual(checks, Array(2).fill("check: 2 processes, 0 files, 5 devices: all well"));
  const load = fieldsOf(run, "load", "A")[1];
  strictEqual(load?.["flags"], "0x3e");
  strictEqual(load?.["entry"], fieldsOf(run, "kimgcore", "A")[0]?.["entry"]);
  const report = judgeAs("VG", run);
  const { ids, reasons } = brokenRules(report);
  // v7 quiesces with the suspend callbacks: issue 1 of its announcement (B.2.6).
  deepStrictEqual(ids.filter((id) => id !== "F38"), [], reasons);
  for (const id of ["F04", "F09", "F10", "F11", "F12"]) {
    const rule = report.rules.find((each) => each.id === id);
    if (rule !== undefined) strictEqual(rule.verdict, "held", id);
  }
});

Deno.test("B out of its image refuses the stale entry of its command line (B.2.3 step 5, G.4)", () => {
  const { disk, entry: stale } = preparation();
  const begin = [...boot("A"), type("A", LOAD_IMAGE), type("A", "kexec -e")];
  const run = runV7([
    ...begin,
    type("B", "kexec -u"),
    type("B", `kexec --load-jump-back --entry=${stale}`),
    ...until("B", "refused"),
  ], { disk });
  strictEqual(run.outcome, "refused");
  strictEqual(fieldsOf(run, "boot", "B").length, 0);
  const fresh = String(fieldsOf(run, "resumed", "B")[0]?.["peer"]);
  ok(fresh !== stale, "A's control page stands elsewhere in this session");
  const why = run.events.findLast(({ type: name, summary }) =>
    name === "fact.tool" && summary?.["k"] === "B" && summary["status"] === 255
  );
  match(String(why?.summary?.["message"]), new RegExp(`^kexec: entry ${stale} is not in the con`));
  const back = runV7([
    ...begin,
    type("B", "kexec -u"),
    type("B", `kexec --load-jump-back --entry=${fresh}`),
    type("B", "kexec -e"),
    type("A", "check"),
    ...until("A", "back"),
  ], { disk });
  strictEqual(back.outcome, "back");
});

Deno.test("A is hibernated by B out of its image and resumed, in later sessions (B.2.3, B.2.4)", () => {
  const { disk, entry: stale } = preparation();
  const run = runV7([
    ...boot("A"),
    type("A", "work 64 2"),
    type("A", LOAD_IMAGE),
    type("A", "kexec -e"),
    type("B", "save-image"),
    { do: "off" },
    ...boot("C"),
    type("C", "restore-image"),
    type("A", "check"),
    ...until("A", "resumed"),
  ], { disk });
  strictEqual(run.outcome, "resumed", run.lines.slice(-3).join("; "));
  ok(said(run, "A").includes("check: 2 processes, 0 files, 5 devices: all well"));
  strictEqual(fieldsOf(run, "boot", "B").length, 0);
  // Both words are shown; the one that is stored is the peer's.
  const fresh = String(fieldsOf(run, "resumed", "B")[0]?.["peer"]);
  const entry = volumeOf(run, 3).fileAt("/kexec_jump_back_entry");
  strictEqual(new TextDecoder().decode(entry).trim(), fresh);
  ok(fresh !== stale);
  ok(said(run, "B").some((line) => line.startsWith("save-image: kexec_jump_back_entry=0x")));
  const { ids, reasons } = brokenRules(judgeAs("G", run));
  deepStrictEqual(ids, [], reasons);
});

Deno.test("kexec refuses B's image on a machine that was changed and says to rebuild it (F13)", () => {
  const { disk } = preparation();
  const run = runV7([
    ...boot("A"),
    type("A", LOAD_IMAGE),
    type("A", "kexec -e"),
    ...until("A", "refused"),
  ], { disk, setup: { signature: 0x1234 } });
  strictEqual(run.outcome, "refused");
  const why = String(
    run.events.find(({ type: name }) => name === "fact.tool")?.summary?.["message"],
  );
  match(
    why,
    /^kexec: \/kimgcore: prepared for another machine \(hardware signature 0x[0-9a-f]{8}, now 0x00001234\); rebuild it/,
  );
  deepStrictEqual(fieldsOf(run, "load", "A"), []);
  deepStrictEqual(fieldsOf(run, "hardware", "A").map(({ at }) => at), ["use"]);
  // A kernel without ACPI finds no signature: that, too, is another configuration.
  const bare = runV7([
    { do: "power_on" },
    { do: "choose", entry: "A", append: "acpi=off" },
    type("A", LOAD_IMAGE),
    ...until("A", "refused"),
  ], { disk });
  deepStrictEqual(fieldsOf(bare, "load", "A"), []);
});

/** A file that begins as B's image does, with so many bytes of data. */
function imageFile(path: string, dataBytes: number, machine = EM_386) {
  const segments = [{ mem: 0x10_0000, memsz: 2 * PAGE }];
  const header = emitKimgcore({ machine, entry: 0x10_0000, segments });
  const data = new Uint8Array(header.length + dataBytes);
  data.set(header);
  return { path, mode: 0o600, data };
}

Deno.test("kexec refuses an image of B without a right side file, one cut short, a foreign one", () => {
  const side = { path: "/odd.hw", mode: 0o600, data: new TextEncoder().encode("{}") };
  const load = (file: string) => type("A", `kexec -l --args-none --flags=0x3e ${file}`);
  const run = runV7([
    ...boot("A"),
    load("/bare"),
    load("/odd"),
    load("/short"),
    load("/wide"),
    ...until("A", "refused"),
  ], {
    rootFiles: [
      imageFile("/bare", 2 * PAGE),
      imageFile("/odd", 2 * PAGE),
      imageFile("/short", 2 * PAGE - 1),
      imageFile("/wide", 2 * PAGE, EM_X86_64),
      side,
    ],
  });
  strictEqual(run.outcome, "refused");
  const why = fieldsOf(run, "tool", "A").map(({ message }) => String(message));
  match(
    why[0] ?? "",
    /^kexec: \/bare: \/bare\.hw: No such file or directory: nothing says for which/,
  );
  match(why[1] ?? "", /^kexec: \/odd: \/odd\.hw makes no sense; rebuild it/);
  deepStrictEqual(why.slice(2), [
    "/short: truncated: 8311 of 8312 bytes",
    "/wide: ELF machine 62, this kernel takes 3",
  ]);
  deepStrictEqual(fieldsOf(run, "load", "A"), []);
});

Deno.test("cp /proc/kimgcore fails as open does, and keeps nothing", () => {
  const run = runV7([
    ...boot("A"),
    type("A", "cp /proc/kimgcore ."),
    type("A", "kexec -u"),
    type("A", LOAD_B),
    type("A", "cp /proc/kimgcore /image &"),
    type("A", "kexec -u"),
    type("A", "kexec -e"),
    ...until("A", "looked"),
  ]);
  strictEqual(run.outcome, "looked", run.lines.slice(-2).join("; "));
  const tools = fieldsOf(run, "tool", "A").map(({ program, status, message }) =>
    `${program} ${status} ${message ?? ""}`.trim()
  );
  deepStrictEqual(tools.slice(0, 3), [
    "cp 1 cp: cannot open '/proc/kimgcore' for reading: No such file or directory",
    "kexec 0",
    "kexec 0",
  ]);
  ok(tools.includes("kexec 255 kexec_load failed: Device or resource busy"), tools.join("; "));
  ok(tools.includes("kexec 255 kexec failed: Device or resource busy"), tools.join("; "));
  const none = runV7([
    ...boot("A"),
    type("A", "cp /proc/kimgcore ."),
    ...until("A", "none"),
  ], { profile: "2.6.27" });
  strictEqual(
    fieldsOf(none, "tool", "A")[0]?.["message"],
    "cp: cannot stat '/proc/kimgcore': No such file or directory",
  );
});
