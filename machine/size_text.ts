/**
 * Sizes for people, the same on the terminal and on the page.
 *
 * @module
 */

const KIB = 1024;

/** A size in bytes: exact in KiB, MiB or GiB where it can be, else with one digit. */
export function sizeText(bytes: number): string {
  if (bytes < KIB) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  const [unit, name] = bytes >= KIB ** 3
    ? [KIB ** 3, "GiB"]
    : bytes >= KIB ** 2
    ? [KIB ** 2, "MiB"]
    : [KIB, "KiB"];
  const value = bytes / unit;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${name}`;
}
