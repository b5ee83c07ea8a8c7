/**
 * Where a real kernel may lie that tests compare with: none is kept in the tree.
 *
 * @module
 */

/** A real kernel: KJUMP_BZIMAGE, or the newest in /boot, or vmlinuz below /tmp. */
export function realKernel(): string | undefined {
  const named = Deno.env.get("KJUMP_BZIMAGE");
  const places = named === undefined ? ["/boot", "/tmp"] : [];
  const found = places.flatMap((folder) => {
    try {
      const names = [...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith("vmlinuz"));
      return names.map(({ name }) => `${folder}/${name}`).sort().reverse();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      if (error instanceof Deno.errors.NotCapable) return [];
      throw error;
    }
  });
  const path = named ?? found[0];
  // deno-lint-ignore no-console
  if (path === undefined) console.log("no bzImage in KJUMP_BZIMAGE, /boot or /tmp: tests ignored");
  return path;
}
