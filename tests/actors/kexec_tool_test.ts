import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ERRNO, type ErrnoName, errnoText } from "../../actors/kernel/errno.ts";
import { KERNEL_KEXEC_PROCEDURES } from "../../actors/kernel/kernel_kexec.ts";
import { KEXEC_LOAD_PROCEDURES } from "../../actors/kernel/kexec_load.ts";
import { done, type Procedure, procedure } from "../../actors/kernel/procedure.ts";
import type { KernelState, KexecImage } from "../../actors/kernel/state.ts";
import { JUMP_BACK_PROCEDURES } from "../../actors/programs/kexec_jump_back.ts";
import { KEXEC_PROCEDURES } from "../../actors/programs/kexec.ts";
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { EM_386, EM_X86_64, emitElf, ET_CORE, PT_LOAD } from "../../machine/formats/elf.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { type Call, diskWith, type KernelRun, runKernel } from "./kernel_kit.ts";
import { UNTIL_LOCKED } from "./second_loader.ts";

const MIB = 1024 ** 2;
const PAGE = 4096;
const PROCEDURES: readonly Procedure[] = [
  ...KEXEC_PROCEDURES,
  ...KEXEC_LOAD_PROCEDURES,
  ...KERNEL_KEXEC_PROCEDURES,
  ...JUMP_BACK_PROCEDURES,
];
const MAP: KernelState["map"] = [
  { start: 0, length: 0x9_fc00, type: E820_TYPE.ram },
  { start: MIB, length: 31 * MIB, type: E820_TYPE.ram },
];
const FREE = [{ pfn: 256, count: 31 * 256 }];

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

interface ToolPlan {
  readonly calls: readonly Call[];
  readonly profile?: string;
  readonly state?: Partial<KernelState>;
  readonly free?: KernelState["free"];
  readonly procedures?: readonly Procedure[];
  readonly dump?: Uint8Array;
}

/** Runs the tool in a kernel with 32 MiB of RAM; the dump is `/mnt/dump.elf`. */
function tool({ calls, profile = "2.6.27", state, free = FREE, procedures = [], dump }: ToolPlan) {
  const files = dump === undefined ? [] : [{ path: "/dump.elf", mode: 0o600, data: dump }];
  const mount: Call = ["fs_mount", { path: "/mnt", partition: 1, readOnly: true }];
  const run = runKernel({
    medium: diskWith([{ mib: 32, files }]),
    calls: [...(dump === undefined ? [] : [mount]), ...calls],
    procedures: [...PROCEDURES, ...procedures],
    free,
    state: { profile, map: MAP, firmwareMap: MAP, ...state },
  });
  return { run, status: run.results.at(-1), said: run.printed() };
}

const status = (run: KernelRun) => run.results.at(-1);

Deno.test("kexec -e with nothing loaded says so and exits 1 (recorded fact 11)", () => {
  const { run, said } = tool({ calls: [kexec("-e")] });
  deepStrictEqual([status(run), said], [1, ["Nothing has been loaded!"]]);
  deepStrictEqual(run.facts("exec"), []);
});

Deno.test("kexec -e does not execute an image whose start is 0 (F27)", () => {
  const state = { image: { ...IMAGE, start: 0 } };
  const { run, said } = tool({ calls: [kexec("-e")], state });
  strictEqual(status(run), 1);
  match(said[0] ?? "", /left no way back; load it again/);
  deepStrictEqual(run.facts("exec"), []);
});

Deno.test("sys_reboot_kexec gives EINVAL with nothing loaded, and with start 0", () => {
  for (const image of [null, { ...IMAGE, start: 0 }]) {
    const { run } = tool({ calls: [["sys_reboot_kexec"]], state: { image } });
    deepStrictEqual([status(run), run.state.lock], [-ERRNO.EINVAL, ""]);
  }
});

Deno.test("sys_reboot_kexec gives EBUSY at once while another holds the lock (F04, F05)", () => {
  const state = { image: IMAGE, lock: "kexec_load" };
  const { run } = tool({ calls: [["sys_reboot_kexec"]], state });
  deepStrictEqual([status(run), run.state.lock], [-ERRNO.EBUSY, "kexec_load"]);
  deepStrictEqual(run.facts("console").length, 0);
});

const returning = (name: string, value: number): Procedure =>
  procedure(name, [{ name: "answer", run: () => done(value) }]);

