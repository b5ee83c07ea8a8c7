/**
 * The observer looks at RAM from outside the machine, at two moments: when a kernel executes its
 * last instruction before a jump and when control is back behind it. It notes a CRC of every
 * frame and what each frame was to the kernel; rules compare (protocol.md F23). No actor sees it.
 *
 * @module
 */
import { crc32 } from "./digest.ts";
import type { FlatStore } from "./flat_store.ts";
import { FRAME, FRAME_BYTES } from "./formats/mem_map.ts";
import { PAGE_BYTES } from "./formats/page_runs.ts";
import type { Observation, Observer } from "./scheduler.ts";
import type { Summary } from "./trace/event.ts";

/** One CRC-32 per frame, little-endian; 0 for frames that are free, which nobody compares. */
export function frameChecksums(ram: FlatStore, classes: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(classes.length * 4);
  const view = new DataView(bytes.buffer);
  for (let pfn = 0; pfn < classes.length; pfn++) {
    if (((classes[pfn] ?? 0) & FRAME.free) !== 0) continue;
    if ((pfn + 1) * PAGE_BYTES > ram.byteLength) break;
    view.setUint32(pfn * 4, crc32(ram.view(pfn * PAGE_BYTES, PAGE_BYTES)), true);
  }
  return bytes;
}

/** The flags byte of each frame in a kernel's page-frame table. */
export function frameClasses(ram: FlatStore, memMap: number, frames: number): Uint8Array {
  const table = ram.view(memMap, frames * FRAME_BYTES);
  const classes = new Uint8Array(frames);
  for (let pfn = 0; pfn < frames; pfn++) classes[pfn] = table[pfn * FRAME_BYTES] ?? 0;
  return classes;
}

/** What the observer notes when a fact is said. */
export const observe: Observer = (
  fact: string,
  fields: Summary,
  ram: FlatStore,
): readonly Observation[] => {
  if (fact !== "leave" && fact !== "resumed") return [];
  const when = fact === "leave" ? "jump" : "return";
  const { k, mem_map: place, frames: count } = fields;
  if (typeof place !== "string" || typeof count !== "number" || typeof k !== "string") return [];
  const memMap = Number(place);
  if (!Number.isSafeInteger(memMap) || memMap + count * FRAME_BYTES > ram.byteLength) return [];
  const classes = frameClasses(ram, memMap, count);
  return [
    { name: "frame_classes", fields: { k, when, count }, blob: classes },
    { name: "frames", fields: { k, when, count }, blob: frameChecksums(ram, classes) },
  ];
};
