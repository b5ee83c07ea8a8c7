/**
 * Shapes of plain data: each is a value from which a TypeScript type, a check at untrusted edges
 * and a line of documentation are made. Declared once, used thrice (DESIGN.md law 6).
 *
 * A check looks only at what is declared: an undeclared key is an error, so that a misspelt
 * field cannot pass in silence.
 *
 * @module
 */

/** Data that survives JSON: what messages, states and choices are made of. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | readonly Plain[]
  | { readonly [key: string]: Plain };

/** A shape whose values have type `T`. */
export interface Shape<T> {
  /** Only for inference; never set. */
  readonly of?: T;
  /** How the shape reads in documentation: `integer`, `"read" | "write"`, … */
  readonly text: string;
  /** What is wrong with `value` at `path`, or `undefined` if it fits. */
  check(value: unknown, path: string): string | undefined;
}

/** The type a shape stands for. */
export type Infer<S> = S extends Shape<infer T> ? T : never;

function simple<T>(text: string, fits: (value: unknown) => boolean): Shape<T> {
  return {
    text,
    check: (value, path) => fits(value) ? undefined : `${path} is not ${text}`,
  };
}

/** Any text. */
export const text: Shape<string> = simple("text", (value) => typeof value === "string");

/** True or false. */
export const flag: Shape<boolean> = simple("flag", (value) => typeof value === "boolean");

/** A whole number that JavaScript holds exactly. */
export const integer: Shape<number> = simple("integer", Number.isSafeInteger);

/** A whole number from 0 up: a count, a length in bytes, a physical address, a page number. */
export const natural: Shape<number> = simple(
  "natural",
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
);

/** Bytes as lower-case hexadecimal text. */
export const hexBytes: Shape<string> = simple(
  "hexadecimal bytes",
  (value) => typeof value === "string" && /^(?:[0-9a-f]{2})*$/.test(value),
);

/** Any plain data. */
export const plain: Shape<Plain> = simple("plain data", (value) => value !== undefined);

/** One of the given words. */
export function oneOf<const W extends readonly string[]>(...words: W): Shape<W[number]> {
  return simple(
    words.map((word) => JSON.stringify(word)).join(" | "),
    (value) => typeof value === "string" && words.includes(value),
  );
}

/** Zero or more of a shape. */
export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    text: `${item.text}[]`,
    check(value, path) {
      if (!Array.isArray(value)) return `${path} is not a list`;
      for (let index = 0; index < value.length; index++) {
        const wrong = item.check(value[index], `${path}[${index}]`);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    },
  };
}

/** A shape that may be absent as a field of {@linkcode record}. */
export interface OptionalShape<T> extends Shape<T> {
  readonly optional: true;
}

/** Marks a field as one that may be absent. */
export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return { text: shape.text, check: shape.check, optional: true };
}

type Fields = { readonly [name: string]: Shape<unknown> };
type OptionalNames<F> = {
  [K in keyof F]: F[K] extends OptionalShape<unknown> ? K : never;
}[keyof F];
type Flatten<T> = { [K in keyof T]: T[K] };

/** The object type made of a record's fields. */
export type RecordOf<F extends Fields> = Flatten<
  & { readonly [K in Exclude<keyof F, OptionalNames<F>>]: Infer<F[K]> }
  & { readonly [K in OptionalNames<F>]?: Infer<F[K]> }
>;

/** A shape with named fields and no others. */
export interface RecordShape<F extends Fields> extends Shape<RecordOf<F>> {
  readonly fields: F;
}

/** An object with exactly the given fields. */
export function record<F extends Fields>(fields: F): RecordShape<F> {
  const names = Object.keys(fields);
  const required = names.filter((name) => !("optional" in (fields[name] ?? {})));
  return {
    fields,
    text: `{ ${names.map((name) => `${name}: ${fields[name]?.text}`).join("; ")} }`,
    check(value, path) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return `${path} is not a record`;
      }
      for (const name of required) {
        if (!(name in value)) return `${path}.${name} is missing`;
      }
      for (const [name, content] of Object.entries(value)) {
        const shape = fields[name];
        if (shape === undefined) return `${path}.${name} is not declared`;
        if (content === undefined && "optional" in shape) continue;
        const wrong = shape.check(content, `${path}.${name}`);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    },
  };
}
