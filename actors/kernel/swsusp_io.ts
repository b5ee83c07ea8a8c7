/**
 * The storage side of swsusp (protocol.md B.5.6, B.5.7): image pages to and from a swap area.
 *
 * CONTRACT between this file and hibernate() / software_resume(). All are procedures; each gives
 * a record, or a negative errno after undoing what it did.
 *
 * `swsusp_write {device, saved, copies, flags, record, memoryPages, hardwareSignature?}`
 *   - `device` text: the resume device ("/dev/sda6"); not an active swap area: "PM: Cannot find
 *     swap device, try swapon -a", -ENODEV.
 *   - `saved` page runs, ascending: frames the image is of. `copies` page runs: where their copies
 *     lie; page i of `copies` is the copy of page i of `saved`; equal counts.
 *   - `flags` number: SWSUSP_FLAG bits platform | uncompressed (formats/swap_header.ts); crc32 and
 *     hardwareSignature bits are added here.
 *   - `record` hex: the arch part of the header (ArchRecord bytes, at most 392).
 *   - `memoryPages` number: num_physpages. `hardwareSignature` number: only with s4_hwsig.
 *   - gives `{id, pages, bytes}`. On error: blocks freed, signature unchanged, fact image abort.
 *   - needs about 1024 free frames (PAGES_FOR_IO) of the allocator while it runs.
 *   - says image begin/page/commit/abort, image_device, swap_area allocate/free.
 *   - with `profile.swapBarriers` false (6.1, quirk Q3) it flushes nothing and marks the signature
 *     before the last map page: the disk's poweroff/shutdown callback has to flush.
 *
 * `swsusp_check {device, hardwareSignature?}` reads the header page: no "S1SUSPEND" -EINVAL; no
 *   such partition -ENODEV; in use as swap or mounted -EBUSY; else writes the original signature
 *   back (one attempt) and then, where the image carries a hardware signature, compares it with the
 *   one given: -EINVAL.
 *   - gives `{id, place, firstMap, flags, crc32}`: pass it on as `image`.
 *   - says header_check signature/hardware, image check, image invalidate. Not resume_attempt.
 *
 * `swsusp_unmark {device}` after a power-down that did not happen: original signature back, blocks
 *   given back, fact image invalidate; -ENODEV without a signature.
 *
 * `swsusp_read {image, check, place}` with `check` and `place` NAMES of your procedures:
 *   - calls `check {id, record, memoryPages, imagePages, pages, size}` with the header; a negative
 *     errno of it ends the reading (you say header_check magic/e820/memory).
 *   - calls `place {id, saved}` with the frames the image is of, as ascending page runs; it gives
 *     `{frames}`: page runs, page i of the image is put into page i of `frames` (yours: in place
 *     where you own the frame, else a safe one), or a negative errno (-EFAULT for a frame that is
 *     no RAM, -ENOMEM).
 *   - gives `{id, saved, frames}`. Says image load, header_check crc. Errors: -EFAULT of the map,
 *     -EINVAL without a map, -EIO, -1 and -4 … -8 of LZO, -ENODATA of the CRC or a short image.
 *
 * @module
 */
import type { Procedure } from "./procedure.ts";
import { SWAP_AREA_PROCEDURES } from "./swap_areas.ts";
import { SWSUSP_MAP_PROCEDURES } from "./swsusp_map.ts";
import { SWSUSP_MARK_PROCEDURES } from "./swsusp_mark.ts";
import { SWSUSP_READ_PROCEDURES } from "./swsusp_read.ts";
import { SWSUSP_SHARE_PROCEDURES } from "./swsusp_share.ts";
import { SWSUSP_WRITE_PROCEDURES } from "./swsusp_write.ts";

/** Procedures of swap areas and of the images on them. */
export const SWSUSP_IO_PROCEDURES: readonly Procedure[] = [
  ...SWAP_AREA_PROCEDURES,
  ...SWSUSP_MAP_PROCEDURES,
  ...SWSUSP_MARK_PROCEDURES,
  ...SWSUSP_READ_PROCEDURES,
  ...SWSUSP_SHARE_PROCEDURES,
  ...SWSUSP_WRITE_PROCEDURES,
];
