/**
 * `deno task console` in a process of its own: what is piped in, what is printed, Ctrl-C.
 */
import assert from "node:assert/strict";
import { ScratchFolder } from "./terminal_kit.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

function start(out: string, ...more: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      `--lock=${ROOT}run.lock`,
      "--no-prompt",
      "--no-check",
      `--config=${ROOT}deno.json`,
      "--allow-read",
      "--allow-write",
      `${ROOT}cli.ts`,
      "console",
      "--out",
      out,
      ...more,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

async function type(process: Deno.ChildProcess, lines: readonly string[]): Promise<void> {
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  writer.releaseLock();
}

Deno.test("console takes lines from a pipe and shows what a person would see", async () => {
  using scratch = new ScratchFolder();
  const process = start(scratch.file("o"), "--memory", "96M");
  await type(process, [
    "echo too early",
    "# power on",
    "# boot A",
    "x=4; echo $((x * 2)) | tr 8 9",
    "echo $x; free | head -2 | tail -1 | awk '{print $2}'",
    "kexec -e; echo no",
    "# kick it",
    "# pull the plug",
    "# pull the plug",
    "# away 2h",
    "# power on",
    "# boot A",
    "date",
    "# quit",
  ]);
  await process.stdin.close();
  const { code, stdout, stderr } = await process.output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, text + new TextDecoder().decode(stderr));
  assert.match(
    text,
    /^\(the machine is off; '# help' says what there is to do\)\n# echo too early\n/,
  );
  assert.match(text, /There are: power on; boot ENTRY/);
  assert.match(text, /\(the boot menu waits \(A, C\)\)\n# # boot A\n(?:.*\n)*A: ready\nA\$ x=4/);
  assert.match(text, /\n9\nA\$ echo \$x; free .*\n4\n9\d{4}\n/);
  assert.match(text, /\nkexec leaves the processor, so it must be the last command/);
  assert.match(text, /\nThe machine is off\n/);
  assert.match(text, /\nA\$ date\nFri Nov 20 02:00:0\d UTC 2026\n/);
  assert.match(text, /events in '.*trace\.ndjson'; no rule broken\n$/);
  assert.deepEqual(scratch.names("o").filter((name) => name !== "blobs"), [
    "choices.json",
    "disk.img",
    "trace.ndjson",
  ]);
});

Deno.test("console shows the trace scroll, and plays a scenario first if told to", async () => {
  using scratch = new ScratchFolder();
  const file = scratch.write("s.md", "# S\n\n```console\n# power on\n# boot A\nA$ y=7\n```\n");
  const process = start(scratch.file("o"), file, "--play");
  await type(process, ["# trace on", "echo $y", "# trace off", "echo end"]);
  await process.stdin.close();
  const { code, stdout } = await process.output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, text);
  assert.match(text, /\n {2}\| \d+ .* send console→A console\.request /);
  assert.match(text, /\n7\nA\$ # trace off\nA\$ echo end\nend\n/);
});

Deno.test("console ends cleanly at Ctrl-C, with the trace written", async () => {
  using scratch = new ScratchFolder();
  const process = start(scratch.file("o"));
  await type(process, ["# power on"]);
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("boot menu waits")) {
    const { value, done } = await reader.read();
    assert.ok(!done, `ended early: ${text}`);
    text += value;
  }
  process.kill("SIGINT");
  for (let ended = false; !ended;) {
    const { value, done } = await reader.read();
    ended = done;
    text += value ?? "";
  }
  const { code } = await process.status;
  await process.stdin.close().catch(() => {});
  await process.stderr.cancel();
  assert.equal(code, 0, text);
  const trace = Deno.readTextFileSync(scratch.file("o/trace.ndjson")).trimEnd().split("\n");
  assert.match(trace.at(-1) ?? "", /"outcome":"stopped"/);
});
