/**
 * The header under which a browser saves an answer as a file. Names come from transcripts and
 * uploads, so nothing of them is trusted: no line end, quote or path reaches the header.
 *
 * @module
 */

const NAME_CHARACTERS_MAX = 120;

/** A name without path, control characters or anything a file system minds. */
function plainName(fileName: string): string {
  const plain = fileName
    .toWellFormed()
    // deno-lint-ignore no-control-regex -- these are what must go.
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "")
    .replace(/[/\\:*?"<>|]/g, "-")
    .replace(/^[.\s]+|[.\s]+$/g, "");
  return [...plain].slice(0, NAME_CHARACTERS_MAX).join("") || "file";
}

/** `Content-Disposition` for a name; beyond ASCII it stands in `filename*` (RFC 6266, RFC 8187). */
export function attachment(fileName: string): string {
  const name = plainName(fileName);
  const ascii = name.replace(/[^\x20-\x7e]/g, "_").replaceAll("%", "_");
  if (ascii === name) return `attachment; filename="${ascii}"`;
  const extended = encodeURIComponent(name)
    .replace(/['()*!]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`;
}
