/**
 * Hibernations that do not come about: who refuses, which errno, and that A goes on.
 */
import assert from "node:assert/strict";
import { brokenRules, bytesOf, fieldsOf, judgeAs, type Run } from "./run_kit.ts";
import { failing, hibernation, said, swapHeader, working } from "./swsusp_kit.ts";

const WELL = "A: check: 2 processes, 0 files, 5 devices: all well";
const TEXT = {
  EPERM: "Operation not permitted",
  EBUSY: "Device or resource busy",
  ENOMEM: "Cannot allocate memory",
  ENODEV: "No such device",
  EINVAL: "Invalid argument",
  ENOSPC: "No space left on device",
} as const;

/** A goes on, all well, and pm-hibernate said that errno. */
function assertRefused(run: Run, errno: keyof typeof TEXT, well = WELL): void {
  assert.equal(run.outcome, "goes on", run.lines.slice(-4).join("\n"));
  const wanted = `A: pm-hibernate: /sys/power/state: ${TEXT[errno]}`;
  assert.ok(run.lines.includes(wanted), run.lines.slice(-6).join("\n"));
  assert.ok(run.lines.includes(well), run.lines.slice(-4).join("\n"));
  assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
}

for (const append of ["nohibernate", "hibernate=no", "lockdown=integrity"]) {
  Deno.test(`hibernate gives EPERM with ${append}, before anything is touched`, () => {
    const run = failing({ append, mode: "" });
    assertRefused(run, "EPERM");
    assert.equal(fieldsOf(run, "freeze").length, 0);
  });
}

Deno.test("/sys/power says in which modes a machine hibernates, and that it does not", () => {
  const read = (append: string) =>
    hibernation({ append, profile: "6.1" }, [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      ...["state", "disk", "resume", "resume_offset", "image_size", "reserved_size"].map(
        (file) => ({ do: "type", at: "A", line: `cat /sys/power/${file}` }) as const,
      ),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "read" },
    ]).lines.slice(-6).map((line) => line.slice(3).trim());
  const [state, disk, resume, offset, size, reserved] = read("");
  assert.equal(state, "disk");
  assert.equal(disk, "[platform] shutdown reboot suspend test_resume");
  assert.deepEqual([resume, offset, reserved], ["8:6", "0", "1048576"]);
  assert.ok(Math.abs(Number(size) / (64 * 1024 ** 2 * 2 / 5) - 1) < 0.05, `${size}`);
  assert.deepEqual(read("acpi=off")[1], "[shutdown] reboot suspend test_resume");
  assert.deepEqual(read("nohibernate").slice(0, 2), ["", "[disabled]"]);
});

Deno.test("writing to /sys/power gives EINVAL for what it does not know", () => {
  const lines = [
    ["put standby /sys/power/state", "put: /sys/power/state: Invalid argument"],
    ["put never /sys/power/disk", "put: /sys/power/disk: Invalid argument"],
    ["put many /sys/power/image_size", "put: /sys/power/image_size: Invalid argument"],
    ["put x /sys/power/resume_offset", "put: /sys/power/resume_offset: Invalid argument"],
    ["put 9:9 /sys/power/resume", "put: /sys/power/resume: Invalid argument"],
  ] as const;
  const run = hibernation({}, [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    ...lines.map(([line]) => ({ do: "type", at: "A", line }) as const),
    { do: "type", at: "A", line: "put 4096 /sys/power/image_size" },
    { do: "type", at: "A", line: "cat /sys/power/image_size" },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "written" },
  ]);
  assert.equal(run.outcome, "written");
  for (const [, answer] of lines) assert.ok(run.lines.includes(`A: ${answer}`), answer);
  assert.equal(run.lines.at(-1)?.trim(), "A: 4096");
});

Deno.test("hibernate gives ENODEV without swap, but only after the copy (recorded fact 41)", () => {
  const run = failing({ before: ["work 64 2"], mode: "shutdown" });
  assertRefused(run, "ENODEV");
  assert.equal(fieldsOf(run, "snapshot").length, 1);
  assert.ok(said(run, "Cannot find swap device, try swapon -a"));
});

Deno.test("hibernate gives ENOSPC where swap is too small, and leaves the signature", () => {
  const run = failing({
    before: ["mkswap /dev/sda6 1024", "work 64 2", "swapon /dev/sda6"],
    mode: "shutdown",
  });
  assertRefused(run, "ENOSPC");
  assert.equal(swapHeader(bytesOf(run.medium)).signature, "SWAPSPACE2");
});

Deno.test("hibernate gives EBUSY while a program has /dev/snapshot open", () => {
  const run = failing({
    before: ["work 64 2", "swapon /dev/sda6", "snapshot r sleep=60000 &"],
    mode: "shutdown",
  });
  assertRefused(run, "EBUSY");
});

Deno.test("a notifier that refuses has those before it told the opposite (F44)", () => {
  const run = failing({ append: "pm_notifier_error_inject=PM_HIBERNATION_PREPARE:-16" });
  assertRefused(run, "EBUSY");
  const told = fieldsOf(run, "notifier").map(({ callback, event, returned }) =>
    `${callback} ${event} ${returned}`
  );
  assert.deepEqual(told.slice(4, 6), [
    "pm-notifier-error-inject PM_HIBERNATION_PREPARE error",
    "bsp_pm PM_POST_HIBERNATION done",
  ]);
  assert.equal(told.length, 9);
  assert.equal(fieldsOf(run, "freeze").length, 0);
});

