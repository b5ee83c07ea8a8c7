/**
 * The command line in processes of its own: exit codes, what is printed, what is left behind.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { extentsOf } from "../../machine/formats/ext2/mod.ts";
import { DiskFile } from "../../server/terminal/disk_file.ts";
import { main } from "../../server/terminal/main.ts";
import { cli, cliCommand, KeptTerminal, ScratchFolder } from "./terminal_kit.ts";

const GOOD = new URL("../../fixtures/traces/good/", import.meta.url).pathname;
const BAD = new URL("../../fixtures/traces/bad/", import.meta.url).pathname;
const FILES = ["blobs", "disk.img", "dump.elf", "pages.crc", "report.json", "trace.ndjson"];

/** The command line within this process. */
async function inside(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = new KeptTerminal();
  const code = await main(args, terminal);
  return { code, out: terminal.printed, err: terminal.failures };
}

/** Flips a bit of the image on a disk; gives the offset in the disk file. */
function flipBit(path: string, fileOffset: number): void {
  using disk = new DiskFile(path);
  const image = disk.fileSystem(3);
  const inode = image.inodeAt("/dump.elf");
  ok(inode !== undefined);
  const range = { fileBlock: Math.floor(fileOffset / 4096), count: 1 };
  const [extent] = extentsOf(image.access, inode, range);
  ok(extent !== undefined);
  const at = disk.partition(3).firstSector * 512 + extent.block * 4096 + (fileOffset % 4096);
  const old = disk.read(at, 1)[0] ?? 0;
  using file = Deno.openSync(path, { write: true });
  file.seekSync(at, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.of(old ^ 1));
}

Deno.test("cli hibernates whole on workers and leaves all its files", async () => {
  using scratch = new ScratchFolder();
  const payload = scratch.write("payload", crypto.getRandomValues(new Uint8Array(50_001)));
  const { code, out, err } = await cli(
    "hibernate",
    "--out",
    scratch.file("o"),
    "--payload",
    payload,
  );
  strictEqual(code, 0, out + err);
  match(out, /^hibernate: ok: A hibernated, the machine was off, A goes on; nothing is lost\.\n/);
  match(out, /payload, 50,001 bytes in \/tmp\/payload, with the file: equal/);
  match(out, /a worker for each actor/);
  match(err, /boot A\n/);
  deepStrictEqual(scratch.names("o"), FILES);
  const report = JSON.parse(Deno.readTextFileSync(scratch.file("o/report.json")));
  strictEqual(report.ok, true);
  strictEqual(report.rules.violated, 0);
  strictEqual(Deno.statSync(scratch.file("o/dump.elf")).size, report.image.bytes);
  strictEqual((await cli("check", scratch.file("o/trace.ndjson"))).code, 0);
});

Deno.test("cli gives the same trace inline and on workers", async () => {
  using scratch = new ScratchFolder();
  const texts: string[] = [];
  for (const transport of ["inline", "worker"]) {
    const out = scratch.file(transport);
    const { code } = await cli("hibernate", "--quiet", "--transport", transport, "--out", out);
    strictEqual(code, 0);
    texts.push(Deno.readTextFileSync(`${out}/trace.ndjson`));
  }
  ok(texts[0] === texts[1]);
});

