/**
 * What is told about a rule to people who learn.
 *
 * @module
 */

/** Passages by the id of their rule: 40 to 90 words each. */
export type Passages = Readonly<Record<string, string>>;