Deno.test("hibernate of a kernel that is too full gives ENOMEM before devices are told (F98)", () => {
  const run = failing({ before: ["work 4500 2", "swapon /dev/sda6"] });
  assertRefused(run, "ENOMEM");
  assert.equal(fieldsOf(run, "phase").length, 0);
  const [limits] = fieldsOf(run, "preallocate");
  const { pages = 0, usable = 0, metadata = 0, reserved = 0 } = limits as Record<string, number>;
  const most = Math.floor((usable - metadata - 1024) / 2) - 2 * reserved;
  assert.ok(pages > most, `${pages} pages, at most ${most}`);
  assert.ok(said(run, `Image allocation is ${pages - most} pages short`));
});

Deno.test("reserved_size makes less room for an image (protocol.md B.5.5)", () => {
  const run = failing({
    before: ["work 64 2", "swapon /dev/sda6", "put 60000000 /sys/power/reserved_size"],
  });
  assertRefused(run, "ENOMEM");
});

Deno.test("an image of exactly the most pages is made, one of a page more is not (F98)", () => {
  const limits = (reserved: number) => {
    const run = failing({
      before: ["work 64 2", `put ${reserved} /sys/power/reserved_size`],
      mode: "shutdown",
    });
    const [fields] = fieldsOf(run, "preallocate");
    const { pages = 0, usable = 0, metadata = 0, reserved: kept = 0, result = 0 } =
      fields as Record<
        string,
        number
      >;
    const half = Math.floor((usable - metadata - 1024) / 2);
    return { result, room: half - 2 * kept - pages, half, pages };
  };
  const { half, pages } = limits(0);
  const kept = Math.floor((half - pages) / 2);
  const fits = limits(kept * 4096);
  assert.equal(fits.result, 0);
  assert.ok(fits.room >= 0 && fits.room <= 1, `${fits.room}`);
  const over = limits((kept + 1) * 4096);
  assert.equal(over.result, -12);
  assert.ok(over.room < 0 && over.room >= -2, `${over.room}`);
});

Deno.test("a hibernation that fails gives back every page it took", () => {
  for (
    const [choices, before] of [
      [[{ kind: "refuse", device: "disk", phase: "freeze", time: 1, result: -16 }], []],
      [[], ["pm-hibernate shutdown"]],
    ] as const
  ) {
    const run = failing({
      choices,
      before: ["work 64 2", ...(before.length === 0 ? ["pm-hibernate shutdown"] : before)],
      mode: "shutdown",
    });
    const [first, second] = fieldsOf(run, "preallocate");
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second["usable"], first["usable"]);
  }
});

Deno.test("test_resume gives EBUSY and leaves the image on the disk (recorded fact 41)", () => {
  const run = failing({ mode: "test_resume" });
  assert.equal(run.outcome, "goes on");
  assert.ok(said(run, "Image not found (code -16)"));
  assert.ok(said(run, "pm-hibernate: /sys/power/state: Device or resource busy"));
  assert.equal(swapHeader(bytesOf(run.medium)).signature, "S1SUSPEND");
});

Deno.test("the record's room is looked at when the header is written (F66)", () => {
  const run = failing({ before: ["work 64 2"], mode: "shutdown" });
  assert.deepEqual(fieldsOf(run, "header_save").map(({ needed, result }) => [needed, result]), [
    [40, 0],
  ]);
});

const SNAPSHOT = [
  ["snapshot rw", "snapshot: /dev/snapshot: Function not implemented"],
  ["snapshot r 40", "40: Inappropriate ioctl for device"],
  ["snapshot r 3", "3: Inappropriate ioctl for device"],
  ["snapshot r CREATE_IMAGE", "CREATE_IMAGE: Operation not permitted"],
  ["snapshot w FREEZE CREATE_IMAGE", "CREATE_IMAGE: Operation not permitted"],
  ["snapshot w FREEZE ATOMIC_RESTORE", "ATOMIC_RESTORE: Operation not permitted"],
  ["snapshot r GET_IMAGE_SIZE", "GET_IMAGE_SIZE: No data available"],
  ["snapshot r S2RAM", "S2RAM: Operation not permitted"],
  ["snapshot r SET_SWAP_AREA=7", "SET_SWAP_AREA: No such device"],
  ["snapshot r FREEZE CREATE_IMAGE GET_IMAGE_SIZE FREE UNFREEZE", "CREATE_IMAGE: 1"],
  ["snapshot r SET_SWAP_AREA=6 ALLOC_SWAP_PAGE FREE_SWAP_PAGES", "ALLOC_SWAP_PAGE: 4096"],
] as const;

Deno.test("/dev/snapshot checks what protocol.md B.5.10 says, with its errnos", () => {
  const run = hibernation({}, [
    ...working({}),
    ...SNAPSHOT.map(([line]) => ({ do: "type", at: "A", line }) as const),
    { do: "type", at: "A", line: "check" },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "done" },
  ]);
  assert.equal(run.outcome, "done", run.lines.slice(-4).join("\n"));
  for (const [line, answer] of SNAPSHOT) assert.ok(run.lines.includes(`A: ${answer}`), line);
  // It has no console of its own to prepare (F45).
  assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
  assert.ok(run.lines.includes(WELL));
});
