/**
 * What a client prefers: media types by `Accept` (RFC 9110, 12.5.1) and waiting by `Prefer`
 * (RFC 7240).
 *
 * @module
 */

interface Accepted {
  readonly type: string;
  readonly weight: number;
}

function acceptedOf(header: string): Accepted[] {
  return header.split(",").map((part) => {
    const [type = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const given = parameters.find((text) => text.startsWith("q="))?.slice(2);
    const weight = given === undefined ? 1 : Number(given);
    return { type, weight: weight >= 0 && weight <= 1 ? weight : 0 };
  });
}

/** Weight of an offer: that of the most exact range that it is in. */
function weightOf(offer: string, accepted: readonly Accepted[]): number {
  const [group = ""] = offer.split("/");
  for (const range of [offer, `${group}/*`, "*/*"]) {
    const found = accepted.find(({ type }) => type === range);
    if (found !== undefined) return found.weight;
  }
  return 0;
}

/**
 * The media type that a client likes best; the first of equals, and of all where it says nothing.
 * `undefined` if it takes none.
 */
export function preferredType(
  accept: string | undefined,
  offers: readonly string[],
): string | undefined {
  if (accept === undefined || accept.trim() === "") return offers[0];
  const accepted = acceptedOf(accept);
  let best: { readonly offer: string; readonly weight: number } | undefined;
  for (const offer of offers) {
    const weight = weightOf(offer, accepted);
    if (weight > (best?.weight ?? 0)) best = { offer, weight };
  }
  return best?.offer;
}

/** Seconds for which a client would wait for the end; `undefined` if it did not say. */
export function preferredWait(prefer: string | undefined): number | undefined {
  for (const part of (prefer ?? "").split(",")) {
    const match = /^\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?:;.*)?$/i.exec(part);
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}
