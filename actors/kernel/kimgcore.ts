/**
 * /proc/kimgcore: the loaded image as a file (protocol.md B.3). Open, read and release are what
 * the file's own operations are in the kernel of khibernation v7, to the errno; permission to
 * open it is the VFS's affair and looked at before.
 *
 * The data are not kept anywhere: a read walks the entry list as it stands in RAM at that moment
 * and copies what its source pages hold. While the file is open its opener has the kexec lock.
 *
 * @module
 */
import { Sha256 } from "../../machine/digest.ts";
import { toHex } from "../../machine/hex.ts";
import { EM_386, EM_X86_64 } from "../../machine/formats/elf.ts";
import {
  emitKimgcore,
  kimgcoreHeaderBytes,
  kimgcoreSize,
  listStart,
} from "../../machine/formats/kimgcore.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { formatPairRuns, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { cutRanges } from "../../machine/grant_ranges.ts";
import type { Range } from "../../machine/messages/declare.ts";
import { ERRNO } from "./errno.ts";
import { releaseLock, takeLock } from "./kexec_load.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import {
  type CopyPlan,
  highmemPfn,
  planHeader,
  planPages,
  type ReadState,
  takeListPage,
  wantedPages,
} from "./kimgcore_read.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  next,
  orFail,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import type { OpenKimgcore, Vars } from "./state.ts";
import { bytesOf, RANGES, readAs } from "./values.ts";

/** Its path. */
export const KIMGCORE = "/proc/kimgcore";
const HOLDER = "kimgcore";

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** The open file; a read or release of one that is not open is a defect of the caller. */
function openFile(kernel: Kernel): OpenKimgcore {
  const { kimgcore } = kernel.state;
  if (kimgcore === undefined) throw new TypeError(`${KIMGCORE} is not open in ${kernel.name}`);
  return kimgcore;
}

/** The header for the image as it is loaded now. */
function headerOf(kernel: Kernel): Uint8Array {
  const { image } = kernel.state;
  const machine = kernel.profile.arch === "i386" ? EM_386 : EM_X86_64;
  return emitKimgcore({
    machine,
    entry: image?.start ?? 0,
    segments: image?.segments ?? [],
  });
}

/**
 * `kimgcore_open {write?, uid?}`: 0, or -ENOENT where the kernel has no such file or no image is
 * loaded, -EACCES for anybody but root, -EBUSY while the kexec lock is held, -ENOMEM without room
 * for the header. With `write` root gets it open too, and then no write succeeds.
 */
const OPEN = procedure("kimgcore_open", [
  {
    name: "permission",
    run(kernel, vars) {
      if (!kernel.profile.kimgcore) return done(-ERRNO.ENOENT);
      // Mode S_IRUSR, owner root; root is refused nothing.
      return numberOf(vars["uid"] ?? 0) === 0 ? next : done(-ERRNO.EACCES);
    },
  },
  {
    name: "lock",
    run(kernel) {
      if (takeLock(kernel, HOLDER)) return next;
      kernel.fact("kimgcore", { op: "open", result: -ERRNO.EBUSY });
      return done(-ERRNO.EBUSY);
    },
    undo(kernel) {
      releaseLock(kernel);
      return next;
    },
  },
  {
    name: "image",
    run(kernel) {
      if (kernel.state.image !== null) return next;
      kernel.fact("kimgcore", { op: "open", result: -ERRNO.ENOENT, loaded: false });
      return fail(ERRNO.ENOENT);
    },
  },
  {
    name: "header",
    run(kernel) {
      const segments = kernel.state.image?.segments ?? [];
      const headerBytes = kimgcoreHeaderBytes(segments.length);
      const header = kernel.allocate({
        pages: Math.ceil(headerBytes / PAGE_BYTES),
        flags: FRAME.kernel,
        owner: 0,
        contiguous: true,
      });
      if (header === undefined) {
        kernel.fact("kimgcore", { op: "open", result: -ERRNO.ENOMEM, loaded: true });
        return fail(ERRNO.ENOMEM);
      }
      const size = kimgcoreSize(segments);
      kernel.state.kimgcore = { header, headerBytes, size, position: 0, bounce: null };
      return ask("memory", "memory.write", {
        by: kernel.name,
        address: (header[0]?.pfn ?? 0) * PAGE_BYTES,
        bytes: toHex(headerOf(kernel)),
      });
    },
  },
  {
    name: "opened",
    run(kernel) {
      const { image } = kernel.state;
      const start = hex(image?.start ?? 0);
      kernel.fact("kimgcore", {
        op: "open",
        result: 0,
        loaded: true,
        entry: start,
        start,
        segments: image?.segments.length ?? 0,
        size: openFile(kernel).size,
      });
      return done();
    },
  },
]);

