import { strictEqual } from "node:assert/strict";
import { unicodeWidth } from "@std/cli/unicode-width";

const WIDTHS: readonly [string, string, number][] = [
  ["nothing", "", 0],
  ["ASCII", "hello world", 11],
  ["Chinese", "天地玄黃宇宙洪荒", 16],
  ["full-width Latin", "ｆｕｌｌ", 8],
  ["half-width katakana", "ｱｲ", 2],
  ["Hangul syllables", "한글", 4],
  ["Hangul jamo put together", "\u1112\u1161\u11ab", 2],
  ["a combining accent", "e\u0301", 1],
  ["controls", "\x00\x1b\n", 0],
  ["a zero-width joiner", "a\u200db", 2],
  ["an emoji", "💾", 2],
  ["box drawing and arrows", "├─→", 3],
];

for (const [what, text, columns] of WIDTHS) {
  Deno.test(`unicodeWidth of ${what} is ${columns}`, () => {
    strictEqual(unicodeWidth(text), columns);
  });
}
