/**
 * What a file that no tool loads is: kexec and krestore take ELF only (protocol.md E.4, F80).
 *
 * @module
 */

const KDUMP_SIGNATURE = "KDUMP   ";

/** Why a file that begins like this cannot be loaded, or `otherwise`. */
export function notLoadable(head: Uint8Array, otherwise: string): string {
  const begin = new TextDecoder("latin1").decode(head.slice(0, KDUMP_SIGNATURE.length));
  if (begin !== KDUMP_SIGNATURE) return otherwise;
  return "kdump-compressed, not ELF (makedumpfile -E)";
}
