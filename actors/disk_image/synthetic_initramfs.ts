/**
 * The synthetic initramfs: a newc archive with the names a hibernation's init scripts use and
 * small contents that stand for the programs. What those do are procedures (DESIGN.md 2).
 *
 * @module
 */
import {
  type CpioEntry,
  emitCpio,
  MODE_DIRECTORY,
  MODE_FILE,
  MODE_LINK,
} from "../../machine/formats/cpio.ts";
import { Random } from "../../machine/random.ts";

const DIRECTORIES = ["bin", "dev", "etc", "mnt", "proc", "sbin", "sys", "tmp"];

/** Programs with their lengths in bytes: a quarter of a MiB together. */
const PROGRAMS: readonly (readonly [string, number])[] = [
  ["bin/busybox", 96 * 1024],
  ["bin/kexec", 64 * 1024],
  ["bin/krestore", 24 * 1024],
  ["bin/makedumpfile", 64 * 1024],
];

const LINKS = ["bin/cat", "bin/cp", "bin/mount", "bin/sh", "bin/sync", "sbin/poweroff"];

const INIT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for word in $(cat /proc/cmdline); do
  case $word in
    go_to_hibernate) exec /sbin/go_to_hibernate ;;
    go_to_resume) exec /sbin/go_to_resume ;;
  esac
done
exec /bin/sh
`;

const HIBERNATE = `#!/bin/sh
mount -t ext2 /dev/hda3 /mnt
makedumpfile -E -d 16 /proc/vmcore /mnt/dump.elf.part || exec /bin/sh
sync
mv /mnt/dump.elf.part /mnt/dump.elf
sync
umount /mnt
poweroff -f
`;

const RESUME = `#!/bin/sh
mount -t ext2 /dev/hda3 /mnt
mv /mnt/dump.elf /mnt/dump.elf.used || exec /bin/sh
sync
kexec -l --args-none /mnt/dump.elf.used && umount /mnt && exec kexec -e
exec /bin/sh
`;

function program(path: string, length: number): CpioEntry {
  const random = new Random(length);
  const data = new Uint8Array(length);
  data.set([0x7f, 0x45, 0x4c, 0x46]);
  const view = new DataView(data.buffer);
  for (let offset = 16; offset < length; offset += 16) {
    const word = random.word(path);
    for (let part = 0; part < 16; part += 4) view.setUint32(offset + part, word, true);
  }
  return { path, mode: MODE_FILE | 0o755, data };
}

function script(path: string, text: string): CpioEntry {
  return { path, mode: MODE_FILE | 0o755, data: new TextEncoder().encode(text) };
}

/** The archive, always the same, uncompressed. */
export function syntheticInitramfs(): Uint8Array {
  const busybox = new TextEncoder().encode("/bin/busybox");
  return emitCpio([
    ...DIRECTORIES.map((path) => ({
      path,
      mode: MODE_DIRECTORY | 0o755,
      data: new Uint8Array(),
    })),
    script("init", INIT),
    script("sbin/go_to_hibernate", HIBERNATE),
    script("sbin/go_to_resume", RESUME),
    ...PROGRAMS.map(([path, length]) => program(path, length)),
    ...LINKS.map((path) => ({ path, mode: MODE_LINK | 0o777, data: busybox })),
  ]);
}
