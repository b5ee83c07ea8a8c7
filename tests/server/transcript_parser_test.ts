import assert from "node:assert/strict";
import fc from "fast-check";
import { TranscriptError } from "../../server/transcript/transcript.ts";
import { parseTranscript } from "../../server/transcript/transcript_parser.ts";
import { differenceText, findMismatch, lineMatches } from "../../server/transcript/expectation.ts";

function consoleOf(...lines: string[]): string {
  return ["# Title", "", "```console", ...lines, "```"].join("\n");
}

function errorOf(text: string): string {
  try {
    parseTranscript("f.md", text);
  } catch (error) {
    if (error instanceof TranscriptError) return error.message;
    throw error;
  }
  return "no error";
}

Deno.test("parseTranscript reads prompts, continued lines, expected output and the machine", () => {
  const text = [
    "# A title",
    "",
    "The first sentence",
    "goes on. The second.",
    "",
    "```machine",
    "system: v7",
    "kernel: 2.6.24-v7",
    "memory: 96M",
    "menu: A hostname=A root=/dev/sda2",
    "menu: X hostname=X acpi=off",
    "refuse: disk freeze 2 -5",
    "breaks: F60, F61",
    "```",
    "```console",
    "# power on",
    "# boot X single debug",
    "A$ kexec -l \\",
    "   --append=x",
    "printed …",
    "",
    "A$ sync",
    "```",
    "```console strict",
    "# away 8h",
    "```",
  ].join("\r\n");
  const { title, summary, machine, steps } = parseTranscript("f.md", text);
  assert.equal(title, "A title");
  assert.equal(summary, "The first sentence goes on.");
  assert.equal(machine.system, "v7");
  assert.equal(machine.memoryBytes, 96 * 1024 ** 2);
  assert.deepEqual(machine.menu, [
    { name: "A", append: "hostname=A root=/dev/sda2" },
    { name: "X", append: "hostname=X acpi=off" },
  ]);
  assert.deepEqual(machine.choices, [
    { kind: "refuse", device: "disk", phase: "freeze", time: 2, result: -5 },
  ]);
  assert.deepEqual(machine.breaks, ["F60", "F61"]);
  assert.deepEqual(
    steps.map(({ line, kernel, text, expected, strict }) => ({
      line,
      kernel,
      text,
      expected,
      strict,
    })),
    [
      { line: 16, kernel: "", text: "power on", expected: [], strict: false },
      { line: 17, kernel: "", text: "boot X single debug", expected: [], strict: false },
      {
        line: 18,
        kernel: "A",
        text: "kexec -l --append=x",
        expected: ["printed …", ""],
        strict: false,
      },
      { line: 22, kernel: "A", text: "sync", expected: [], strict: false },
      { line: 25, kernel: "", text: "away 8h", expected: [], strict: true },
    ],
  );
  assert.deepEqual(steps[1]?.action, { do: "boot", entry: "X", append: "single debug" });
  assert.deepEqual(steps[4]?.action, { do: "away", ns: 8 * 3600 * 1e9 });
});

