/**
 * /dev/snapshot: hibernation driven from user space (protocol.md B.5.10). The device has one owner
 * at a time, who holds what hibernate() would hold; each ioctl is checked in the kernel's order.
 *
 * `snapshot_open {access}` (r, w or rw), `snapshot_ioctl {type, number, value?, capable?}` and
 * `snapshot_release {}` are system calls: 0, a number, or a negative errno. What a program reads
 * and writes between them (the stream of pages) is not modelled: an image that a program brought
 * cannot be complete, so ATOMIC_RESTORE gives EPERM.
 *
 * @module
 */
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { canSleepDeep } from "./acpi_sleep.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { call, done, fail, type Next, next, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { freeImagePages, freeSwapPages, swapAreaOf, takeImagePage } from "./swap_areas.ts";
import { hibernationAvailable, swsuspOf } from "./swsusp_state.ts";
import type { SnapshotDevice } from "./swsusp_types.ts";
import { isError } from "./values.ts";

/** Numbers of the ioctls, type '3'. */
export const SNAPSHOT_IOCTL = {
  FREEZE: 1,
  UNFREEZE: 2,
  ATOMIC_RESTORE: 4,
  FREE: 5,
  FREE_SWAP_PAGES: 9,
  S2RAM: 11,
  SET_SWAP_AREA: 13,
  GET_IMAGE_SIZE: 14,
  PLATFORM_SUPPORT: 15,
  POWER_OFF: 16,
  CREATE_IMAGE: 17,
  PREF_IMAGE_SIZE: 18,
  AVAIL_SWAP_SIZE: 19,
  ALLOC_SWAP_PAGE: 20,
} as const;

const TYPE = "3";
const NUMBER_MAX = 20;

function deviceOf(kernel: Kernel): SnapshotDevice | undefined {
  return swsuspOf(kernel).user;
}

/** The notifier events around what a descriptor is for. */
function events(access: string): { readonly event: string; readonly undo: string } {
  return access === "r"
    ? { event: "PM_HIBERNATION_PREPARE", undo: "PM_POST_HIBERNATION" }
    : { event: "PM_RESTORE_PREPARE", undo: "PM_POST_RESTORE" };
}

const open = procedure("snapshot_open", [
  {
    name: "checks",
    run: (kernel, vars) => {
      const swsusp = swsuspOf(kernel);
      if (!hibernationAvailable(kernel)) return fail(ERRNO.EPERM);
      if (swsusp.owner !== "") return fail(ERRNO.EBUSY);
      const access = textOf(vars["access"]);
      if (access !== "r" && access !== "w") return fail(ERRNO.ENOSYS);
      swsusp.owner = "/dev/snapshot";
      swsusp.user = { access, frozen: false, ready: false, platform: false, area: swsusp.device };
      return next;
    },
    undo: (kernel) => {
      const swsusp = swsuspOf(kernel);
      swsusp.owner = "";
      delete swsusp.user;
      return next;
    },
  },
  {
    name: "notifiers",
    run: (_kernel, vars) => call("pm_notify", events(textOf(vars["access"]))),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : done(0),
  },
]);

const release = procedure("snapshot_release", [
  { name: "image", run: () => call("swsusp_free") },
  {
    name: "tasks",
    run: (kernel) => deviceOf(kernel)?.frozen === true ? call("snapshot_thaw") : next,
  },
  {
    name: "notifiers",
    run: (kernel) => {
      const { undo } = events(deviceOf(kernel)?.access ?? "r");
      return call("pm_notify", { event: undo });
    },
  },
  {
    name: "owner",
    run: (kernel) => {
      const swsusp = swsuspOf(kernel);
      swsusp.owner = "";
      delete swsusp.user;
      return done();
    },
  },
]);

const thaw = procedure("snapshot_thaw", [
  { name: "bitmaps", run: () => call("free_basic_memory_bitmaps") },
  { name: "tasks", run: () => call("thaw_processes", { what: "all" }) },
  {
    name: "flag",
    run: (kernel) => {
      const device = deviceOf(kernel);
      if (device !== undefined) device.frozen = false;
      return done();
    },
  },
]);

const freeze = procedure("snapshot_freeze", [
  { name: "sync", run: () => call("fs_sync") },
  {
    name: "tasks",
    run: () => call("freeze_processes"),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
    undo: () => call("thaw_processes"),
  },
  {
    name: "bitmaps",
    run: () => call("create_basic_memory_bitmaps"),
    then: (kernel, _vars, answer) => {
      if (isError(answer)) return fail(-answer);
      const device = deviceOf(kernel);
      if (device !== undefined) device.frozen = true;
      return done();
    },
  },
]);

