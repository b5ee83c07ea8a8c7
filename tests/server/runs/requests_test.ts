/**
 * Requests that cannot be: each is refused before anything is written, with what to do.
 */
import assert from "node:assert/strict";
import type { RunRequest } from "../../../server/api/shapes/run.ts";
import { atA, refused, withLaboratory } from "./runs_kit.ts";

Deno.test("start refuses what there is not, without saying it again", async () => {
  await withLaboratory({}, async (laboratory) => {
    const unknown = await refused(
      "unknown-scenario",
      laboratory.start({ kind: "scenario", name: "no-such" }),
    );
    assert.doesNotMatch(unknown.text, /no-such/);
    const wrong: readonly (readonly [RunRequest, string, RegExp])[] = [
      [{ kind: "cycle", machine: { hardware: "cray" } }, "/body/machine/hardware", /small-vm/],
      [
        { kind: "live", machine: { kernelProfile: "9.9" } },
        "/body/machine/kernelProfile",
        /2\.6\.27/,
      ],
      [{ kind: "cycle", machine: { seed: 2 ** 40 } }, "/body/machine/seed", /4294967295/],
      [{ kind: "cycle", machine: { memoryMiB: 16 } }, "/body/machine/memoryMiB", /least.* 64 MiB/],
      [{ kind: "live", machine: { memoryMiB: 16 } }, "/body/machine", /least.* 64 MiB/],
      [{ kind: "cycle", awaySeconds: 31_536_000 }, "/body/awaySeconds", /104 days/],
    ];
    for (const [request, pointer, says] of wrong) {
      const { details, text } = await refused("bad-request", laboratory.start(request));
      assert.equal(details.errors?.[0]?.pointer, pointer);
      assert.match(text, says);
      assert.doesNotMatch(text, /cray|9\.9|--/);
    }
    assert.deepEqual(laboratory.list(), []);
  });
});

Deno.test("start refuses a transcript that is none with the line, and does not quote it", async () => {
  await withLaboratory({}, async (laboratory) => {
    const cases: readonly (readonly [text: string, line: number, says: RegExp])[] = [
      ["just prose", 1, /no block of ```console/],
      ["```machine\nmemoryy: 64M\n```\n" + atA("A$ true"), 2, /did you mean 'memory'/],
      ["```console\n# dance\n```", 2, /nothing the person can do/],
      ["```machine\nkernel: <script>\n```\n" + atA("A$ true"), 2, /none of/],
      ["```console\n# power on", 1, /no end/],
    ];
    for (const [text, line, says] of cases) {
      const { details, text: said } = await refused(
        "not-readable",
        laboratory.start({ kind: "transcript", text }),
      );
      assert.match(said, new RegExp(`Line ${line}: `));
      assert.match(said, says);
      assert.doesNotMatch(said, /memoryy|dance|script>/);
      assert.equal(details.errors?.[0]?.pointer, "/body/text");
    }
    assert.deepEqual(laboratory.list(), []);
  });
});

Deno.test("start of a machine whose hardware makes no sense is refused or fails, no more", async () => {
  await withLaboratory({}, async (laboratory) => {
    for (const setup of ['{"refusals":3}', '{"badSectors":7}', '{"memoryBytes":-1}']) {
      const text = `\`\`\`machine\nsetup: ${setup}\n\`\`\`\n${atA("A$ true")}`;
      try {
        const { summary } = await laboratory.start({ kind: "transcript", text });
        const ended = await laboratory.settled(summary.run, 60_000);
        assert.doesNotMatch(JSON.stringify(ended), /file:|\.ts/);
      } catch (error) {
        assert.equal(error instanceof Error ? error.name : "", "ProblemError");
      }
    }
  });
});