Deno.test("cli resumes in another process, from the disk alone", async () => {
  using scratch = new ScratchFolder();
  const out = scratch.file("o");
  const first = await cli("hibernate", "--quiet", "--stop-at", "power-off", "--out", out);
  strictEqual(first.code, 0, first.out + first.err);
  match(first.out, /ready to be resumed/);
  Deno.renameSync(`${out}/disk.img`, scratch.file("moved.img"));
  const disk = scratch.file("moved.img");
  Deno.copyFileSync(disk, scratch.file("again.img"));
  const alone = await cli("resume", "--quiet", "--disk", disk);
  strictEqual(alone.code, 0, alone.out + alone.err);
  match(alone.out, /B's manifest of A@\S+: all \d+ sums of 64 KiB agree/);
  match(alone.out, /A looked at 2 processes.*: all as they must be/);
  const compared = await cli(
    ...["resume", "--quiet", "--disk", scratch.file("again.img"), "--out", scratch.file("r")],
    ...["--reference", `${out}/pages.crc`, "--trace", `${out}/trace.ndjson`],
  );
  strictEqual(compared.code, 0, compared.out + compared.err);
  match(compared.out, /page frames of A at its return with \S+pages\.crc: none differs/);
  const both = await cli("check", `${out}/trace.ndjson`, scratch.file("r/trace.ndjson"));
  strictEqual(both.code, 0);
  const second = await cli("resume", "--quiet", "--disk", disk);
  strictEqual(second.code, 1, "an image is used once");
  match(second.out, /WRONG .*no image: \/mnt\/dump\.elf/);
});

Deno.test("cli finds one flipped bit of the image by B's sums, or by the reference", async () => {
  using scratch = new ScratchFolder();
  const out = scratch.file("o");
  const inline = ["--quiet", "--transport", "inline"];
  strictEqual(
    (await inside("hibernate", ...inline, "--stop-at", "power-off", "--out", out)).code,
    0,
  );
  const disk = `${out}/disk.img`;
  const copy = scratch.file("copy.img");
  Deno.copyFileSync(disk, copy);
  flipBit(disk, 0x15_0000);
  flipBit(copy, 0x15_0000);
  const verified = await inside("resume", ...inline, "--disk", disk);
  strictEqual(verified.code, 1);
  match(
    verified.out,
    /1 of \d+ sums differ, the first at file offset 0x150000, physical address 0x/,
  );
  match(verified.out, /A did not check itself in this run/);
  const args = ["--disk", copy, "--no-verify", "--reference", `${out}/pages.crc`];
  const forced = await inside("resume", ...inline, ...args, "--out", scratch.file("r"));
  strictEqual(forced.code, 1);
  match(forced.out, /WRONG +1 page of [\d,]+ changed .*the first is frame 0x/);
});

Deno.test("cli jumps to B and back without switching off", async () => {
  using scratch = new ScratchFolder();
  const { code, out } = await inside(
    ...["jump", "--quiet", "--transport", "inline", "--out", scratch.file("o")],
  );
  strictEqual(code, 0, out);
  match(out, /^jump: ok: A jumped to B and came back; nothing is lost\./);
  deepStrictEqual(scratch.names("o"), FILES.filter((name) => name !== "dump.elf"));
});

Deno.test("cli takes a power cut that ends as protocol.md G.1 permits for ok", async () => {
  using scratch = new ScratchFolder();
  const run = (seq: string) =>
    inside(
      ...["hibernate", "--quiet", "--transport", "inline", "--out", scratch.file("o")],
      ...["--cut-power-at", seq],
    );
  const whole = await run("700");
  strictEqual(whole.code, 0, whole.out);
  match(whole.out, /^hibernate: ok: the power cut left no image to resume/);
  const late = await run("99999999");
  strictEqual(late.code, 2);
  match(late.err, /^hibernate: --cut-power-at: the run has only \d+ events/);
});

Deno.test("cli says in one sentence, with exit code 2, what cannot be", async () => {
  using scratch = new ScratchFolder();
  const zeros = scratch.write("zeros", new Uint8Array(8192));
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["hibernat"], /^Unknown command 'hibernat'; did you mean 'hibernate'\?$/],
    [["hibernate", "--memroy", "64M"], /unknown option '--memroy'; did you mean '--memory'\?/],
    [["hibernate", "--memory", "48M"], /48 MiB .* too little .* the least that works is 64 MiB/],
    [["hibernate", "--memory", "4G"], /more than .* can swap.*take --kernel-profile 6\.1-cured/],
    [["hibernate", "--memory", "65540K"], /no whole MiB; take 65M/],
    [["hibernate", "--payload", "/nonexistent"], /'\/nonexistent': there is no such file/],
    [["hibernate", "--kernel", zeros], /'.*zeros': Not a valid bzImage/],
    [
      ["hibernate", "--kernel", zeros, "--kernel-profile", "6.1"],
      /--kernel takes kernel profile 6\.1-cured/,
    ],
    [["hibernate", "--out", `${zeros}/o`], /Cannot make the folder/],
    [["hibernate", "--cut-power-at", "1:x"], /--cut-power-at: '1:x' is no place and fate/],
    [["resume", "--disk", zeros], /no disk of a machine of this laboratory: .*55 AA/],
    [["resume", "--disk", scratch.file("none")], /Cannot open '.*none': there is no such file/],
    [["check", zeros], /'.*zeros' is neither a trace nor a recording/],
    [["check", "--only", "F999", `${GOOD}jump.ndjson`], /There is no rule 'F999'/],
    [
      ["check", `${GOOD}halves-1.ndjson`, `${GOOD}halves-1.ndjson`, scratch.path],
      /a folder|no such/,
    ],
    [["inspect", zeros], /none of what is known here.*begins with 00 00 00 00/],
  ];
  for (const [args, sentence] of cases) {
    const { code, err } = await inside(...args);
    strictEqual(code, 2, `${args.join(" ")}: ${err}`);
    match(err.trimEnd(), sentence);
    strictEqual(err.trimEnd().split("\n").length, 1, err);
    ok(!/\n\s+at /.test(err), "no stack");
  }
});