const MISTAKES: readonly (readonly [about: string, text: string, expected: RegExp])[] = [
  ["no console", "# T\n", /^f\.md:1: there is no block of ```console/],
  ["an open block", "```console\n# power on\n", /^f\.md:1: the block that begins here has no end/],
  ["an empty console", "```console\n```\n", /^f\.md:1: nothing is typed in any console block/],
  ["output first", consoleOf("hello"), /^f\.md:4: a console block begins with a prompt/],
  ["a strange prompt", consoleOf("root$ ls"), /^f\.md:4: unknown prompt 'root\$'; there are 'A\$'/],
  ["a strange second prompt", consoleOf("A$ ls", "$ ls"), /^f\.md:5: unknown prompt '\$'/],
  ["an empty prompt", consoleOf("A$"), /^f\.md:4: nothing is typed at this prompt/],
  ["a strange act", consoleOf("# kick it"), /^f\.md:4: 'kick it' is nothing the person can do/],
  ["a strange act's list", consoleOf("# kick it"), /press reset; away TIME/],
  ["no duration", consoleOf("# away soon"), /^f\.md:4: 'soon' is no duration/],
  ["a strange fate", consoleOf("# pull the plug keeping it"), /is nothing the person can do/],
  ["a strange word", "```console loudly\n# power on\n```", /^f\.md:1: unknown word 'loudly'/],
];

for (const [about, text, expected] of MISTAKES) {
  Deno.test(`parseTranscript refuses ${about}, with the line`, () => {
    assert.match(errorOf(text), expected);
  });
}

const MACHINE_MISTAKES: readonly (readonly [line: string, expected: RegExp])[] = [
  ["memry: 64M", /^f\.md:2: unknown key 'memry'; did you mean 'memory'\?/],
  ["memory = 64M", /^f\.md:2: 'memory = 64M' is no line of a machine/],
  ["memory: lots", /^f\.md:2: 'lots' is no size/],
  ["kernel: 2.4", /^f\.md:2: kernel: '2\.4' is none of .*2\.6\.27/],
  ["system: windows", /^f\.md:2: system: 'windows' is none/],
  ["refuse: disk freeze", /^f\.md:2: refuse: write DEVICE PHASE TIME ERRNO/],
  ["refuse: disk freeze 0 -5", /^f\.md:2: refuse: write/],
  ["choice: nonsense", /^f\.md:2: choice: 'nonsense' is no JSON/],
  ['choice: {"kind":"sing"}', /^f\.md:2: choice\.kind is not one of/],
  ["bzimage: /vmlinuz-far", /^f\.md:2: bzimage: write PATH PROFILE \[ADDRESS\]/],
  ["bzimage: vmlinuz 6.1", /^f\.md:2: bzimage: write PATH PROFILE/],
  ["bzimage: /vmlinuz-far 2.4", /^f\.md:2: bzimage: '2\.4' is none of/],
  ["bzimage: /vmlinuz-far 6.1 3M", /^f\.md:2: bzimage: a kernel is loaded at a multiple of 2 MiB/],
  ["setup: 3", /^f\.md:2: setup: the JSON is no object/],
  ["menu: A", /^f\.md:2: menu: write NAME COMMAND LINE/],
  ["layout: odd", /^f\.md:2: layout: 'odd' is none of standard, workshop/],
  ["seed: 1\nseed: 2", /^f\.md:3: 'seed' stands in line 2 already/],
];

for (const [line, expected] of MACHINE_MISTAKES) {
  Deno.test(`parseTranscript refuses the machine line '${line}'`, () => {
    const text = `\`\`\`machine\n${line}\n\`\`\`\n\`\`\`console\n# power on\n\`\`\`\n`;
    assert.match(errorOf(text), expected);
  });
}

Deno.test("parseTranscript gives a transcript or a TranscriptError, whatever it reads", () => {
  const line = fc.oneof(
    fc.constantFrom("```console", "```machine", "```", "# power on", "A$ ls", "…", "x: y", "> "),
    fc.string({ maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      errorOf(lines.join("\n"));
    }),
    { numRuns: 300 },
  );
});

Deno.test("lineMatches takes … for any text, within one line", () => {
  for (
    const [expected, printed, fits] of [
      ["abc", "abc  ", true],
      ["abc", "abcd", false],
      ["a…c", "abc", true],
      ["a…c", "ac", true],
      ["a…c", "acb", false],
      ["…", "", true],
      ["a…a", "a", false],
      ["…b…", "abc", true],
      ["0x…, 0x…", "0x1, 0x2", true],
      ["0x…, 0x…", "0x1", false],
    ] as const
  ) {
    assert.equal(lineMatches(expected, printed), fits, `'${expected}' and '${printed}'`);
  }
});

Deno.test("findMismatch takes … for any lines, and finds the place where they part", () => {
  assert.equal(findMismatch(["a", "…", "d"], ["a", "b", "c", "d"]), undefined);
  assert.equal(findMismatch(["…"], []), undefined);
  assert.equal(findMismatch(["…", "b", "…", "b"], ["b", "b"]), undefined);
  assert.deepEqual(findMismatch(["a"], []), { expectedIndex: 0, printedIndex: 0 });
  assert.deepEqual(findMismatch([], ["a"]), { expectedIndex: 0, printedIndex: 0 });
  assert.deepEqual(findMismatch(["a", "b"], ["a", "c"]), { expectedIndex: 1, printedIndex: 1 });
  assert.deepEqual(findMismatch(["a"], ["a", "b"]), { expectedIndex: 1, printedIndex: 1 });
  assert.deepEqual(findMismatch(["a", "…", "z"], ["a", "b"]), {
    expectedIndex: 2,
    printedIndex: 1,
  });
});

Deno.test("findMismatch finds none where … stands for whatever lines were left out", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "b", "c")), fc.nat(), fc.nat(), (lines, one, two) => {
      const from = lines.length === 0 ? 0 : one % lines.length;
      const to = from + (lines.length === 0 ? 0 : two % (lines.length - from + 1));
      const expected = [...lines.slice(0, from), "…", ...lines.slice(to)];
      assert.equal(findMismatch(expected, lines), undefined);
      assert.notEqual(findMismatch([...expected, "d"], lines), undefined);
    }),
  );
});

Deno.test("differenceText shows what was expected, what came, and line numbers", () => {
  const expected = ["one", "two", "three"];
  const printed = ["one", "2", "3", "4", "5"];
  const mismatch = findMismatch(expected, printed);
  assert.ok(mismatch !== undefined);
  assert.deepEqual(differenceText(expected, printed, mismatch, 10), [
    "  10   one",
    "- 11   two",
    "+     2",
    "+     3",
    "+     4",
    "+     … 1 lines more",
  ]);
});

Deno.test("parseTranscript reads further kernels, and entries of the menu that boot them", () => {
  const { machine } = parseTranscript(
    "f.md",
    "```machine\nbzimage: /vmlinuz-far 6.1 48M\nbzimage: /vmlinuz-old 2.6.23-x64\n" +
      "menu: A hostname=A\nmenu: C kernel /vmlinuz-far hostname=C quiet\n```\n" +
      "```console\n# power on\n```\n",
  );
  assert.deepEqual(machine.kernels, [
    { path: "/vmlinuz-far", profile: "6.1", address: 48 * 1024 ** 2 },
    { path: "/vmlinuz-old", profile: "2.6.23-x64" },
  ]);
  assert.deepEqual(machine.menu, [
    { name: "A", append: "hostname=A" },
    { name: "C", append: "hostname=C quiet", kernel: "/vmlinuz-far" },
  ]);
});
