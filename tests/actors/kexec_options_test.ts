import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ToolGeneration } from "../../actors/kernel/profiles.ts";
import { GENERATIONS, TOOL_OPTIONS } from "../../actors/programs/kexec_generations.ts";
import {
  type KexecOptions,
  optionString,
  parseKexec,
  usageText,
} from "../../actors/programs/kexec_options.ts";
import { splitWords } from "../../actors/kernel/shell.ts";

const DEFAULTS: KexecOptions = {
  action: "load",
  crash: false,
  preserve: false,
  jumpBack: false,
  file: "",
  initrd: "",
  append: "",
  reuseCommandLine: false,
  memMin: 0,
  memMax: null,
  entry: null,
  argsNone: false,
  flags: null,
  command: null,
  elf64: false,
  ifdown: true,
  sync: true,
};

function options(line: string, tools: ToolGeneration = "jump"): Partial<KexecOptions> {
  const parsed = parseKexec(splitWords(line), tools);
  if (parsed.kind === "refused") throw new Error(parsed.message);
  const changed = Object.entries(parsed.options).filter(([name, value]) =>
    value !== Reflect.get(DEFAULTS, name)
  );
  return Object.fromEntries(changed);
}

const ACCEPTED: readonly (readonly [string, Partial<KexecOptions>])[] = [
  ["-l FILE", { file: "FILE" }],
  ["--load FILE", { file: "FILE" }],
  ["FILE", { file: "FILE" }],
  ["-e", { action: "exec" }],
  ["--exec", { action: "exec" }],
  ["-u", { action: "unload" }],
  ["--unload", { action: "unload" }],
  ["-l FILE --initrd=/r.gz", { file: "FILE", initrd: "/r.gz" }],
  ["-l FILE --append='a=b c'", { file: "FILE", append: "a=b c" }],
  ["-l FILE --args-none --entry=0x1c0", { file: "FILE", argsNone: true, entry: 0x1c0 }],
  ["-l FILE --args-none --entry 448", { file: "FILE", argsNone: true, entry: 0x1c0 }],
  ["-l FILE --command-line='a=b c'", { file: "FILE", append: "a=b c" }],
  ["-l FILE --reuse-cmdline", { file: "FILE", reuseCommandLine: true }],
  ["-e --no-ifdown", { action: "exec", ifdown: false }],
  ["-ex", { action: "exec", ifdown: false }],
  ["-p FILE", { file: "FILE", crash: true }],
  ["--help", { action: "help" }],
  ["--load-jump-back-helper --entry=0x1c0", { action: "helper", entry: 0x1c0 }],
  [
    "--load-preserve-context FILE --mem-min=0x100000 --mem-max=0xffffff --elf64-core-headers",
    { preserve: true, file: "FILE", memMin: 0x10_0000, memMax: 0xff_ffff, elf64: true },
  ],
];

for (const [line, expected] of ACCEPTED) {
  Deno.test(`parseKexec takes 'kexec ${line}'`, () => deepStrictEqual(options(line), expected));
}

const WINDOW = "--mem-min=0x100000 --mem-max=0xffffff";
const IN_WINDOW = { memMin: 0x10_0000, memMax: 0xff_ffff };

const BY_GENERATION: readonly (readonly [ToolGeneration, string, Partial<KexecOptions>])[] = [
  ["rfc", "-p FILE --elf64-core-headers", { file: "FILE", crash: true, elf64: true }],
  ["rfc", "--load-panic FILE", { file: "FILE", crash: true }],
  ["rfc", "-j", { action: "jump-to" }],
  ["rfc", "--jump-to", { action: "jump-to" }],
  ["rfc", "-b", { action: "jump-back" }],
  ["rfc", "--jump-back", { action: "jump-back" }],
  ["v4", `-p -n FILE ${WINDOW}`, { file: "FILE", preserve: true, ...IN_WINDOW }],
  ["v4", `-pn FILE ${WINDOW}`, { file: "FILE", preserve: true, ...IN_WINDOW }],
  ["v4", "-j", { action: "jump-to" }],
  [
    "v7",
    `--load-jump-back FILE ${WINDOW} --elf64-core-headers --append="khdev=3:7 go_to_hibernate"`,
    {
      file: "FILE",
      preserve: true,
      jumpBack: true,
      elf64: true,
      append: "khdev=3:7 go_to_hibernate",
      ...IN_WINDOW,
    },
  ],
  ["v7", "--load-jump-back --entry=0x1c0", { action: "helper", jumpBack: true, entry: 0x1c0 }],
  ["v7", "-l --args-none --flags=0x3e FILE", { file: "FILE", argsNone: true, flags: 0x3e }],
  ["v7", "-e -c 0x6b630001", { action: "exec", command: 0x6b63_0001 }],
  ["v7", "-e --command=0x6b630001", { action: "exec", command: 0x6b63_0001 }],
  ["modern", "-e -c", { action: "exec" }],
  ["modern", "-l -c FILE", { file: "FILE" }],
  ["modern", "-ey", { action: "exec", sync: false }],
  ["modern", "-S", { action: "status" }],
];

for (const [tools, line, expected] of BY_GENERATION) {
  Deno.test(`parseKexec of ${tools} takes 'kexec ${line}'`, () => {
    deepStrictEqual(options(line, tools), expected);
  });
}

