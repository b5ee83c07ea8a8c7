/**
 * A kdump-compressed file: headers, bitmaps, and what its page descriptors say. Pages are not
 * decompressed.
 *
 * @module
 */
import { FormatError, UsageError } from "../../machine/errors.ts";
import {
  KDUMP_BLOCK_BYTES,
  KDUMP_DESCRIPTOR_BYTES,
  KDUMP_FLAG,
  type KdumpHeader,
  kdumpLayout,
  parseKdumpBitmap,
  parseKdumpHeader,
} from "../../machine/formats/kdump.ts";
import { parseKdumpDescriptor } from "../../machine/formats/kdump_pages.ts";
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { parseVmcoreinfo } from "../../machine/formats/elf_notes.ts";
import type { DiskFile } from "./disk_file.ts";
import type { Inspection, Section } from "./inspection.ts";
import { countText, hexText, plural, sizeText } from "./values.ts";

/** Descriptors read at one time. */
const DESCRIPTORS = 32_768;
const VMCOREINFO_BYTES_MAX = 4096;

/** How the pages of a file are kept. */
interface PageCounts {
  readonly zlib: number;
  readonly lzo: number;
  readonly plain: number;
  readonly lost: number;
  /** Pages whose data another page has too: zero pages. */
  readonly shared: number;
  readonly dataBytes: number;
}

/** Bytes of a part of the file. @throws {UsageError} if the file ends before it. */
function part(file: DiskFile, what: string, offset: number, length: number): Uint8Array {
  if (offset + length <= file.byteLength) return file.read(offset, length);
  throw new UsageError(
    `'${file.path}' is truncated: its ${what} end at byte ${offset + length}, the file at ` +
      String(file.byteLength),
  );
}

function statusText({ status }: KdumpHeader): string {
  const names = Object.entries(KDUMP_FLAG).filter(([, bit]) => (status & bit) !== 0)
    .map(([name]) => name);
  const unknown = status & ~Object.values(KDUMP_FLAG).reduce((sum, bit) => sum | bit, 0);
  const all = unknown === 0 ? names : [...names, hexText(unknown)];
  return all.length === 0 ? "not compressed" : all.join(", ");
}

function countDescriptors(file: DiskFile, offset: number, pages: number): PageCounts {
  const found = { zlib: 0, lzo: 0, plain: 0, lost: 0, shared: 0, dataBytes: 0 };
  let before = -1;
  for (let page = 0; page < pages; page += DESCRIPTORS) {
    const count = Math.min(DESCRIPTORS, pages - page);
    const at = offset + page * KDUMP_DESCRIPTOR_BYTES;
    const bytes = part(file, "page descriptors", at, count * KDUMP_DESCRIPTOR_BYTES);
    for (let index = 0; index < count; index++) {
      const each = parseKdumpDescriptor(bytes, index * KDUMP_DESCRIPTOR_BYTES);
      if (each.offset === 0) {
        found.lost++;
        continue;
      }
      if (each.offset + each.size > file.byteLength) part(file, "pages", each.offset, each.size);
      if ((each.flags & KDUMP_FLAG.zlib) !== 0) found.zlib++;
      else if ((each.flags & KDUMP_FLAG.lzo) !== 0) found.lzo++;
      else found.plain++;
      // Data stand in the order of their pages; what points back is the shared zero page.
      if (each.offset <= before) found.shared++;
      else {
        before = each.offset;
        found.dataBytes += each.size;
      }
    }
  }
  return found;
}

function headerRows(header: KdumpHeader): [string, string][] {
  const [system = "", node = "", release = "", , machine = ""] = header.utsname;
  return [
    ["version", String(header.version)],
    ["system", [system, node, release, machine].filter((text) => text !== "").join(" ")],
    ["word", `${header.word * 8} bits`],
    ["status", statusText(header)],
    ["dump level", String(header.level)],
    ["written", `${header.seconds} s since 1970`],
    ["block", plural(header.blockBytes, "byte")],
    ["sub header", plural(header.subHeaderBlocks, "block")],
    ["bitmaps", plural(header.bitmapBlocks, "block")],
    ["frames", countText(header.maxPfn)],
    ["physical base", hexText(header.physicalBase)],
  ];
}

function vmcoreinfoSection(file: DiskFile, { vmcoreinfo }: KdumpHeader): Section[] {
  const { offset, length } = vmcoreinfo;
  if (length === 0) return [];
  if (length > VMCOREINFO_BYTES_MAX) {
    throw new FormatError("kdump file", offset, `a VMCOREINFO of ${length} bytes`);
  }
  const text = new TextDecoder().decode(part(file, "notes", offset, length));
  return [{ title: "VMCOREINFO", rows: [...parseVmcoreinfo(text)] }];
}

/**
 * @throws {FormatError} if a header or descriptor is wrong.
 * @throws {UsageError} if the file ends before what it speaks of.
 */
export function inspectKdump(file: DiskFile): Inspection {
  const header = parseKdumpHeader(part(file, "headers", 0, 2 * KDUMP_BLOCK_BYTES));
  const { bitmaps, descriptorsAt } = kdumpLayout(header);
  const [present, dumped] = bitmaps.map(({ offset, length }) =>
    countPages(parseKdumpBitmap(part(file, "bitmaps", offset, length), header.maxPfn))
  );
  const pages = dumped ?? 0;
  const counts = countDescriptors(file, descriptorsAt, pages);
  const incomplete = (header.status & KDUMP_FLAG.incomplete) !== 0;
  return {
    kind: "kdump-compressed dump",
    about: `a kdump-compressed dump, ${statusText(header)}, of ` +
      `${sizeText(pages * PAGE_BYTES)} of memory in ${sizeText(file.byteLength)}` +
      (incomplete || counts.lost > 0 ? `; ${plural(counts.lost, "page")} lost` : ""),
    sections: [
      { title: "Header", rows: headerRows(header) },
      {
        title: "Pages",
        rows: [
          ["memory", countText(present ?? 0)],
          ["in the file", countText(pages)],
          ["compressed", `${countText(counts.zlib)} with zlib, ${countText(counts.lzo)} with LZO`],
          ["as they are", countText(counts.plain)],
          ["sharing a copy", countText(counts.shared)],
          ["lost", countText(counts.lost)],
          ["data", plural(counts.dataBytes, "byte")],
        ],
      },
      ...vmcoreinfoSection(file, header),
    ],
  };
}