for (const name of ["EBUSY", "ENOMEM", "EINVAL", "EIO"] as const satisfies ErrnoName[]) {
  Deno.test(`kexec -e that fails with ${name} says so and exits 255`, () => {
    const procedures = [returning("sys_reboot_kexec", -ERRNO[name])];
    const { run, said } = tool({ calls: [kexec("-e")], state: { image: IMAGE }, procedures });
    deepStrictEqual([status(run), said], [255, [`kexec failed: ${errnoText(ERRNO[name])}`]]);
  });
}

Deno.test("kexec -e that comes back exits 0 on 2.6.27, and 255 with a stale errno on 6.1", () => {
  const of = (profile: string) => {
    const procedures = [returning("sys_reboot_kexec", 0)];
    const { run, said } = tool({
      calls: [kexec("-e")],
      profile,
      state: { image: IMAGE },
      procedures,
    });
    return [status(run), said];
  };
  deepStrictEqual(of("2.6.27"), [0, []]);
  deepStrictEqual(of("6.1-cured"), [255, ["kexec failed: Bad file descriptor"]]);
});

const FAILURES = ["EPERM", "EINVAL", "EBUSY", "EADDRNOTAVAIL", "ENOMEM"] as const;
for (const name of FAILURES satisfies readonly ErrnoName[]) {
  Deno.test(`kexec that is refused by kexec_load with ${name} says so and exits 255`, () => {
    const procedures = [returning("sys_kexec_load", -ERRNO[name])];
    const calls = [kexec("--load-jump-back-helper", "--entry=0x1000")];
    const { run, said } = tool({ calls, procedures });
    strictEqual(status(run), 255);
    match(said[0] ?? "", new RegExp(`^kexec_load failed: ${errnoText(ERRNO[name])}`));
  });
}

Deno.test("kexec --load-jump-back-helper loads one empty segment with the entry", () => {
  const { run } = tool({ calls: [kexec("--load-jump-back-helper", "--entry=0x12340c0")] });
  strictEqual(status(run), 0);
  const { image } = run.state;
  deepStrictEqual([image?.preserve, image?.start, image?.head], [true, 0x123_40c0, 4]);
  deepStrictEqual(image?.segments, [{ mem: 0, memsz: 0, bufsz: 0 }]);
});

Deno.test("kexec --load-jump-back-helper is refused when an image is loaded (F102, recorded)", () => {
  for (const words of [["--entry=0x1000"], []]) {
    const calls = [kexec("--load-jump-back-helper", ...words)];
    const { run, said } = tool({ calls, state: { image: IMAGE } });
    const line = "There is kexec kernel loaded, make sure you are in kexeced kernel.";
    deepStrictEqual([status(run), said], [255, [line]]);
    deepStrictEqual(run.state.image, IMAGE);
  }
});

Deno.test("kexec --load-jump-back-helper without an entry, or with 0, exits 255 (F102)", () => {
  for (const words of [[], ["--entry=0"]]) {
    const { run } = tool({ calls: [kexec("--load-jump-back-helper", ...words)] });
    deepStrictEqual([status(run), run.state.image], [255, null]);
  }
});

Deno.test("kexec --load-preserve-context without --mem-max loads nothing and exits 1 (F103)", () => {
  const { run, said } = tool({ calls: [kexec("--load-preserve-context", "/mnt/bzImage")] });
  deepStrictEqual([status(run), run.state.image, said.length], [1, null, 2]);
});

Deno.test("kexec -u unloads, also when nothing is loaded, and gives the pages back (F20)", () => {
  const { run } = tool({
    calls: [kexec("-u"), kexec("--load-jump-back-helper", "--entry=0x1000"), kexec("-u")],
  });
  deepStrictEqual([run.results, run.state.image, run.state.free], [[0, 0, 0], null, FREE]);
});

Deno.test("jump-back without an entry on the command line says so and exits 1", () => {
  const { run, said } = tool({ calls: [["program:jump-back", { argv: ["jump-back"] }]] });
  deepStrictEqual([status(run), said.length], [1, 1]);
});

interface Load {
  readonly mem: number;
  readonly memsz: number;
  readonly filesz?: number;
}

