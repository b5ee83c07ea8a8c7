/**
 * A saving kernel in the memory of the one it saves, and a resuming one, for the tests of vmcore,
 * makedumpfile and the two scripts.
 */
import type { FlatStore } from "../../machine/flat_store.ts";
import { EM_386, parseElf, PT_LOAD } from "../../machine/formats/elf.ts";
import { emitNotes, emitVmcoreinfo, vmcoreinfoNote } from "../../machine/formats/elf_notes.ts";
import { emitFrames, FRAME, vmcoreinfoOf } from "../../machine/formats/mem_map.ts";
import {
  buildCoreHeaders,
  LINEAR_OFFSET,
  LOWMEM_LIMIT_I386,
} from "../../machine/formats/vmcore.ts";
import { fieldOf } from "../../actors/kernel/values.ts";
import { call, done, type Procedure } from "../../actors/kernel/procedure.ts";
import {
  type Call,
  diskWith,
  type KernelPlan,
  type KernelRun,
  noise,
  runKernel,
  volumeOn,
} from "./kernel_kit.ts";
import type { Ext2Image } from "../../machine/formats/ext2/mod.ts";
import type { MemoryMedium } from "../../machine/medium.ts";

const MIB = 1024 ** 2;
export const RAM = 32 * MIB;
/** What B has: the window, with the core headers at its beginning. */
export const WINDOW = { start: 4 * MIB, end: 12 * MIB };
export const CORE_HEADERS = WINDOW.start;
export const NOTE = 13 * MIB;
export const MEM_MAP = 14 * MIB;
export const FRAMES = RAM / 4096;
/** Frames of A in use besides its table and note: with content, and one of them all zero. */
export const USED = [{ pfn: 4096, count: 300 }, { pfn: 5000, count: 1 }, { pfn: 6000, count: 700 }];
export const ZERO_PFN = 6005;
export const ENTRY = "0xd45000";
const COMMAND_LINE = `root=/dev/ram0 elfcorehdr=4096K kexec_jump_back_entry=${ENTRY}`;

function frameTable(): Uint8Array {
  const free = { flags: FRAME.free, owner: 0, count: 0 };
  const frames = new Array<{ flags: number; owner: number; count: number }>(FRAMES).fill(free);
  const take = (pfn: number, count: number, flags: number) =>
    frames.fill({ flags, owner: 1, count: 1 }, pfn, pfn + count);
  take(0, MIB / 4096, FRAME.reserved);
  // What A had in the window is not there now; its table says nothing of that.
  take(WINDOW.start / 4096, (WINDOW.end - WINDOW.start) / 4096, FRAME.kernel);
  take(NOTE / 4096, 1, FRAME.kernel);
  take(MEM_MAP / 4096, FRAMES * 8 / 4096, FRAME.kernel);
  for (const { pfn, count } of USED) take(pfn, count, FRAME.user);
  return emitFrames(frames);
}

export const INFO = emitVmcoreinfo(vmcoreinfoOf({
  osRelease: "2.6.27",
  kernelName: "A",
  memMapPhysical: MEM_MAP,
  frameCount: FRAMES,
}));

/** A's memory as it stands while B runs. */
export function memoryOfA(ram: FlatStore, withNote: boolean): void {
  const note = emitNotes([vmcoreinfoNote(INFO)]);
  ram.write(NOTE, note);
  ram.write(MEM_MAP, frameTable());
  for (const { pfn, count } of USED) ram.write(pfn * 4096, noise(count * 4096, pfn));
  ram.write(ZERO_PFN * 4096, new Uint8Array(4096));
  ram.write(
    CORE_HEADERS,
    buildCoreHeaders({
      class: 32,
      machine: EM_386,
      ramRanges: [{ start: MIB, end: RAM }],
      excluded: [WINDOW],
      notes: withNote ? [{ paddr: NOTE, size: note.length }] : [],
      linearOffset: LINEAR_OFFSET.i386,
      lowmemLimit: LOWMEM_LIMIT_I386,
    }),
  );
}

const POWER_OFF: Procedure = {
  name: "power_off",
  steps: [{
    name: "off",
    run(kernel) {
      kernel.print("OFF");
      return done(0);
    },
  }],
};

/** What the machine's kexec would be asked: loading reads the whole file and looks at the sums. */
const KEXEC: Procedure = {
  name: "program:kexec",
  steps: [
    {
      name: "stat",
      run(kernel, vars) {
        kernel.print(`KEXEC ${String(vars["argv"])} ${vars["verify"] !== undefined}`);
        if (!String(vars["argv"]).includes("-l")) return done(0);
        return call("fs_stat", { path: "/mnt/dump.elf" });
      },
      then(_kernel, vars, answer) {
        vars["size"] = fieldOf(answer, "size") ?? 0;
        return { do: "next" };
      },
    },
    {
      name: "read",
      run: (_kernel, vars) =>
        call("fs_read", {
          path: "/mnt/dump.elf",
          offset: 0,
          length: vars["size"] ?? 0,
          runs: [{ pfn: 4096, count: 4096 }],
          ...(vars["verify"] === undefined ? {} : { verify: vars["verify"] }),
        }),
      then(kernel, _vars, answer) {
        const wrong = JSON.stringify(fieldOf(answer, "mismatches") ?? []);
        if (wrong !== "[]") kernel.print(`DAMAGED ${wrong}`);
        return done(wrong === "[]" ? 0 : 1);
      },
    },
  ],
};

/** A disk whose hibernating partition begins at 17 MiB. */
export const disk = (mib = 40): MemoryMedium =>
  diskWith([{ mib: 8, files: [] }, { mib: 8, files: [] }, { mib, files: [] }]);
/** The hibernating partition after a run. */
export const saved = (run: KernelRun, mib = 40): Ext2Image => volumeOn(run.medium, 17, mib);
/** A call of a program. */
export const script = (...argv: string[]): Call => [`program:${argv[0]}`, { argv }];

/** The kernel in the window, with or without A's VMCOREINFO note. */
export function inB(plan: Partial<KernelPlan> & Pick<KernelPlan, "calls">, note = true): KernelRun {
  return runKernel({
    medium: disk(),
    ramBytes: RAM,
    free: [{ pfn: 1100, count: (WINDOW.end - 1100 * 4096) / 4096 }],
    fillRam: (ram) => memoryOfA(ram, note),
    procedures: [POWER_OFF, KEXEC],
    ...plan,
    state: {
      commandLine: COMMAND_LINE,
      firmwareMap: [{ start: 0, length: RAM, type: 1 }],
      vmcore: { address: CORE_HEADERS, bytes: 16 * 1024 },
      ...plan.state,
    },
  });
}

/** What B is for. */
export const save: Call = script("save-image");

/** The PT_LOADs of a dump by frame. */
export function pagesOf(dump: Uint8Array): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  for (const program of parseElf(dump).programs) {
    if (program.type !== PT_LOAD) continue;
    for (let at = 0; at < program.filesz; at += 4096) {
      const from = program.offset + at;
      pages.set((program.paddr + at) / 4096, dump.subarray(from, from + 4096));
    }
  }
  return pages;
}

/** A kernel that boots later and has the whole machine. */
export function inC(medium: MemoryMedium, ...argv: string[]): KernelRun {
  return runKernel({
    medium,
    ramBytes: RAM,
    free: [{ pfn: 256, count: 3000 }],
    procedures: [POWER_OFF, KEXEC],
    calls: [script("restore-image", ...argv)],
  });
}