/** Where a read stands: its procedure's variables as one value. */
function stateOf(kernel: Kernel, vars: Vars): ReadState {
  const { header, headerBytes, position } = openFile(kernel);
  return {
    headerStart: (header[0]?.pfn ?? 0) * PAGE_BYTES,
    headerBytes,
    position,
    end: numberOf(vars["end"]),
    buffer: readAs(RANGES, vars["buffer"]),
    used: numberOf(vars["used"]),
    highmemPfn: highmemPfn(kernel.profile.arch),
  };
}

/** Ends a read that did not come to its end; what was copied before has moved the position. */
function failRead(kernel: Kernel, vars: Vars, errno: number) {
  const { from = 0, asked = 0 } = vars;
  const fields = { offset: numberOf(from), length: numberOf(asked) };
  kernel.fact("kimgcore", { op: "read", result: -errno, ...fields });
  return done(-errno);
}

function copyOf(kernel: Kernel, { copies }: CopyPlan) {
  const runs = copies.map(({ to, from, length }) => ({
    destination: to,
    source: from,
    count: length,
  }));
  return ask("memory", "memory.copy", { by: kernel.name, bytes: formatPairRuns(runs) });
}

function advance(kernel: Kernel, vars: Vars, bytes: number): void {
  openFile(kernel).position += bytes;
  vars["used"] = numberOf(vars["used"]) + bytes;
}

/** The part of the user's buffer that was filled. */
function filled(vars: Vars): Range[] {
  let left = numberOf(vars["used"]);
  return readAs(RANGES, vars["buffer"]).flatMap(({ start, length }) => {
    const taken = Math.min(left, length);
    left -= taken;
    return taken === 0 ? [] : [{ start, length: taken }];
  });
}

/**
 * `kimgcore_read {buffer, length, position?}`: up to `length` bytes from the file's position (or
 * from the one given) into the ranges of the process's memory that its buffer has; what of the
 * buffer is not mapped is not among the ranges. Gives the bytes read, 0 at or behind the end, or
 * -EFAULT where the buffer is not mapped: the position then stands behind what was copied
 * before. -ENOMEM without a bounce page, -EIO for a list that leads out of memory.
 */