/** Takes a page of the swap area; its offset in bytes. */
function allocateSwapPage(kernel: Kernel, device: SnapshotDevice): Next {
  const area = swapAreaOf(kernel, device.area);
  if (area === undefined) return fail(ERRNO.ENODEV);
  const page = takeImagePage(area);
  return page === undefined ? fail(ERRNO.ENOSPC) : done(page * PAGE_BYTES);
}

function freeImage(kernel: Kernel, device: SnapshotDevice): Next {
  const area = swapAreaOf(kernel, device.area);
  if (area !== undefined) freeImagePages(area);
  return done();
}

function createImage(device: SnapshotDevice): Next {
  if (device.access !== "r" || !device.frozen || device.ready) return fail(ERRNO.EPERM);
  return call("hibernation_snapshot", { platform: device.platform });
}

/** One ioctl whose type, number and rights are good. */
function dispatch(kernel: Kernel, device: SnapshotDevice, number: number, value: number): Next {
  switch (number) {
    case SNAPSHOT_IOCTL.FREEZE:
      return device.frozen ? done() : call("snapshot_freeze");
    case SNAPSHOT_IOCTL.UNFREEZE:
      return !device.frozen || device.ready ? done() : call("snapshot_thaw");
    case SNAPSHOT_IOCTL.CREATE_IMAGE:
      return createImage(device);
    case SNAPSHOT_IOCTL.ATOMIC_RESTORE:
      return fail(ERRNO.EPERM);
    case SNAPSHOT_IOCTL.FREE:
      device.ready = false;
      return call("swsusp_free");
    case SNAPSHOT_IOCTL.PREF_IMAGE_SIZE:
      swsuspOf(kernel).imageSize = value;
      return done();
    case SNAPSHOT_IOCTL.GET_IMAGE_SIZE:
      return device.ready
        ? done((countPages(swsuspOf(kernel).saved) + 1) * PAGE_BYTES)
        : fail(ERRNO.ENODATA);
    case SNAPSHOT_IOCTL.AVAIL_SWAP_SIZE: {
      const area = swapAreaOf(kernel, device.area);
      return done(area === undefined ? 0 : freeSwapPages(area) * PAGE_BYTES);
    }
    case SNAPSHOT_IOCTL.ALLOC_SWAP_PAGE:
      return allocateSwapPage(kernel, device);
    case SNAPSHOT_IOCTL.FREE_SWAP_PAGES:
      return freeImage(kernel, device);
    case SNAPSHOT_IOCTL.S2RAM:
      // The machine has no S3 to go to.
      return fail(device.frozen ? ERRNO.ENOSYS : ERRNO.EPERM);
    case SNAPSHOT_IOCTL.SET_SWAP_AREA:
      if (swapAreaOf(kernel, `8:${value}`) === undefined) return fail(ERRNO.ENODEV);
      device.area = `8:${value}`;
      return done();
    case SNAPSHOT_IOCTL.PLATFORM_SUPPORT:
      device.platform = value !== 0 && canSleepDeep(kernel);
      return done();
    case SNAPSHOT_IOCTL.POWER_OFF:
      return device.platform ? call("hibernation_platform_enter") : done();
    default:
      return fail(ERRNO.ENOTTY);
  }
}

function finish(kernel: Kernel, vars: Vars, answer: number): Next {
  const device = deviceOf(kernel);
  if (vars["number"] === SNAPSHOT_IOCTL.CREATE_IMAGE && !isError(answer)) {
    const { inSuspend } = swsuspOf(kernel);
    if (device !== undefined) device.ready = true;
    return done(inSuspend);
  }
  return done(answer);
}

const ioctl = procedure("snapshot_ioctl", [
  {
    name: "dispatch",
    run: (kernel, vars) => {
      const device = deviceOf(kernel);
      const number = numberOf(vars["number"]);
      if (vars["type"] !== undefined && vars["type"] !== TYPE) return fail(ERRNO.ENOTTY);
      if (number > NUMBER_MAX) return fail(ERRNO.ENOTTY);
      if (vars["capable"] === false || device === undefined) return fail(ERRNO.EPERM);
      if (swsuspOf(kernel).locked) return fail(ERRNO.EBUSY);
      return dispatch(kernel, device, number, numberOf(vars["value"] ?? 0));
    },
    then: (kernel, vars, answer) => finish(kernel, vars, typeof answer === "number" ? answer : 0),
  },
]);

/** Procedures of this file. */
export const SWSUSP_USER_PROCEDURES: readonly Procedure[] = [
  open,
  release,
  thaw,
  freeze,
  ioctl,
];