/** A memory image with these PT_LOADs, each with its own bytes in the file. */
function image(loads: readonly Load[], machine = EM_386): Uint8Array {
  let offset = 2 * PAGE;
  const programs = loads.map(({ mem, memsz, filesz = memsz }) => {
    const program = {
      type: PT_LOAD,
      flags: 7,
      offset,
      vaddr: 0n,
      paddr: mem,
      filesz,
      memsz,
      align: PAGE,
    };
    offset += Math.ceil(filesz / PAGE) * PAGE;
    return program;
  });
  const bytes = new Uint8Array(offset);
  bytes.set(emitElf({ class: 64, type: ET_CORE, machine, entry: 0x100_00c0 }, programs));
  programs.forEach((program, index) => {
    bytes.fill(index + 1, program.offset, program.offset + program.filesz);
  });
  return bytes;
}

const apart = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ mem: MIB + index * 2 * PAGE, memsz: PAGE }));
const DUMP = "/mnt/dump.elf";
const loadDump = kexec("-l", "--args-none", "--entry=0x12340c0", DUMP);

Deno.test("kexec -l --args-none loads a segment for each PT_LOAD, with its content as source", () => {
  const dump = image(apart(16));
  const { run, said } = tool({ calls: [loadDump], dump });
  deepStrictEqual([status(run), said], [0, []]);
  const loaded = run.state.image;
  deepStrictEqual([loaded?.preserve, loaded?.start], [false, 0x123_40c0]);
  deepStrictEqual(loaded?.segments, apart(16).map((load) => ({ ...load, bufsz: PAGE })));
  const [fact] = run.facts("kimage");
  const pairs = String(fact?.["pairs"]).split(",");
  strictEqual(pairs.length, 16);
  pairs.forEach((pair, index) => {
    const source = Number.parseInt(pair.split(":")[1] ?? "", 16) * PAGE;
    strictEqual(run.ram.view(source, PAGE).every((byte) => byte === index + 1), true);
  });
});

Deno.test("kexec -l --args-none takes the entry of the file where none is given", () => {
  const { run } = tool({ calls: [kexec("-l", "--args-none", DUMP)], dump: image(apart(1)) });
  strictEqual(run.state.image?.start, 0x100_00c0);
});

Deno.test("kexec -l --flags=0x3e is taken by v7, and its tool's word for kexec_load's", () => {
  const calls = [kexec("-l", "--args-none", "--flags=0x3e", DUMP)];
  const { run, said } = tool({ calls, dump: image(apart(1)), profile: "2.6.24-v7" });
  deepStrictEqual([status(run), said], [0, []]);
});

Deno.test("sys_kexec_load of 6.1 refuses v7's state flags with EINVAL (recorded fact 2)", () => {
  const calls: Call[] = [["sys_kexec_load", { segments: [], entry: 0, flags: 0x3e }]];
  const { run } = tool({ calls, profile: "6.1" });
  strictEqual(status(run), -ERRNO.EINVAL);
});

for (const count of [17, 90]) {
  Deno.test(`kexec -l of ${count} PT_LOADs warns, fails with EINVAL and exits 255 (fact 24)`, () => {
    const { run, said } = tool({ calls: [loadDump], dump: image(apart(count)) });
    deepStrictEqual(said, [
      "Warning: kernel segment limit reached. This will likely fail",
      "kexec_load failed: Invalid argument",
    ]);
    deepStrictEqual([status(run), run.state.image, run.state.lock], [255, null, ""]);
  });
}

Deno.test("kexec -l of a core whose range ends within a page is refused (recorded fact 22)", () => {
  const dump = image([{ mem: 0x1000, memsz: 0x9_ec00 }, { mem: MIB, memsz: PAGE }]);
  const { run, said } = tool({ calls: [loadDump], dump });
  deepStrictEqual([status(run), said], [1, ["Invalid memory segment 0x1000 - 0x9ffff"]]);
});

Deno.test("kexec -l of a core that has a page twice is refused (recorded fact 22)", () => {
  const alias = { mem: 16 * MIB, memsz: 4 * PAGE };
  const dump = image([alias, { mem: MIB, memsz: 31 * MIB, filesz: PAGE }]);
  const { run, said } = tool({ calls: [loadDump], dump });
  deepStrictEqual([status(run), said], [255, ["Overlapping memory segments at 0x2000000"]]);
});

Deno.test("kexec -l refuses what is no ELF file, another machine's, and a truncated one", () => {
  const of = (dump: Uint8Array) => {
    const { run, said } = tool({ calls: [loadDump], dump });
    return `${status(run)} ${said.join("|")}`;
  };
  match(of(new Uint8Array(PAGE)), /^1 Cannot determine the file type of \/mnt\/dump\.elf/);
  match(of(image(apart(1), EM_X86_64)), /^1 \/mnt\/dump\.elf: ELF machine 62, this kernel takes 3/);
  match(of(image(apart(2)).subarray(0, 3 * PAGE + 5)), /^1 .*truncated/);
});

