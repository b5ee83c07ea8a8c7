import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type KexecOptions, parseKexec } from "../../actors/programs/kexec_options.ts";
import { splitWords } from "../../actors/kernel/shell.ts";

const DEFAULTS: KexecOptions = {
  action: "load",
  preserve: false,
  file: "",
  initrd: "",
  append: "",
  memMin: 0,
  memMax: null,
  entry: null,
  argsNone: false,
  flags: null,
  elf64: false,
};

function options(line: string): Partial<KexecOptions> {
  const parsed = parseKexec(splitWords(line));
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
  ["-l --args-none --flags=0x3e FILE", { file: "FILE", argsNone: true, flags: 0x3e }],
  ["--load-jump-back-helper --entry=0x1c0", { action: "helper", entry: 0x1c0 }],
  [
    "--load-preserve-context FILE --mem-min=0x100000 --mem-max=0xffffff --elf64-core-headers",
    { preserve: true, file: "FILE", memMin: 0x10_0000, memMax: 0xff_ffff, elf64: true },
  ],
];

for (const [line, expected] of ACCEPTED) {
  Deno.test(`parseKexec takes 'kexec ${line}'`, () => deepStrictEqual(options(line), expected));
}

const REFUSED: readonly (readonly [string, number, string])[] = [
  ["", 1, "kexec: no operation specified"],
  ["-l", 1, "No kernel specified"],
  ["--frob", 1, "kexec: unrecognized option '--frob'"],
  ["-l FILE --entry", 1, "kexec: option '--entry' requires an argument"],
  // The first two of recorded fact 12, and F103.
  [
    "--load-preserve-context FILE",
    1,
    "Please specify memory range used by kexeced kernel\n" +
    "to preserve the context of original kernel with --mem-max parameter",
  ],
  [
    "-s --load-preserve-context FILE --mem-max=0xffffff",
    1,
    "--load-preserve-context cannot be used with the kexec_file_load system call",
  ],
  ["-l FILE --mem-min=low", 1, "Bad option value in --mem-min="],
  ["-l FILE --mem-max=", 1, "Bad option value in --mem-max="],
  ["-l FILE --entry=0xg", 1, "Bad option value in --entry="],
  ["-l FILE --flags=none", 1, "Bad option value in --flags="],
  ["-l FILE --mem-min=0x1000 --mem-max=0x1000", 1, "Too small mem_max"],
];

for (const [line, status, message] of REFUSED) {
  Deno.test(`parseKexec refuses 'kexec ${line}' with status ${status}`, () => {
    deepStrictEqual(parseKexec(splitWords(line)), { kind: "refused", status, message });
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
