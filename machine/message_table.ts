/**
 * The vocabulary prepared for the scheduler, which asks it about every message: who may send a
 * type to whom as bits, the fields as a list, whether grants may be in it. What is wrong with a
 * message is still said by {@linkcode checkMessage}; here is only found out quickly that nothing
 * is.
 *
 * @module
 */
import { type Role, ROLES } from "./messages/declare.ts";
import {
  flag,
  hexBytes,
  integer,
  natural,
  type Plain,
  type Shape,
  text,
} from "./messages/shape.ts";
import { checkMessage, isMessageType, MESSAGES, type MessageType } from "./messages/vocabulary.ts";

type Check = Shape<unknown>["check"];

interface Field {
  readonly name: string;
  readonly check: Check;
  /** One of {@linkcode SCALARS} by number, or -1. */
  readonly scalar: number;
}

/** Shapes that are looked at here, because nearly all fields have one of them. */
const TEXT = 0;
const FLAG = 1;
const NATURAL = 2;
const INTEGER = 3;
const HEX = 4;
const SCALARS: readonly Check[] = [
  text.check,
  flag.check,
  natural.check,
  integer.check,
  hexBytes.check,
];
/** Characters up to which hexadecimal text is looked at by hand, not by its shape. */
const HEX_MAX = 64;

/** A prepared message type. */
export interface MessageFacts {
  readonly type: MessageType;
  /** Its place in the vocabulary. */
  readonly number: number;
  /** Bit sets of roles, see {@linkcode roleBit}. */
  readonly from: number;
  readonly to: number;
  readonly fields: readonly Field[];
  /** Whether the type declares a field `grants`. */
  readonly grants: boolean;
  /** Fields that are shown in hexadecimal. */
  readonly hex: ReadonlySet<string>;
}

/** The bit of a role. */
export function roleBit(role: Role): number {
  return 1 << ROLES.indexOf(role);
}

function bits(roles: readonly Role[]): number {
  return roles.reduce((all, role) => all | roleBit(role), 0);
}

function prepare(type: MessageType, number: number): MessageFacts {
  const declaration = MESSAGES[type];
  const shapes: { readonly [name: string]: Shape<unknown> } = declaration.body.fields;
  const hex: readonly string[] = "hex" in declaration ? declaration.hex ?? [] : [];
  return {
    type,
    number,
    from: bits(declaration.from),
    to: bits(declaration.to),
    fields: Object.entries(shapes).map(([name, shape]) => ({
      name,
      check: shape.check,
      scalar: SCALARS.indexOf(shape.check),
    })),
    grants: "grants" in shapes,
    hex: new Set(hex),
  };
}

const TABLE: ReadonlyMap<string, MessageFacts> = new Map(
  Object.keys(MESSAGES).filter(isMessageType).map((type, number) => [type, prepare(type, number)]),
);

/** What is known of a message type; `undefined` if none of that name is declared. */
export function messageFacts(type: string): MessageFacts | undefined {
  return TABLE.get(type);
}

type Fields = { readonly [name: string]: Plain };

function isHex(content: string): boolean {
  for (let index = 0; index < content.length; index++) {
    const code = content.charCodeAt(index);
    if (code < 0x30 || code > 0x66 || (code > 0x39 && code < 0x61)) return false;
  }
  return content.length % 2 === 0;
}

function fitsField(field: Field, content: unknown): boolean {
  switch (field.scalar) {
    case TEXT:
      return typeof content === "string";
    case FLAG:
      return typeof content === "boolean";
    case NATURAL:
      return Number.isSafeInteger(content) && Number(content) >= 0;
    case INTEGER:
      return Number.isSafeInteger(content);
    case HEX:
      if (typeof content === "string" && content.length <= HEX_MAX) return isHex(content);
      return field.check(content, "") === undefined;
    default:
      return field.check(content, "") === undefined;
  }
}

/** For bodies that are written in the order of their declaration, as nearly all are. */
function fitsInOrder(fields: readonly Field[], body: Fields): boolean {
  let index = 0;
  for (const name in body) {
    const field = fields[index];
    if (field === undefined || field.name !== name) return false;
    if (!fitsField(field, body[name])) return false;
    index++;
  }
  return index === fields.length;
}

/** Who talks: a role, and its bit. */
export interface Party {
  readonly role: Role;
  readonly bit: number;
}

/** What is wrong with a message between two parties, or `undefined`. */
export function faultOf(
  facts: MessageFacts,
  from: Party,
  to: Party,
  body: Plain,
): string | undefined {
  const quick = (facts.from & from.bit) !== 0 && (facts.to & to.bit) !== 0 &&
    typeof body === "object" && body !== null && !isList(body) && fitsInOrder(facts.fields, body);
  return quick ? undefined : checkMessage(facts.type, from.role, to.role, body);
}

/** `Array.isArray` that narrows read-only lists too. */
function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}
