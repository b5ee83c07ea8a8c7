/**
 * The conversation with the processor: entering code that stands in RAM, running a control page,
 * saving and restoring registers, other processors, interrupts.
 *
 * @module
 */
import { type Declaration, message, tagField } from "./declare.ts";
import { flag, integer, natural, oneOf, optional, record, text } from "./shape.ts";

const anyone = ["firmware", "loader", "kernel", "program"] as const;

export const CPU_MESSAGES = {
  "cpu.enter": message({
    doc: "The sender ends and the bytes at `entry` run next; `word` is what lies at `sp`.",
    from: anyone,
    to: ["cpu"],
    body: record({
      entry: natural,
      sp: natural,
      word: natural,
      argument: natural,
      preserve: flag,
    }),
    replies: ["program.start"],
    hex: ["entry", "sp", "word", "argument"],
  }),
  "cpu.run_control_page": message({
    doc: "machine_kexec: the relocate code in the control page takes over (protocol.md C.7).",
    from: ["kernel"],
    to: ["cpu"],
    body: record({
      control: natural,
      head: natural,
      start: natural,
      swap: natural,
      preserve: flag,
      argument: natural,
      state: natural,
    }),
    replies: ["program.start", "program.resume"],
    hex: ["control", "head", "start", "swap", "argument", "state"],
  }),
  "program.start": message({
    doc: "The processor began to execute this program at its entry; `mode` says how it addresses.",
    from: ["cpu"],
    to: ["kernel", "program", "loader"],
    body: record({
      entry: natural,
      sp: natural,
      word: natural,
      argument: natural,
      mode: optional(oneOf("paging off", "identity map")),
    }),
    replies: [],
    hex: ["entry", "sp", "word", "argument"],
  }),
  "program.resume": message({
    doc: "Control came back behind a kernel's own jump; its state stands at `state` in RAM.",
    from: ["cpu"],
    to: ["kernel"],
    body: record({ entry: natural, peer: natural, state: natural, gdt: flag }),
    replies: [],
    hex: ["entry", "peer", "state"],
  }),
  "cpu.run_restore": message({
    doc: "swsusp_arch_resume: the code at `code` puts an image in place (protocol.md B.5.8-9).",
    from: ["kernel"],
    to: ["cpu"],
    body: record({
      /** Page of the code that copies. */
      code: natural,
      /** First entry of the list of pages to be copied; 0 for none. */
      list: natural,
      /** Root of the temporary page tables. */
      tables: natural,
      /** Virtual address of the image kernel's restore_registers, in hexadecimal. */
      jump: text,
      /** Root of the image kernel's page tables; 0 where the image kernel knows it itself. */
      root: natural,
    }),
    replies: ["program.resume"],
    hex: ["code", "list", "tables", "root"],
  }),
  "cpu.set_online": message({
    doc: "Takes all processors but the first offline, or brings `count` online.",
    from: ["kernel"],
    to: ["cpu"],
    body: record({ tag: tagField, count: natural }),
    replies: ["cpu.done"],
  }),
  "cpu.set_interrupts": message({
    doc: "Sets or clears the interrupt flag.",
    from: ["kernel"],
    to: ["cpu"],
    body: record({ tag: tagField, enabled: flag }),
    replies: ["cpu.done"],
  }),
  "cpu.load_tables": message({
    doc: "A booting kernel sets its descriptor tables and page tables.",
    from: ["kernel"],
    to: ["cpu"],
    body: record({ tag: tagField, gdt: natural, idt: natural, cr3: natural, paging: flag }),
    replies: ["cpu.done"],
    hex: ["gdt", "idt", "cr3"],
  }),
  "cpu.save_context": message({
    doc: "save_processor_state: writes the listed registers (protocol.md C.8) at `address`.",
    from: ["kernel"],
    to: ["cpu"],
    body: record({ tag: tagField, address: natural }),
    replies: ["cpu.context"],
    hex: ["address"],
  }),
  "cpu.restore_context": message({
    doc: "restore_processor_state: loads them from `address`; a bad GDT faults.",
    from: ["kernel"],
    to: ["cpu"],
    body: record({ tag: tagField, address: natural, reload_gdt: flag }),
    replies: ["cpu.context"],
    hex: ["address"],
  }),
  "cpu.context": message({
    doc: "Registers were saved or restored; digest over them.",
    from: ["cpu"],
    to: ["kernel"],
    body: record({ tag: tagField, digest: text }),
    replies: [],
  }),
  "cpu.compute": message({
    doc: "User space works on so many bytes on all processors that are online.",
    from: ["kernel"],
    to: ["cpu"],
    body: record({ tag: tagField, by: text, work: oneOf("compress", "expand"), bytes: natural }),
    replies: ["cpu.done"],
  }),
  "cpu.halt": message({
    doc: "The program loops for ever or waits with interrupts off.",
    from: ["kernel", "program", "loader"],
    to: ["cpu"],
    body: record({ reason: text }),
    replies: [],
  }),
  "cpu.done": message({
    doc: "The processor did what was asked.",
    from: ["cpu"],
    to: ["kernel"],
    body: record({ tag: tagField, result: integer, online: optional(natural) }),
    replies: [],
  }),
  "cpu.interrupt": message({
    doc: "A device raised its line; `wake` if that is a wake-up event.",
    from: ["device", "disk", "firmware"],
    to: ["cpu"],
    body: record({ line: natural, device: text, wake: optional(flag) }),
    replies: ["kernel.interrupt"],
  }),
  "kernel.interrupt": message({
    doc: "The running kernel's handler for a device's line is called.",
    from: ["cpu"],
    to: ["kernel"],
    body: record({ line: natural, device: text, wake: optional(flag) }),
    replies: [],
  }),
} as const satisfies Record<string, Declaration<ReturnType<typeof record>>>;
