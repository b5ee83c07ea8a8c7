import assert from "node:assert/strict";
import { SHELL_FILE_BYTES } from "../../actors/kernel/shell_files.ts";
import { atA, lastPrinted, playText } from "./transcript_kit.ts";

/** Plays lines at A's prompt; fails where they part from what stands there. */
async function plays(...lines: string[]): Promise<void> {
  const { parting } = await playText(atA(...lines));
  assert.equal(parting, undefined, JSON.stringify(parting));
}

/** What is said about a transcript that cannot go on. */
async function partsWith(text: string): Promise<string> {
  const { parting } = await playText(text);
  assert.ok(parting !== undefined, "it did not part");
  return `${parting.line}: ${parting.message}`;
}

Deno.test("runShellLine: variables, working directory and status live in the kernel's shell", async () => {
  await plays(
    "A$ x='a  b'; y=$((3 * 4)); cd /boot; false",
    "(nothing)",
    'A$ echo "$? $x $y $(pwd)"',
    "1 a  b 12 /boot",
    "A$ cat /proc/cmdline | tr ' ' '\\n' | grep ^hostname | cut -d = -f 2",
    "A",
    "A$ for i in 1 2 3; do [ $i = 2 ] || echo $i; done",
    "1",
    "3",
  );
});

Deno.test("runShellLine: files of ext2, of memory and of the kernel itself are one tree", async () => {
  await plays(
    "A$ echo one > /root/f; echo two >> /root/f; cat /root/f; mv /root/f /tmp/g; ls /root",
    "one",
    "two",
    "A$ echo x > /nowhere/f; echo $?; cat < /nowhere/f; echo $?",
    "bash: /nowhere/f: No such file or directory",
    "1",
    "bash: /nowhere/f: No such file or directory",
    "1",
    "A$ ls /tmp; cat /tmp/g | wc -l; mkdir /tmp/d; echo x > /tmp/d/x; ls /tmp/d; rm -r /tmp/d; ls /tmp",
    "g",
    "2",
    "x",
    "g",
    "A$ mkdir -p /root/a/b; echo deep > /root/a/b/c; cd /root/a; cat b/c; ls b",
    "deep",
    "c",
    "A$ rm -r /root/a; ls /root/a",
    "ls: cannot access '/root/a': No such file or directory",
    "A$ grep sda2 /proc/partitions; head -1 /proc/meminfo",
    "…8 …2 … sda2",
    "MemTotal: … kB",
    "A$ ls /sys/kernel | grep loaded; cat /sys/kernel/kexec_loaded",
    "kexec_crash_loaded",
    "kexec_loaded",
    "0",
    "A$ echo 1 > /sys/kernel/kexec_loaded",
    "bash: /sys/kernel/kexec_loaded: Permission denied",
    "A$ sha256sum /boot/bzImage | cut -c 65-; sha256sum /root/none; cmp /boot/bzImage /boot/rootfs.gz",
    "  /boot/bzImage",
    "sha256sum: /root/none: No such file or directory",
    "bzImage rootfs.gz differ: byte 1",
  );
});

Deno.test("runShellLine: a file is the same byte for byte through the shell", async () => {
  const machine = "```machine\nfile: /root/p 9K\n```\n";
  const lines = atA(
    "A$ cat /root/p > /tmp/q; cat /root/p > /root/q; cmp /root/p /tmp/q && cmp /root/p /root/q; echo $?",
    "0",
    "A$ [ $(sha256sum < /root/p | cut -c 1-64) = x ]; a=$(sha256sum /root/p); b=$(sha256sum /tmp/q)",
    "…",
    'A$ [ "${a%% *}" = "${b%% *}" ] && echo same; wc -c < /root/q',
    "same",
    "…9216",
    "A$ printf 'grün €' > /root/u; cat /root/u; echo; wc -c < /root/u",
    "grün €",
    "9",
  );
  const { parting } = await playText(machine + lines);
  assert.equal(parting, undefined, JSON.stringify(parting));
});

