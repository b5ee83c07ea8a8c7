/**
 * How writing a dump ends without one: what makedumpfile says, and why, for who called.
 *
 * @module
 */
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { done, type Next } from "../kernel/procedure.ts";

/** Ends without a file; the lines are what makedumpfile prints. */
export function refuse(...lines: readonly string[]): Next {
  const errno = -ERRNO.EINVAL;
  return done({ status: 1, lines: [...lines, "makedumpfile Failed."], unknown: false, errno });
}

/** Ends because nothing says, or says rightly, which pages are free. */
export function unknownPages(...lines: readonly string[]): Next {
  const errno = -ERRNO.EINVAL;
  return done({ status: 1, lines: [...lines, "makedumpfile Failed."], unknown: true, errno });
}

/** Ends because something cannot be opened. */
export function cannotOpen(name: string, errno: number): Next {
  const lines = [
    `open_dump_memory: Can't open the dump memory(${name}). ${errnoText(errno)}`,
    "makedumpfile Failed.",
  ];
  return done({ status: 1, lines, unknown: false, errno });
}

/** What is said of a file that cannot be written; one whose folder is missing cannot be opened. */
export function writeFailure(path: string, errno: number): string {
  const reason = `the dump file(${path}). ${errnoText(errno)}`;
  if (errno === -ERRNO.ENOENT) return `open_dump_file: Can't open ${reason}`;
  return `write_buffer: Can't write ${reason}`;
}