Deno.test("kexec -l says what a missing file is", () => {
  const { run, said } = tool({ calls: [loadDump] });
  deepStrictEqual([status(run), said], [1, [`Cannot open ${DUMP}: No such file or directory`]]);
});

Deno.test("kexec -l of a file larger than free memory gives both figures and exits 1", () => {
  const dump = image([{ mem: MIB, memsz: 8 * MIB }]);
  const free = [{ pfn: 256, count: 6 * 256 }];
  const { run, said } = tool({ calls: [loadDump], dump, free });
  strictEqual(status(run), 1);
  // The console's event has the beginning of a long line.
  match(said[0] ?? "", /^kexec: \/mnt\/dump\.elf needs 8\.0 MiB and as much/);
  strictEqual(run.state.image, null);
});

Deno.test("kexec -l on 2.6.27 fails with ENOMEM and both figures when the sources do not fit", () => {
  const dump = image([{ mem: 20 * MIB, memsz: 8 * MIB }]);
  const free = [{ pfn: 256, count: 12 * 256 }];
  const { run, said } = tool({ calls: [loadDump], dump, free });
  strictEqual(status(run), 255);
  match(
    said[0] ?? "",
    /^kexec_load failed: Cannot allocate memory \(8\.0 MiB of source pages wanted, 3\.\d MiB free\)$/,
  );
  deepStrictEqual([run.state.image, run.state.lock], [null, ""]);
});

Deno.test("kexec -l on 6.1 fails with EINVAL and both figures above half of RAM (fact 8)", () => {
  // RAM is 7936 whole pages and 159 below 640K.
  const half = Math.floor((31 * 256 + 159) / 2) * PAGE;
  const of = (memsz: number) => {
    const dump = image([{ mem: MIB, memsz, filesz: PAGE }], EM_X86_64);
    const { run, said } = tool({ calls: [loadDump], dump, profile: "6.1-cured" });
    return [status(run), ...said];
  };
  deepStrictEqual(of(half), [0]);
  const [code, line] = of(half + PAGE);
  strictEqual(code, 255);
  match(
    String(line),
    /^kexec_load failed: Invalid argument \(15\.8 MiB in segments, half of RAM is 15\.8 MiB\)$/,
  );
});

Deno.test("kexec -l that fails leaves the image that was loaded before (F19, fact 10)", () => {
  const helper = kexec("--load-jump-back-helper", "--entry=0x12340c0");
  const { run } = tool({ calls: [helper, loadDump], dump: image(apart(17)) });
  deepStrictEqual(run.results, [0, 0, 255]);
  deepStrictEqual(run.state.image?.start, 0x123_40c0);
  const before = tool({ calls: [helper], dump: image(apart(17)) });
  deepStrictEqual(run.state.image, before.run.state.image);
});

Deno.test("kexec -l over a loaded image gives that one's pages back, and no others", () => {
  const owned = (run: KernelRun) =>
    run.state.owned.reduce(
      (sum, { flags, count }) => flags === FRAME.kimage ? sum + count : sum,
      0,
    );
  const once = tool({ calls: [loadDump], dump: image(apart(4)) });
  const thrice = tool({ calls: [loadDump, loadDump, loadDump], dump: image(apart(4)) });
  deepStrictEqual(thrice.run.results, [0, 0, 0, 0]);
  // Four sources, control page, swap page and a page for the list.
  deepStrictEqual([owned(once.run), owned(thrice.run)], [7, 7]);
});

Deno.test("kexec_load takes two loaders one after the other: the second gets EBUSY (fact 9)", () => {
  const run = runKernel({
    medium: diskWith([{
      mib: 32,
      files: [{ path: "/dump.elf", mode: 0o600, data: image(apart(2)) }],
    }]),
    calls: [["fs_mount", { path: "/mnt", partition: 1, readOnly: true }], loadDump],
    beside: [["test_until_locked"]],
    procedures: [
      ...PROCEDURES,
      UNTIL_LOCKED,
    ],
    free: FREE,
    state: { map: MAP, firmwareMap: MAP },
  });
  deepStrictEqual([run.results, run.beside], [[0, 0], [-ERRNO.EBUSY]]);
  strictEqual(run.state.image?.segments.length, 2);
});