Deno.test("cli refuses options that contradict the disk, and changes nothing", async () => {
  using scratch = new ScratchFolder();
  const out = scratch.file("o");
  await inside(
    "hibernate",
    "--quiet",
    "--transport",
    "inline",
    "--stop-at",
    "prompt",
    "--out",
    out,
  );
  const before = Deno.readFileSync(`${out}/disk.img`);
  for (const option of [["--memory", "128M"], ["--cpus", "2"], ["--profile", "t42"]]) {
    const { code, err } = await inside("resume", "--disk", `${out}/disk.img`, ...option);
    strictEqual(code, 2);
    match(err, /contradicts '.*disk\.img', which is the disk of a machine with/);
  }
  deepStrictEqual(Deno.readFileSync(`${out}/disk.img`), before);
});

Deno.test("cli check gives 0 for good traces and 1 for broken rules, in every format", async () => {
  strictEqual((await inside("check", `${GOOD}hibernate.ndjson`)).code, 0);
  const bad = `${BAD}F23-page_changed.ndjson`;
  const text = await inside("check", bad, "--blobs", `${GOOD}../blobs`);
  strictEqual(text.code, 1);
  match(text.out, /^F23 +VIOLATED/m);
  const json = await inside("check", bad, "--json", "--blobs", `${GOOD}../blobs`);
  strictEqual(JSON.parse(json.out).ok, false);
  const junit = await inside("check", bad, "--format", "junit", "--blobs", `${GOOD}../blobs`);
  match(junit.out, /<failure/);
});

Deno.test("cli ends on Ctrl-C with 1, its workers stopped and no half file left", async () => {
  using scratch = new ScratchFolder();
  const out = scratch.file("o");
  const process = cliCommand(["hibernate", "--memory", "256M", "--away", "9d", "--out", out])
    .spawn();
  const reader = process.stderr.getReader();
  const decoder = new TextDecoder();
  let err = "";
  for (let sent = false;;) {
    const { value, done } = await reader.read();
    if (done) break;
    err += decoder.decode(value);
    if (sent || !err.includes("boot A")) continue;
    process.kill("SIGINT");
    sent = true;
  }
  await process.stdout.cancel();
  const { code } = await process.status;
  strictEqual(code, 1, err);
  match(err, /Stopped by SIGINT: .*\.\n$/);
  deepStrictEqual(scratch.names("o"), []);
});

Deno.test("cli refuses to write a folder that another run is writing", async () => {
  using scratch = new ScratchFolder();
  const out = scratch.file("o");
  Deno.mkdirSync(out);
  using held = Deno.openSync(`${out}/.kjump.lock`, { create: true, write: true });
  ok(held.tryLockSync(true));
  const { code, err } = await cli("hibernate", "--quiet", "--out", out);
  strictEqual(code, 2);
  match(err, /^Another run is writing/);
});

Deno.test("cli prints one JSON document with --json, of a failure too", async () => {
  using scratch = new ScratchFolder();
  const args = ["hibernate", "--quiet", "--json", "--transport", "inline"];
  const good = await inside(...args, "--out", scratch.file("o"));
  strictEqual(JSON.parse(good.out).outcome, "resumed");
  const bad = await inside(...args, "--memory", "1M");
  deepStrictEqual(JSON.parse(bad.out).exitCode, 2);
});

Deno.test("cli --help explains every command and exits with 0", async () => {
  for (const name of ["hibernate", "resume", "jump", "check", "inspect"]) {
    const { code, out } = await inside(name, "--help");
    strictEqual(code, 0);
    match(out, new RegExp(`^Usage: deno task ${name} `));
  }
  strictEqual((await inside()).code, 2);
  strictEqual((await inside("--help")).code, 0);
});
