import { parseJson } from "@larder/schema";
import { Instant, Unheld } from "../payload.ts";
import { AvroCursor, CorruptAvro } from "./avro-cursor.ts";

/** A writer's schema, compiled: reads the bytes from `start` to their end. @throws {@link CorruptAvro} */
export type AvroReader = (bytes: Uint8Array, start: number) => unknown;

/** A schema that cannot be used; `message` goes on after "schema 7". */
export class UnusableSchema extends Error {}

type Read = (cursor: AvroCursor) => unknown;

/**
 * Compiles an Avro schema (Avro 1.12 specification, "Schema declaration"); `references` are schemas whose named types it uses, first those that others
 * use. Names find the fields, so that no reader's schema is needed. Integers are exact, unions bare values, enums text, timestamps {@link Instant}.
 *
 * Written here because no library of the registry may be given bytes that nobody checked: avsc 5.7, and those made from it, believe the count of a
 * list before they look at what is there (five bytes keep it busy for hours), and make code from the schema.
 * @throws {@link UnusableSchema}
 */
export function compileAvro(schema: string, references: readonly string[] = []): AvroReader {
  const compiler = new AvroCompiler();
  for (const reference of references) compiler.compile(parse(reference), "");
  const read = compiler.compile(parse(schema), "");
  return (bytes, start) => {
    const cursor = new AvroCursor(bytes, start);
    const value = read(cursor);
    if (cursor.rest > 0) throw new CorruptAvro(`has ${cursor.rest} bytes after what its schema says`);
    return value;
  };
}

function parse(text: string): unknown {
  try {
    return parseJson(text, { maxDepth: 128 });
  } catch (cause) {
    throw new UnusableSchema("is not valid JSON", { cause });
  }
}

const PRIMITIVES: Readonly<Record<string, Read>> = {
  null: () => null,
  boolean: (cursor) => cursor.boolean(),
  int: (cursor) => cursor.int(),
  long: (cursor) => cursor.long(),
  float: (cursor) => cursor.float(),
  double: (cursor) => cursor.double(),
  bytes: (cursor) => cursor.bytes(),
  string: (cursor) => cursor.text(),
};

/** Microseconds of a unit. Times without a zone are taken for UTC, as everywhere. */
const TIMES: Readonly<Record<string, bigint>> = {
  "timestamp-millis": 1000n,
  "timestamp-micros": 1n,
  "local-timestamp-millis": 1000n,
  "local-timestamp-micros": 1n,
};

type Declaration = Readonly<Record<string, unknown>>;

class AvroCompiler {
  readonly #named = new Map<string, Read>();

  compile(schema: unknown, namespace: string): Read {
    if (typeof schema === "string") return this.#byName(schema, namespace);
    if (Array.isArray(schema)) return this.#union(schema, namespace);
    if (typeof schema !== "object" || schema === null) throw new UnusableSchema("has a type that is none");
    const declaration = schema as Declaration;
    const { type } = declaration;
    switch (type) {
      case "record":
      case "error":
        return this.#record(declaration, namespace);
      case "enum":
        return this.#enum(declaration, namespace);
      case "fixed":
        return this.#fixed(declaration, namespace);
      case "array":
        return arrayOf(this.compile(declaration["items"], namespace));
      case "map":
        return mapOf(this.compile(declaration["values"], namespace));
      default:
        return logical(this.compile(type, namespace), declaration["logicalType"], type);
    }
  }

  #byName(name: string, namespace: string): Read {
    const primitive = Object.hasOwn(PRIMITIVES, name) ? PRIMITIVES[name] : undefined;
    if (primitive !== undefined) return primitive;
    const read = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (read === undefined) throw new UnusableSchema("names a type that it does not have");
    return read;
  }

  #record(declaration: Declaration, outer: string): Read {
    const { name, namespace } = nameOf(declaration, outer);
    const fields: unknown = declaration["fields"];
    if (!Array.isArray(fields)) throw new UnusableSchema("has a record without fields");
    const names: string[] = [];
    const reads: Read[] = [];
    const readFields: Read = (cursor) => {
      const record: Record<string, unknown> = {};
      for (let i = 0; i < reads.length; i++) record[names[i]!] = reads[i]!(cursor);
      return record;
    };
    const read: Read = (cursor) => cursor.nested(() => readFields(cursor));
    // Before its fields: one of them may be of this very type.
    this.#named.set(name, read);
    for (const field of fields as readonly Declaration[]) {
      const fieldName = field?.["name"];
      if (typeof fieldName !== "string" || fieldName === "__proto__")
        throw new UnusableSchema("has a field without a name");
      names.push(fieldName);
      reads.push(this.compile(field["type"], namespace));
    }
    return read;
  }

  #enum(declaration: Declaration, outer: string): Read {
    const symbols: unknown = declaration["symbols"];
    if (!Array.isArray(symbols)) throw new UnusableSchema("has an enum without symbols");
    const read: Read = (cursor) => {
      const symbol: unknown = symbols[cursor.int()];
      if (symbol === undefined) throw new CorruptAvro("has a number that its enum has no symbol for");
      return symbol;
    };
    this.#named.set(nameOf(declaration, outer).name, read);
    return read;
  }

  #fixed(declaration: Declaration, outer: string): Read {
    const { size, logicalType } = declaration;
    if (typeof size !== "number" || !(size >= 0)) throw new UnusableSchema("has a fixed without a size");
    const read = logical((cursor) => cursor.fixed(size), logicalType, "fixed");
    this.#named.set(nameOf(declaration, outer).name, read);
    return read;
  }

  #union(branches: readonly unknown[], namespace: string): Read {
    const reads = branches.map((branch) => this.compile(branch, namespace));
    return (cursor) => {
      const read = reads[cursor.int()];
      if (read === undefined) throw new CorruptAvro("has a number that its union has no type for");
      return read(cursor);
    };
  }
}

function arrayOf(read: Read): Read {
  return (cursor) => {
    const items: unknown[] = [];
    for (let count = cursor.block(); count > 0; count = cursor.block()) {
      for (let i = 0; i < count; i++) items.push(read(cursor));
    }
    return items;
  };
}

function mapOf(read: Read): Read {
  return (cursor) => {
    const map: Record<string, unknown> = Object.create(null);
    for (let count = cursor.block(); count > 0; count = cursor.block()) {
      for (let i = 0; i < count; i++) map[cursor.text()] = read(cursor);
    }
    return map;
  };
}

/** A logical type that is not known here counts as its own type, as the specification says. */
function logical(read: Read, logicalType: unknown, type: unknown): Read {
  if (logicalType === "decimal" && (type === "bytes" || type === "fixed")) {
    const decimal = new Unheld("an Avro decimal");
    return (cursor) => {
      read(cursor);
      return decimal;
    };
  }
  const unit = type === "long" && typeof logicalType === "string" ? TIMES[logicalType] : undefined;
  if (unit === undefined) return read;
  return (cursor) => {
    const raw = cursor.long();
    return new Instant(BigInt(raw) * unit, raw);
  };
}

function nameOf(declaration: Declaration, outer: string): { readonly name: string; readonly namespace: string } {
  const { name, namespace: own } = declaration;
  if (typeof name !== "string" || name === "") throw new UnusableSchema("has a type without a name");
  const dot = name.lastIndexOf(".");
  const namespace = dot >= 0 ? name.slice(0, dot) : typeof own === "string" ? own : outer;
  return { name: fullName(name, namespace), namespace };
}

function fullName(name: string, namespace: string): string {
  return name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
}