const READ = procedure("kimgcore_read", [
  {
    name: "trim",
    run(kernel, vars) {
      const file = openFile(kernel);
      if (vars["position"] !== undefined) file.position = numberOf(vars["position"]);
      const length = numberOf(vars["length"]);
      vars["from"] = file.position;
      vars["asked"] = length;
      vars["used"] = 0;
      vars["end"] = Math.min(file.size, file.position + length);
      return numberOf(vars["end"]) > file.position ? next : goto("read");
    },
  },
  {
    name: "header",
    run(kernel, vars) {
      const plan = planHeader(stateOf(kernel, vars));
      if (plan.fault) return failRead(kernel, vars, ERRNO.EFAULT);
      vars["moving"] = plan.bytes;
      return plan.bytes === 0 ? next : copyOf(kernel, plan);
    },
    then(kernel, vars) {
      advance(kernel, vars, numberOf(vars["moving"]));
      return next;
    },
  },
  {
    name: "list",
    run(kernel, vars) {
      const { image } = kernel.state;
      vars["sources"] = [];
      vars["seen"] = 0;
      const wanted = wantedPages(stateOf(kernel, vars));
      const first = listStart(image?.head ?? 0);
      if (wanted.count === 0 || first === undefined) return goto("read");
      vars["page"] = first;
      return next;
    },
  },
  {
    name: "list page",
    run(kernel, vars) {
      const page = numberOf(vars["page"]);
      const frames = kernel.state.layout?.frameCount ?? Infinity;
      if (page >= frames) return failRead(kernel, vars, ERRNO.EIO);
      const address = page * PAGE_BYTES;
      return ask("memory", "memory.read", { by: kernel.name, address, length: PAGE_BYTES });
    },
    then(kernel, vars, answer) {
      const frames = kernel.state.layout?.frameCount ?? Infinity;
      const wanted = wantedPages(stateOf(kernel, vars));
      const more = takeListPage(kernel.profile.arch, bytesOf(answer), vars, wanted, frames);
      if (more === "bad") return failRead(kernel, vars, ERRNO.EIO);
      return more === "more" ? goto("list page") : next;
    },
  },
  {
    name: "bounce page",
    run(kernel, vars) {
      const plan = planPages(stateOf(kernel, vars), vars, openFile(kernel).bounce);
      if (!plan.needsBounce) return next;
      const [run] = kernel.allocate({ pages: 1, flags: FRAME.kernel, owner: 0 }) ?? [];
      if (run === undefined) return failRead(kernel, vars, ERRNO.ENOMEM);
      openFile(kernel).bounce = run.pfn;
      return next;
    },
  },
  {
    name: "pages",
    run(kernel, vars) {
      const plan = planPages(stateOf(kernel, vars), vars, openFile(kernel).bounce);
      vars["moving"] = plan.bytes;
      vars["fault"] = plan.fault;
      if (plan.bytes > 0) return copyOf(kernel, plan);
      return plan.fault ? failRead(kernel, vars, ERRNO.EFAULT) : goto("read");
    },
    then(kernel, vars) {
      advance(kernel, vars, numberOf(vars["moving"]));
      if (vars["fault"] === true) return failRead(kernel, vars, ERRNO.EFAULT);
      return goto("list");
    },
  },
  {
    name: "read",
    run(kernel, vars) {
      const ranges = cutRanges(filled(vars));
      if (ranges.length === 0) return next;
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then(_kernel, vars, _answer, access) {
      const hash = new Sha256();
      for (const { start, length } of cutRanges(filled(vars))) {
        hash.update(access.read(start, length));
      }
      vars["digest"] = hash.hex();
      return next;
    },
  },
  {
    name: "say",
    run(kernel, vars) {
      // The length is what of the one asked for lies before the file's end.
      const result = numberOf(vars["used"]);
      const { digest } = vars;
      kernel.fact("kimgcore", {
        op: "read",
        result,
        offset: numberOf(vars["from"]),
        length: result,
        ...(typeof digest === "string" ? { digest } : {}),
      });
      return done(result);
    },
  },
]);

/** `kimgcore_write {}`: the file has no write operation, which the VFS answers with -EINVAL. */
const WRITE = procedure("kimgcore_write", [
  { name: "none", run: () => done(-ERRNO.EINVAL) },
]);

/** `kimgcore_release {}`: header and bounce page are freed, the kexec lock given back. */
const RELEASE = procedure("kimgcore_release", [
  {
    name: "free",
    run(kernel) {
      const { header, bounce } = openFile(kernel);
      kernel.release(header);
      if (bounce !== null) kernel.release([{ pfn: bounce, count: 1 }]);
      delete kernel.state.kimgcore;
      kernel.fact("kimgcore", { op: "release", result: 0 });
      releaseLock(kernel);
      return done();
    },
  },
]);

/** A step that opens it, for programs: undone it is released, as at the end of a process. */
export const HOLD_KIMGCORE: Step = {
  name: "open",
  run: () => call("kimgcore_open"),
  then: (_kernel, _vars, answer) => orFail(answer),
  undo: () => call("kimgcore_release"),
};

/** Procedures of this file. */
export const KIMGCORE_PROCEDURES: readonly Procedure[] = [OPEN, READ, WRITE, RELEASE];
