/**
 * What real code breaks (protocol.md F.2, and what follows from it): each quirk with the rules
 * that a run which meets it breaks, the profile that has it, and how a run meets it. A quirk of no
 * rule is kept as well, so that nobody looks for one.
 *
 * @module
 */

/** One row of the table. */
export interface Quirk {
  /** Stable name, as tests and reports use it. */
  readonly name: string;
  /** What the code does. */
  readonly statement: string;
  /** Where it is told. */
  readonly source: string;
  /** Ids of the rules that the table names, ascending; none where the quirk only surprises. */
  readonly table: readonly string[];
  /** Rules that every run of this laboratory breaks which meets it. */
  readonly breaks: readonly string[];
  /** Rules that may be broken besides, by what follows from it. */
  readonly also: readonly string[];
  /** Why `breaks` is not what the table has, where it is not. */
  readonly note?: string;
  /** Letters of the systems in which it shows (protocol.md F.0). */
  readonly systems: string;
  /** Kernel profiles that have it. */
  readonly profiles: readonly string[];
  /** What a run must do to meet it. */
  readonly needs: string;
}

/** The table, in its order; rows that are not in F.2 have an empty `table` and say so. */
export const QUIRKS: readonly Quirk[] = [
  {
    name: "wakeup-at-copy",
    statement: "A wake-up event seen at the copy makes hibernate() return 0 without an image",
    source: "protocol.md F.2, B.5.2 Q1",
    table: ["F53"],
    breaks: ["F53"],
    also: [],
    systems: "S",
    profiles: ["6.1"],
    needs: "a wake-up event before the copy",
  },
  {
    name: "signature-before-last-map-page",
    statement: "The signature is written before the last map page, and the disk is flushed only " +
      "when its driver powers it off",
    source: "protocol.md F.2, B.5.6 Q3",
    table: ["F51", "F52"],
    breaks: ["F51", "F52"],
    also: [],
    systems: "S",
    profiles: ["6.1"],
    needs: "a hibernation",
  },
  {
    name: "invalidation-not-flushed",
    statement:
      "Nothing flushes the write that takes the signature away before the image is entered",
    source: "protocol.md F.2, B.5.6 Q3, B.5.7 step 3",
    table: [],
    breaks: ["F60"],
    also: [],
    note: "F.2 has no such row: it names only the writer's side of Q3. F60 asks for a durable " +
      "invalidation; the " +
      "reader's write goes out with the same REQ_SYNC and no FLUSH, and QUIESCE calls no " +
      "poweroff callback (B.5.3) that would empty the drive's cache",
    systems: "S",
    profiles: ["6.1"],
    needs: "a resume",
  },
  {
    name: "platform-failure-powers-off",
    statement:
      "A device or a wake-up event that stops the way into S4 ends in S5, not in a rollback",
    source: "protocol.md F.2, B.5.4",
    table: [],
    breaks: [],
    also: [],
    systems: "S",
    profiles: ["6.1"],
    needs: "a device that refuses poweroff",
  },
  {
    name: "jump-leaves-devices-frozen",
    statement: "A device that fails in dpm_suspend_start leaves those before it frozen",
    source: "protocol.md F.2, B.4.2",
    table: ["F40"],
    breaks: ["F40"],
    also: ["F39"],
    systems: "M",
    profiles: ["6.1"],
    needs: "a device that refuses freeze at a jump",
  },
  {
    name: "garbage-start",
    statement: "Code that returns plainly leaves whatever stands behind the swap page as start",
    source: "protocol.md F.2, C.7 P1",
    table: ["F26"],
    breaks: [],
    also: ["F27", "F97"],
    note:
      "F26 holds to the letter: start is the word that was read, and the word is garbage. The " +
      "tool refuses such a start, which F27 asks; one that does not look breaks F27 and F97",
    systems: "M",
    profiles: ["2.6.27", "6.1"],
    needs: "physical-mode code that returns, and another exec",
  },
  {
    name: "gdt-not-loaded",
    statement: "The return from a kernel finds no usable GDT, and the first segment load faults",
    source: "protocol.md F.2, C.7 P2",
    table: ["F30"],
    breaks: ["F30"],
    also: ["F97"],
    systems: "M",
    profiles: ["6.1"],
    needs: "a jump back from a kernel",
  },
  {
    name: "low-memory-unprotected",
    statement: "The low 640 KiB are neither backed up nor exchanged",
    source: "protocol.md F.2, D.3",
    table: ["F24", "F78"],
    breaks: ["F24"],
    also: ["F23", "F78"],
    note: "On 6.1 the jump back faults (gdt-not-loaded) before anybody looks at low memory",
    systems: "M",
    profiles: ["6.1"],
    needs: "a jump to a kernel that uses low memory, and back",
  },
  {
    name: "suspend-for-quiesce",
    statement: "Suspend callbacks are used to make devices stand still, which powers them down",
    source: "protocol.md F.2, B.2.6 issue 1, B.1.5 limit 2",
    table: ["F38"],
    breaks: ["F38"],
    also: [],
    // The rule does not apply to the prototype, whose devices show the same.
    systems: "V",
    profiles: ["2.6.23-rfc", "2.6.24-v7"],
    needs: "a jump",
  },
  {
    name: "signature-mismatch-destroys-image",
    statement: "Another hardware signature that is to be obeyed consumes the image",
    source: "protocol.md F.2, B.5.7 step 3",
    table: [],
    breaks: [],
    also: [],
    systems: "S",
    profiles: ["6.1"],
    needs: "acpi_sleep=s4_hwsig and other hardware",
  },
  {
    name: "sleep-enable-retried",
    statement: "SLP_EN is written again after 10 s",
    source: "protocol.md F.2, E.6.5 step 8",
    table: [],
    breaks: [],
    also: [],
    systems: "S",
    profiles: ["6.1"],
    needs: "firmware that ignores SLP_EN",
  },
  {
    name: "suspend-falls-to-platform",
    statement: "Mode suspend without S3 goes to S4 with an image that was made for no sleep: the " +
      "kernel in it runs no _WAK",
    source: "protocol.md F.2, B.5.4, B.5.11",
    table: [],
    breaks: ["F82"],
    also: [],
    note:
      "F.2 has no such row; it follows from the order of modes (B.5.4) and from platform_mode " +
      "being decided before the snapshot",
    systems: "S",
    profiles: ["6.1"],
    needs: "mode suspend on a machine with S4 and without S3, and a resume",
  },
];

/** The quirk of that name. */
export function quirk(name: string): Quirk {
  const found = QUIRKS.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`Unknown quirk '${name}'`);
  return found;
}
