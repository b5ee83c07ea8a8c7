/**
 * The errno values used here (protocol.md 0.2).
 *
 * @module
 */

/** Errno by name; results carry the negative. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOTTY: 25,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ENODATA: 61,
  EOVERFLOW: 75,
  EADDRNOTAVAIL: 99,
} as const;

/** Name of an errno. */
export type ErrnoName = keyof typeof ERRNO;

const TEXTS: Readonly<Record<ErrnoName, string>> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  EIO: "Input/output error",
  EAGAIN: "Resource temporarily unavailable",
  ENOMEM: "Cannot allocate memory",
  EACCES: "Permission denied",
  EFAULT: "Bad address",
  EBUSY: "Device or resource busy",
  EEXIST: "File exists",
  EXDEV: "Invalid cross-device link",
  ENODEV: "No such device",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  EINVAL: "Invalid argument",
  ENOTTY: "Inappropriate ioctl for device",
  EFBIG: "File too large",
  ENOSPC: "No space left on device",
  EROFS: "Read-only file system",
  ENAMETOOLONG: "File name too long",
  ENOSYS: "Function not implemented",
  ENOTEMPTY: "Directory not empty",
  ENODATA: "No data available",
  EOVERFLOW: "Value too large for defined data type",
  EADDRNOTAVAIL: "Cannot assign requested address",
};

const NAMES = new Map<number, ErrnoName>(
  Object.entries(ERRNO).map(([name, value]) => [value, name as ErrnoName]),
);

/** Name of an errno value (positive or negative), or its number. */
export function errnoName(value: number): string {
  return NAMES.get(Math.abs(value)) ?? `errno ${Math.abs(value)}`;
}

/** What strerror says of it. */
export function errnoText(value: number): string {
  const name = NAMES.get(Math.abs(value));
  return name === undefined ? `Unknown error ${Math.abs(value)}` : TEXTS[name];
}

/** The value of an errno's name. */
export function errnoOf(name: string): number {
  return Object.hasOwn(ERRNO, name) ? ERRNO[name as ErrnoName] : ERRNO.EINVAL;
}
