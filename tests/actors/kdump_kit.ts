/** Reads a kdump-compressed file for the tests. */
import {
  KDUMP_DESCRIPTOR_BYTES,
  type KdumpHeader,
  kdumpLayout,
  parseKdumpBitmap,
  parseKdumpHeader,
} from "../../machine/formats/kdump.ts";
import { parseKdumpDescriptor, unpackKdumpPage } from "../../machine/formats/kdump_pages.ts";
import { fromRuns } from "../../machine/formats/page_runs.ts";

/** What a file has. */
export interface ReadKdump {
  readonly header: KdumpHeader;
  readonly pages: ReadonlyMap<number, Uint8Array>;
  /** Frames whose descriptor says that their page is lost. */
  readonly lost: readonly number[];
}

export function readKdump(file: Uint8Array): ReadKdump {
  const header = parseKdumpHeader(file);
  const { bitmaps, descriptorsAt } = kdumpLayout(header);
  const { offset, length } = bitmaps[1];
  const dumped = fromRuns(parseKdumpBitmap(file.slice(offset, offset + length), header.maxPfn));
  const pages = new Map<number, Uint8Array>();
  const lost: number[] = [];
  dumped.forEach((pfn, index) => {
    const page = parseKdumpDescriptor(file, descriptorsAt + index * KDUMP_DESCRIPTOR_BYTES);
    if (page.offset === 0) lost.push(pfn);
    else {
      const data = file.subarray(page.offset, page.offset + page.size);
      pages.set(pfn, unpackKdumpPage(page, data));
    }
  });
  return { header, pages, lost };
}
