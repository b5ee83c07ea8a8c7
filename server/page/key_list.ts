/**
 * The keys of the whole page and what they do, for the list that `?` shows.
 *
 * @module
 */

/** Keys and what they do, for the list of keys. */
export const KEY_LIST: readonly (readonly [keys: string, what: string])[] = [
  ["space", "play and pause"],
  ["j  ↓", "step"],
  ["k  ↑", "step back"],
  ["PgDn PgUp", "twenty on, twenty back"],
  ["Home End", "first, last event"],
  ["f", "next fault"],
  ["v", "next broken rule"],
  ["/", "search"],
  ["n  N", "next hit, hit before"],
  ["g", "go to an event by its number"],
  ["[  ]", "show from here on, up to here"],
  ["\\", "show the whole run again"],
  ["s", "start a run"],
  ["c", "cut the power here"],
  ["e", "export"],
  ["?", "this list"],
  ["← →  Del", "on a life line's head: move it, hide it"],
];