Deno.test("runShellLine: what is too large for the shell says so", async () => {
  assert.ok(SHELL_FILE_BYTES < 200_000);
  const big = "```machine\nfile: /root/big 200K\n```\n";
  const { played, parting } = await playText(
    big +
      atA(
        "A$ cat < /root/big > /tmp/x",
        "A$ cp /root/big /tmp/big; cmp /root/big /tmp/big; echo $?",
      ),
  );
  assert.equal(parting, undefined, JSON.stringify(parting));
  assert.deepEqual(played.at(-1)?.printed, ["0"]);
  assert.match(played.at(-2)?.printed.join() ?? "", /No such file|large/);
});

Deno.test("runShellLine: date, uname, hostname, sleep and RANDOM are the machine's", async () => {
  const text = atA(
    "A$ date; uname -r; hostname; sleep 2m; date",
    "Fri Nov 20 00:00:0… UTC 2026",
    "2.6.27",
    "A",
    "Fri Nov 20 00:02:0… UTC 2026",
    "A$ echo $RANDOM $RANDOM",
  );
  const [one, two] = [await playText(text), await playText(text)];
  assert.equal(one.parting, undefined, JSON.stringify(one.parting));
  assert.match(lastPrinted(one)[0] ?? "", /^\d+ \d+$/);
  assert.deepEqual(lastPrinted(one), lastPrinted(two));
  assert.equal(one.hash, two.hash);
});

Deno.test("runShellLine: programs write into pipes, the last of a line to the console", async () => {
  await plays(
    "A$ dmesg | grep -c 'A: ready'",
    "1",
    "A$ nosuch; echo $?; echo here",
    "bash: nosuch: command not found",
    "127",
    "here",
    "A$ kexec -l /none 2>&1 | tr a-z A-Z",
    "CANNOT OPEN /NONE: NO SUCH FILE OR DIRECTORY",
    "A$ f() { echo in $1; }; f it; a=(1 2); echo ${#a[@]}",
    "in it",
    "2",
  );
});

Deno.test("playTranscript says why a command cannot be given", async () => {
  const wrong = "```console\n# power on\n# boot A\nB$ ls\n```";
  assert.equal(await partsWith(wrong), "4: a command at B$, but the prompt of A waits");
  assert.equal(
    await partsWith("```console\nA$ ls\n```"),
    "2: a command at A$, but the machine is off",
  );
  assert.equal(
    await partsWith("```console\n# power on\n# boot Q\n```"),
    "3: cannot 'boot Q': the boot menu has no 'Q': A, C",
  );
  assert.equal(
    await partsWith("```console\n# power on\n# power on\n```"),
    "3: cannot 'power on': the machine is on already",
  );
  assert.match(
    await partsWith(atA("# wait for power off")),
    /^4: 'wait for power off': the machine runs on and on without/,
  );
  assert.match(
    await partsWith(atA("A$ poweroff; echo never")),
    /^4: poweroff leaves the processor, so it must be the last command of its line/,
  );
  assert.match(
    await partsWith(atA("A$ (echo a; kexec -e)")),
    /^4: kexec leaves the processor/,
  );
  assert.match(
    await partsWith(atA("A$ krestore -b x")),
    /^4: krestore is a program of .*; this machine has the tools of kexec jump of 2008/,
  );
});

Deno.test("playTranscript: a power cut takes the memory's files and leaves the disk's", async () => {
  await plays(
    "A$ echo kept > /root/k; sync; echo lost > /tmp/l",
    "# pull the plug",
    "# away 1h",
    "# power on",
    "# boot A",
    "A$ cat /root/k; ls /tmp; date",
    "kept",
    "…",
    "Fri Nov 20 01:00:0… UTC 2026",
    "A$ reboot",
    "…",
    "# boot A",
    "A$ cat /root/k",
    "kept",
    "# press reset",
    "# boot A",
    "A$ poweroff",
    "# wait for power off",
  );
});

Deno.test("playTranscript: endless output is an end, with the line", async () => {
  const { played } = await playText(atA("A$ while true; do echo more; done", "A$ echo on"));
  assert.match(played.at(-2)?.printed.at(-1) ?? "", /too many (?:iterations|commands)/);
  assert.deepEqual(played.at(-1)?.printed, ["on"]);
});
