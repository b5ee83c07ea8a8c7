import { strictEqual, throws } from "node:assert/strict";
import { UsageError } from "../../machine/errors.ts";
import { editDistance, nearest } from "../../server/terminal/nearest.ts";
import {
  countText,
  parseDuration,
  parseSize,
  parseWhole,
  plural,
  sizeText,
  timeText,
} from "../../server/terminal/values.ts";

Deno.test("parseSize reads K, M and G, with or without iB, and refuses the rest", () => {
  strictEqual(parseSize("64M"), 64 * 2 ** 20);
  strictEqual(parseSize("1g"), 2 ** 30);
  strictEqual(parseSize("512KiB"), 512 * 1024);
  for (const text of ["64", "", "M", "1.5G", "-1M", "1T", "64 M", "9999999999M"]) {
    throws(() => parseSize(text), UsageError, text);
  }
});

Deno.test("parseDuration gives ns and refuses what has no unit or is too long", () => {
  strictEqual(parseDuration("8h"), 8 * 3600 * 1e9);
  strictEqual(parseDuration("90s"), 90e9);
  strictEqual(parseDuration("500ms"), 5e8);
  strictEqual(parseDuration("15m"), 900e9);
  strictEqual(parseDuration("2d"), 172_800e9);
  for (const text of ["8", "h", "1.5h", "8H", "200d", "-1s"]) {
    throws(() => parseDuration(text), UsageError, text);
  }
});

Deno.test("parseWhole reads decimal and hexadecimal numbers below 2^53 only", () => {
  strictEqual(parseWhole("0"), 0);
  strictEqual(parseWhole("0xff"), 255);
  for (const text of ["", "1e3", "-1", "0x", "9007199254740993", "12a"]) {
    throws(() => parseWhole(text), UsageError, text);
  }
});

Deno.test("values are printed for people", () => {
  strictEqual(countText(0), "0");
  strictEqual(countText(1234567), "1,234,567");
  strictEqual(plural(1, "page"), "1 page");
  strictEqual(plural(1200, "process", "processes"), "1,200 processes");
  strictEqual(sizeText(100), "100 bytes");
  strictEqual(sizeText(64 * 2 ** 20), "64 MiB");
  strictEqual(sizeText(17_174_528), "16.4 MiB");
  strictEqual(timeText(412_000), "412 us");
  strictEqual(timeText(1_006_000_000), "1.006 s");
  strictEqual(timeText(8 * 3600 * 1e9), "8 h");
  strictEqual(timeText((26 * 60 + 5) * 60 * 1e9), "1 d 2 h 5 m");
});

Deno.test("editDistance counts exchanged neighbours once", () => {
  strictEqual(editDistance("", "abc"), 3);
  strictEqual(editDistance("seed", "seed"), 0);
  strictEqual(editDistance("sede", "seed"), 1);
  strictEqual(editDistance("memroy", "memory"), 1);
});

Deno.test("nearest finds the word that was meant, and none where none is similar", () => {
  const known = ["--memory", "--seed", "--stop-at", "--transport"];
  strictEqual(nearest("--memroy", known), "--memory");
  strictEqual(nearest("--trans", known), "--transport");
  strictEqual(nearest("--qqqqqqq", known), undefined);
});
