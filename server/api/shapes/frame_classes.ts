/**
 * What a page frame can be, apart from its schema, for those who paint frames and need no guard.
 *
 * @module
 */

/** See `FrameClass` of `machine.ts`. */
export const FRAME_CLASSES = [
  "free",
  "kernel",
  "user",
  "cache",
  "window",
  "source",
  "image",
  "kimage",
  "reserved",
  "firmware",
  "unknown",
] as const;
