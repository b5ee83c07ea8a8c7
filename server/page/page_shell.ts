/**
 * The page's document: nothing in it but where the script draws. Nothing is in line, so that the
 * strictest policy holds.
 *
 * @module
 */

/** Head of a document of the page; `insert` are its scripts and styles. */
export function documentOf(insert: string, body = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>kjump</title>
${insert}</head>
<body>
<div id="page"></div>
<noscript>This page is drawn by a script; allow it for this address.</noscript>
${body}</body>
</html>
`;
}

/** The document as the server gives it. */
export function pageShell(): string {
  return documentOf(
    `<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="page.css">
<script type="module" src="page.js"></script>
`,
  );
}

/** The icon: out of one kernel into another and back. */
export const ICON_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="8" fill="#3157c8"/>
<path d="M6 23c3-14 16-15 20-3M26 20l2.500-6.500M26 20l-6.500-2" fill="none" stroke="#fff"
 stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>
`;
