import assert from "node:assert/strict";
import fc from "fast-check";
import {
  countText,
  framesText,
  listText,
  momentText,
  naturalOf,
  sentence,
  sizeText,
} from "../../server/page/panels/words.ts";

Deno.test("countText groups digits by three and loses none", () => {
  assert.equal(countText(160), "160");
  assert.equal(countText(4192), "4\u202f192");
  fc.assert(fc.property(fc.nat(), (value) => {
    assert.equal(Number(countText(value).replaceAll("\u202f", "")), value);
  }));
});

Deno.test("momentText is exact to the nanosecond", () => {
  assert.equal(momentText(2_056_257_278), "2.056\u202f257\u202f278 s");
  fc.assert(fc.property(fc.maxSafeNat(), (vt) => {
    const digits = momentText(vt).replaceAll(/[^0-9]/g, "");
    assert.equal(BigInt(digits), BigInt(vt));
  }));
});

Deno.test("sizeText and framesText speak of one and of many", () => {
  assert.equal(sizeText(1), "1 byte");
  assert.equal(sizeText(17_174_528), "16.4 MiB");
  assert.equal(framesText(0x100, 1), "pfn 0x100");
  assert.equal(framesText(0x100, 0x300), "pfn 0x100–0x3ff");
});

Deno.test("listText and sentence join as people do", () => {
  assert.equal(listText([]), "");
  assert.equal(listText(["a"]), "a");
  assert.equal(listText(["a", "b", "c"]), "a, b and c");
  assert.equal(sentence(["no kernel", "", "all free"]), "No kernel; all free.");
  assert.equal(sentence([]), "");
});

Deno.test("naturalOf takes whole numbers and nothing else", () => {
  assert.equal(naturalOf("64"), 64);
  for (const text of ["", " ", "-1", "1.5", "x", "1e99"]) assert.equal(naturalOf(text), undefined);
});
