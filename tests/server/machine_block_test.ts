import assert from "node:assert/strict";
import { readMachine } from "../../server/transcript/machine_block.ts";
import { transcriptSettings } from "../../server/transcript/transcript_machine.ts";
import type { TranscriptMachine } from "../../server/transcript/transcript.ts";

function machineOf(...lines: string[]): TranscriptMachine {
  return readMachine(
    lines.map((text, index) => ({ text, line: index + 1 })),
    (line, message) => {
      throw new Error(`${line}: ${message}`);
    },
  );
}

Deno.test("readMachine takes the place of the image, and leaves it out where it is the drive", () => {
  assert.equal(machineOf("target: nfs").imageTarget, "nfs");
  assert.equal(transcriptSettings(machineOf("target: usb")).imageTarget, "usb");
  for (const machine of [machineOf(), machineOf("target: ide")]) {
    assert.ok(!("imageTarget" in machine));
    assert.ok(!("imageTarget" in transcriptSettings(machine)));
  }
  assert.throws(() => machineOf("target: floppy"), /^Error: 1: target: 'floppy' is none of ide, /);
});

Deno.test("readMachine takes v4, which no letter of a rule stands for, and no unknown system", () => {
  assert.equal(machineOf("system: v4", "kernel: 2.6.23-v4").system, "v4");
  assert.throws(() => machineOf("system: v3"), /^Error: 1: system: 'v3' is none; /);
});
