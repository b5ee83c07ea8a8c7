/**
 * Memory images that are no plain ELF file: kimgcore, a `khdev` partition with its header, the LZO
 * container, a TuxOnIce header by itself.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import {
  BLOCK_LIST_BYTES,
  BLOCK_LIST_OFFSET,
  blockCount,
  parseBlockList,
} from "../../machine/formats/block_list.ts";
import {
  describeKhdevHeader,
  KHDEV_HEADER_BYTES,
  KHDEV_VALID,
  type KhdevHeader,
  parseKhdevHeader,
} from "../../machine/formats/khdev_header.ts";
import { kimgcoreBytes, parseKimgcore } from "../../machine/formats/kimgcore.ts";
import {
  LZO_HEADER_BYTES,
  LZO_UNIT_BYTES,
  LZO_UNIT_BYTES_MAX,
  parseLzoHeader,
  readLzoUnit,
} from "../../machine/formats/lzo_container.ts";
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import {
  parseTuxOnIceHeader,
  TUXONICE_HEADER_PAGES,
} from "../../machine/formats/tuxonice_header.ts";
import type { DiskFile } from "./disk_file.ts";
import type { Inspection, Section } from "./inspection.ts";
import type { AreaBytes } from "./inspect_swap.ts";
import { hexText, plural, sizeText } from "./values.ts";

const KIMGCORE_HEAD_BYTES = 0x1_0000;

function truncated(format: string, file: AreaBytes, wanted: number): never {
  const message = `truncated: ${wanted} bytes are needed, the file has ${file.byteLength}`;
  throw new FormatError(format, file.byteLength, message);
}

/** @throws {FormatError} if it is not whole. */
export function inspectKimgcore(file: DiskFile): Inspection {
  const { entry, segments } = parseKimgcore(file.read(0, KIMGCORE_HEAD_BYTES));
  const bytes = kimgcoreBytes(segments);
  if (bytes > file.byteLength) truncated("kimgcore", file, bytes);
  return {
    kind: "kimgcore",
    about: `a kimgcore, ${sizeText(bytes)} in ${plural(segments.length, "segment")}, entered at ` +
      hexText(entry),
    sections: [{
      title: "Segments",
      rows: segments.map(({ mem, memsz }, index) => [
        String(index),
        `physical ${hexText(mem)}, ${hexText(memsz)} bytes`,
      ]),
    }],
  };
}

function khdevAbout(header: KhdevHeader): string {
  const valid = header.valid === KHDEV_VALID ? "may be resumed" : "is not valid";
  return `image ${header.id} of ${plural(header.pages, "page")}, which ${valid}`;
}

function blockListRows(block: Uint8Array): Section[] {
  const list = block.subarray(BLOCK_LIST_OFFSET, BLOCK_LIST_OFFSET + BLOCK_LIST_BYTES);
  if (list.subarray(0, 8).every((byte) => byte === 0)) return [];
  const { partition, runs, firstSector } = parseBlockList(list);
  const count = blockCount({ partition, runs, firstSector });
  return [{
    title: "Block list",
    rows: [
      ["partition", `${partition}, from sector ${firstSector}`],
      ["blocks", `${count} in ${plural(runs.length, "run")}`],
    ],
  }];
}

/** @throws {FormatError} if there is no whole header. */
export function khdevSections(area: AreaBytes, title: string): Section[] {
  const block = area.read(0, KHDEV_HEADER_BYTES);
  if (block.length < KHDEV_HEADER_BYTES) truncated("khdev header", area, KHDEV_HEADER_BYTES);
  const header = parseKhdevHeader(block);
  const end = header.imageOffset + header.lengthBytes;
  if (end > area.byteLength) truncated("khdev image", area, end);
  const rows = describeKhdevHeader(header).map((line): [string, string] => [line, ""]);
  return [{ title, rows }, ...blockListRows(block)];
}

/** @throws {FormatError} if it is not whole. */
export function inspectKhdev(file: DiskFile): Inspection {
  const sections = khdevSections(file, "Header");
  const header = parseKhdevHeader(file.read(0, KHDEV_HEADER_BYTES));
  return { kind: "khdev image", about: `a khdev with ${khdevAbout(header)}`, sections };
}

/** @throws {FormatError} if it is not whole; each unit is decompressed to know. */
export function inspectLzo(file: DiskFile): Inspection {
  const bytes = parseLzoHeader(file.read(0, LZO_HEADER_BYTES));
  let at = LZO_HEADER_BYTES;
  let units = 0;
  for (let left = bytes; left > 0; left -= LZO_UNIT_BYTES) {
    const unit = readLzoUnit(file.read(at, LZO_UNIT_BYTES_MAX), Math.min(left, LZO_UNIT_BYTES));
    if (unit === undefined) {
      const message = `truncated within unit ${units}, ${left} bytes before the end`;
      throw new FormatError("LZO container", file.byteLength, message);
    }
    at += unit.fileBytes;
    units++;
  }
  const percent = bytes === 0 ? 100 : Math.round(at * 100 / bytes);
  return {
    kind: "LZO container",
    about: `an LZO container of ${sizeText(bytes)} in ${sizeText(file.byteLength)} (${percent}%)`,
    sections: [{
      title: "Container",
      rows: [
        ["bytes before", plural(bytes, "byte")],
        ["bytes compressed", plural(at, "byte")],
        ["units", `${units} of ${LZO_UNIT_BYTES} bytes`],
        ["behind the end", plural(file.byteLength - at, "byte")],
      ],
    }],
  };
}

/** @throws {FormatError} if it is not whole. */
export function inspectTuxOnIce(file: DiskFile): Inspection {
  const bytes = file.read(0, TUXONICE_HEADER_PAGES * PAGE_BYTES);
  const { memoryPages, device, set1, set2 } = parseTuxOnIceHeader(bytes);
  const pages = countPages(set1.frames) + countPages(set2.frames);
  return {
    kind: "TuxOnIce header",
    about: `the header of a TuxOnIce image of ${plural(pages, "page")}`,
    sections: [{
      title: "Header",
      rows: [
        ["memory", plural(memoryPages, "page")],
        ["device", device.join(":")],
        ["page set 2", plural(countPages(set2.frames), "page")],
        ["page set 1", plural(countPages(set1.frames), "page")],
      ],
    }],
  };
}
