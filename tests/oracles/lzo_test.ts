import assert from "node:assert/strict";
import { lzo1xCompress, lzo1xDecompress } from "../../machine/formats/lzo1x.ts";
import { pythonWith, run } from "./tools.ts";

const python = pythonWith("lzo");

/** Texts of different kinds, most of them longer than a match can reach back. */
function samples(): Uint8Array[] {
  const noise = new Uint8Array(200_000);
  let word = 1;
  for (let at = 0; at < noise.length; at++) {
    word = Math.imul(word, 1_103_515_245) + 12_345;
    noise[at] = word >>> 16;
  }
  const mixed = noise.slice();
  for (let at = 0; at < mixed.length; at += 777) {
    mixed.copyWithin(at + 100, Math.max(0, at - (at % 60_000)), Math.max(0, at - 100));
  }
  return [
    new Uint8Array(1),
    new TextEncoder().encode("abc"),
    new Uint8Array(131_072),
    noise,
    mixed,
    noise.map((byte) => byte & 3),
    new TextEncoder().encode("the quick brown fox ".repeat(5000)),
    ...[2, 17, 237, 238, 239, 260, 300].map((length) => noise.slice(0, length)),
  ];
}

async function inFolder(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "lzo1xCompress writes what the LZO library reads",
  ignore: python === undefined,
  fn: () =>
    inFolder(async (directory) => {
      for (const [index, sample] of samples().entries()) {
        await Deno.writeFile(`${directory}/in${index}`, sample);
        await Deno.writeFile(`${directory}/packed${index}`, lzo1xCompress(sample));
      }
      const script = `
import lzo, sys
for index in range(${samples().length}):
    wanted = open(f"{sys.argv[1]}/in{index}", "rb").read()
    packed = open(f"{sys.argv[1]}/packed{index}", "rb").read()
    assert lzo.decompress(packed, False, len(wanted)) == wanted, index
`;
      const { code, stderr } = await run(python ?? "", ["-c", script, directory]);
      assert.equal(code, 0, stderr);
    }),
});

Deno.test({
  name: "lzo1xDecompress reads what the LZO library writes, fast and slow",
  ignore: python === undefined,
  fn: () =>
    inFolder(async (directory) => {
      for (const [index, sample] of samples().entries()) {
        await Deno.writeFile(`${directory}/in${index}`, sample);
      }
      const script = `
import lzo, sys
for index in range(${samples().length}):
    text = open(f"{sys.argv[1]}/in{index}", "rb").read()
    for level in (1, 9):
        packed = lzo.compress(text, level, False)
        open(f"{sys.argv[1]}/packed{index}.{level}", "wb").write(packed)
`;
      const { code, stderr } = await run(python ?? "", ["-c", script, directory]);
      assert.equal(code, 0, stderr);
      for (const [index, sample] of samples().entries()) {
        for (const level of [1, 9]) {
          const packed = await Deno.readFile(`${directory}/packed${index}.${level}`);
          assert.deepEqual(lzo1xDecompress(packed, sample.length), sample, `${index} ${level}`);
        }
      }
    }),
});