/** Option, the tool it is given to, and what the refusal must name. */
const FOREIGN: readonly (readonly [ToolGeneration, string, RegExp])[] = [
  ["jump", "-j", /option '-j' is of the RFC of August 2007 \(v3\) and kexec jump v4 .*2008/],
  ["modern", "--jump-back", /option '--jump-back' is of the RFC of August 2007/],
  ["rfc", "--load-preserve-context FILE", /is of mainline kexec jump .*; this is the tool of the/],
  ["rfc", "--mem-min=0x100000 FILE", /option '--mem-min' is of kexec jump v4 .*2\.0\.25/],
  ["rfc", "-n FILE", /option '-n' is of kexec jump v4 \(September 2007\);/],
  ["v7", "-p -n FILE", /option '-n' is of kexec jump v4/],
  ["jump", "-e -c 0x6b630001", /option '-c' is of khibernation v7 .* and kexec-tools 2\.0\.25/],
  [
    "jump",
    "--load-jump-back FILE",
    /is of kexec jump v5 .*, khibernation v6 .* and khibernation v7/,
  ],
  ["jump", "-l --args-none --flags=0x3e FILE", /option '--flags' is of khibernation v7/],
  ["v7", "--load-jump-back-helper", /is of mainline kexec jump \(2008\) and kexec-tools/],
  ["jump", "-S", /option '-S' is of kexec-tools 2\.0\.25; this is the tool of mainline/],
];

for (const [tools, line, wanted] of FOREIGN) {
  Deno.test(`parseKexec of ${tools} says which generation 'kexec ${line}' is of`, () => {
    const parsed = parseKexec(splitWords(line), tools);
    strictEqual(parsed.kind, "refused");
    if (parsed.kind !== "refused") return;
    strictEqual(parsed.status, 1);
    match(parsed.message, wanted);
  });
}

Deno.test("TOOL_OPTIONS has each spelling once in a generation, and every generation some", () => {
  for (const generation of GENERATIONS) {
    const spellings = TOOL_OPTIONS.filter((each) => each.generations.includes(generation))
      .flatMap((each) => each.spellings);
    strictEqual(new Set(spellings).size, spellings.length, generation);
    ok(spellings.includes("-l"), generation);
  }
});

Deno.test("optionString of the RFC has exactly the posting's short options", () => {
  const sorted = (text: string): string => (text.match(/[a-z]:?/gi) ?? []).sort().join("");
  strictEqual(sorted(optionString("rfc")), sorted("hvdfxluejbt:p"));
});

Deno.test("usageText names every option of its generation and none of another", () => {
  const rfc = usageText("rfc").join("\n");
  for (const option of ["--load-panic", "--jump-to", "--jump-back"]) ok(rfc.includes(option));
  ok(!rfc.includes("--mem-min") && !rfc.includes("--load-preserve-context"));
  ok(!usageText("modern").join("\n").includes("--jump-to"));
});

const REFUSED: readonly (readonly [string, number, string])[] = [
  ["", 1, "kexec: no operation specified"],
  ["-l", 1, "No kernel specified"],
  ["--frob", 1, "kexec: unrecognized option '--frob'"],
  ["-Q", 1, "kexec: invalid option -- 'Q'"],
  ["--exec=now", 1, "kexec: option '--exec' doesn't allow an argument"],
  ["-l FILE --entry", 1, "kexec: option '--entry' requires an argument"],
  // The first two of recorded fact 12, and F103.
  [
    "--load-preserve-context FILE",
    1,
    "Please specify memory range used by kexeced kernel\n" +
    "to preserve the context of original kernel with --mem-max parameter",
  ],
  [
    "modern: -s --load-preserve-context FILE --mem-max=0xffffff",
    1,
    "--load-preserve-context cannot be used with the kexec_file_load system call",
  ],
  ["-l FILE --mem-min=low", 1, "Bad option value in --mem-min="],
  ["-l FILE --mem-max=", 1, "Bad option value in --mem-max="],
  ["-l FILE --entry=0xg", 1, "Bad option value in --entry="],
  ["v7: -l FILE --flags=none", 1, "Bad option value in --flags="],
  ["v7: -l FILE -c 1", 1, "kexec: a jump command (-c) goes with -e only"],
  ["-l FILE --mem-min=0x1000 --mem-max=0x1000", 1, "Too small mem_max"],
];

for (const [line, status, message] of REFUSED) {
  Deno.test(`parseKexec refuses 'kexec ${line}' with status ${status}`, () => {
    const tools = line.startsWith("modern: ") ? "modern" : line.startsWith("v7: ") ? "v7" : "jump";
    const words = splitWords(line.replace(/^[a-z0-9]+: /, ""));
    deepStrictEqual(parseKexec(words, tools), { kind: "refused", status, message });
  });
}

Deno.test("splitWords keeps quoted words together, in both kinds of quotes", () => {
  const line = `kexec --append="hostname=B root=/dev/ram0" 'two words' "" x"y z"'w' end`;
  deepStrictEqual(splitWords(line), [
    "kexec",
    "--append=hostname=B root=/dev/ram0",
    "two words",
    "",
    "xy zw",
    "end",
  ]);
  strictEqual(splitWords("   ").length, 0);
});
