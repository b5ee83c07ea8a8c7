/**
 * As much of JSON Schema as the OpenAPI document uses. A word that it does not know is a fault, so
 * that nothing passes because it is not looked at.
 *
 * @module
 */

type Json = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Words that say nothing of values. */
const SILENT: ReadonlySet<string> = new Set(["description", "example", "examples", "title"]);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: (value) => Array.isArray(value),
  object: isRecord,
};

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function resolved(document: unknown, reference: string): unknown {
  let found = document;
  for (const part of reference.replace(/^#\//, "").split("/")) {
    found = isRecord(found) ? found[part] : undefined;
  }
  return found;
}

/** Looks at one value. */
class Inspector {
  readonly faults: string[] = [];
  readonly #document: unknown;

  constructor(document: unknown) {
    this.#document = document;
  }

  #fits(schema: unknown, value: unknown): boolean {
    return schemaFaults(this.#document, schema, value).length === 0;
  }

  #expect(fits: boolean, at: string, what: string): void {
    if (!fits) this.faults.push(`${at}: ${what}`);
  }

  look(schema: unknown, value: unknown, at: string): void {
    if (!isRecord(schema)) return this.#expect(schema === true, at, "no schema");
    for (const [word, said] of Object.entries(schema)) {
      if (!SILENT.has(word)) this.#word(schema, word, said, value, at);
    }
  }

  #word(schema: Json, word: string, said: unknown, value: unknown, at: string): void {
    switch (word) {
      case "$ref":
        return this.look(resolved(this.#document, String(said)), value, at);
      case "type": {
        const types = Array.isArray(said) ? said : [said];
        return this.#expect(types.some((type) => TYPES[type]?.(value)), at, `no ${said}`);
      }
      case "enum":
        return this.#expect(listed(said).includes(value), at, "none of the enum");
      case "const":
        return this.#expect(said === value, at, "not the constant");
      case "pattern":
        return this.#expect(new RegExp(String(said)).test(String(value)), at, "pattern");
      case "minimum":
        return this.#expect(Number(value) >= Number(said), at, "too small");
      case "maximum":
        return this.#expect(Number(value) <= Number(said), at, "too large");
      case "anyOf":
      case "oneOf": {
        const fitting = listed(said).filter((each) => this.#fits(each, value)).length;
        return this.#expect(
          word === "anyOf" ? fitting > 0 : fitting === 1,
          at,
          `${word} ${fitting}`,
        );
      }
      case "allOf":
        return listed(said).forEach((each) => this.look(each, value, at));
      case "items":
        return listed(value).slice(listed(schema["prefixItems"]).length)
          .forEach((each, index) => this.look(said, each, `${at}/${index}`));
      case "prefixItems":
        return listed(said).forEach((each, index) =>
          this.look(each, listed(value)[index], `${at}/${index}`)
        );
      case "minItems":
        return this.#expect(listed(value).length >= Number(said), at, "too few");
      case "maxItems":
        return this.#expect(listed(value).length <= Number(said), at, "too many");
      default:
        return this.#recordWord(schema, word, said, value, at);
    }
  }

  #recordWord(schema: Json, word: string, said: unknown, value: unknown, at: string): void {
    const record = isRecord(value) ? value : {};
    const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
    switch (word) {
      case "properties":
        for (const [name, each] of Object.entries(properties)) {
          if (name in record) this.look(each, record[name], `${at}/${name}`);
        }
        return;
      case "required":
        for (const name of listed(said)) {
          this.#expect(String(name) in record, at, `without ${name}`);
        }
        return;
      case "additionalProperties":
        for (const [name, each] of Object.entries(record)) {
          if (name in properties) continue;
          if (said === false) this.#expect(false, at, `has ${name}`);
          else if (said !== true) this.look(said, each, `${at}/${name}`);
        }
        return;
      case "propertyNames":
        return Object.keys(record).forEach((name) => this.look(said, name, at));
      default:
        this.#expect(false, at, `the word ${word} is not known`);
    }
  }
}

/** What is wrong with a value; nothing if it is as the schema says. */
export function schemaFaults(document: unknown, schema: unknown, value: unknown): string[] {
  const inspector = new Inspector(document);
  inspector.look(schema, value, "");
  return inspector.faults;
}
