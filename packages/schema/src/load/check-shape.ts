import { clip, Fault, show } from "../fault.ts";
import type { At, ProblemList } from "../problem-list.ts";
import { keyPath, type MapNode, type PlacedNode, type ScalarNode } from "../yaml/placed-node.ts";
import { checkScalar, kindOf } from "./check-scalar.ts";
import { fillDefaults, type JsonSchema, typeWords } from "./json-schema.ts";
import { suggest } from "./nearest.ts";
import { notBuiltFault } from "./not-built.ts";

/** A value that may lack whatever was wrong in the file. */
export type Loose<T> = T extends readonly (infer Item)[]
  ? (Loose<Item> | undefined)[]
  : T extends object
    ? { [Key in keyof T]?: Loose<T[Key]> | undefined }
    : T;

/** What the file holds, with defaults filled in, and where each part of it stands. */
export interface ShapedFile<T> {
  readonly value: Loose<T>;
  /** The place of `path`, such as `feature_views[0]`, or of a key of it; the path's own place for a key that the file leaves out. */
  at(path: string, key?: string): At;
  /** True if the file itself gives the key, rightly or wrongly. */
  has(path: string, key: string): boolean;
}

/**
 * Checks a file against the schema, key by key. JSON Schema validators say that no branch of `anyOf` matched; this one says what is wrong and
 * what to write. It reads the same schema that editors do, and a test holds it to the same verdicts.
 */
export function checkShape<T>(schema: object, node: PlacedNode, problems: ProblemList): ShapedFile<T> {
  const checker = new ShapeChecker(problems);
  const value = checker.check(schema, node, "") ?? {};
  return {
    value: value as Loose<T>,
    at: (path, key) => checker.at(path, key),
    has: (path, key) => checker.has(path, key),
  };
}

/** Never shown: every path that is asked for was walked. */
const NOWHERE: At = { place: "", field: "" };

/** Values that may hold a password. */
const SECRET = /(?:^|\.)(?:connection_string|password)$/;

class ShapeChecker {
  readonly #problems: ProblemList;
  readonly #places = new Map<string, At>();

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  at(path: string, key?: string): At {
    const parent = this.#places.get(path) ?? NOWHERE;
    if (key === undefined) return parent;
    return this.#places.get(keyPath(path, key)) ?? below(parent, key);
  }

  has(path: string, key: string): boolean {
    return this.#places.has(keyPath(path, key));
  }

  /** The value without its broken parts; undefined when nothing of it is left. */
  check(schema: JsonSchema, node: PlacedNode, path: string): unknown {
    this.#places.set(path, { place: node.place, field: node.field });
    if (node.kind === "broken") return undefined;
    if (schema["x-form"] !== undefined) return this.#checkForm(schema, node, path);
    if (schema.anyOf !== undefined) return this.#checkUnion(schema, node, path);
    if (schema.properties !== undefined) return this.#checkSection(schema, node, path);
    if (schema.patternProperties !== undefined) return this.#checkMap(schema, node, path);
    if (schema.type === "array") return this.#checkList(schema, node, path);
    return node.kind === "scalar" ? this.#checkScalar(schema, node, path) : this.#wrongKind(schema, node, path);
  }

  #checkScalar(schema: JsonSchema, node: ScalarNode, path: string): unknown {
    const fault = checkScalar(schema, node.value, path);
    if (fault === undefined) return node.value;
    const secret = SECRET.test(path) || node.source.includes("${");
    this.#problems.addFault(node, secret ? withoutValue(node.source, fault, schema) : fault);
    return undefined;
  }

  /** Forms are scalars, apart from a feature's value, which may be a list of them. */
  #checkForm(schema: JsonSchema, node: PlacedNode, path: string): unknown {
    if (node.kind === "scalar") return this.#checkScalar(schema, node, path);
    if (node.kind !== "list" || schema["x-form"] !== "value") return this.#wrongKind(schema, node, path);
    const values = node.items.map((item) => {
      if (item.kind === "scalar") return item.value;
      if (item.kind !== "broken") this.#problems.add(item, "is no plain value", "Give a list of plain values");
      return undefined;
    });
    return values.includes(undefined) ? undefined : values;
  }

  #checkUnion(schema: JsonSchema, node: PlacedNode, path: string): unknown {
    const branches = schema.anyOf ?? [];
    const sections = branches.filter((branch) => typeWords(branch).length > 0);
    if (sections.length > 1 && node.kind === "map") return this.#checkTyped(sections, node, path);
    const branch = branches.find((each) => accepts(each, node));
    return branch === undefined ? this.#wrongKind(schema, node, path) : this.check(branch, node, path);
  }

  /** A union of sections told apart by their `type`. */
  #checkTyped(sections: readonly JsonSchema[], node: MapNode, path: string): unknown {
    const types = sections.flatMap(typeWords).toSorted();
    const entry = node.entries.get("type");
    if (entry === undefined) {
      this.#problems.add(below(node, "type"), "is missing", `Add it: one of ${types.join(", ")}`);
      return undefined;
    }
    const type = entry.value.kind === "scalar" ? entry.value.value : undefined;
    const section = sections.find((each) => typeWords(each).some((word) => word === type));
    if (section !== undefined) return this.check(section, node, path);
    this.check({ enum: types }, entry.value, keyPath(path, "type"));
    return undefined;
  }

  #checkSection(schema: JsonSchema, node: PlacedNode, path: string): unknown {
    if (node.kind !== "map") return this.#wrongKind(schema, node, path);
    const properties = schema.properties ?? {};
    const value: Record<string, unknown> = {};
    for (const [key, entry] of node.entries) {
      const each = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (each === undefined) {
        const fault = notBuiltFault(keyPath(path, key)) ?? unknownKey(key, Object.keys(properties));
        this.#problems.addFault(entry.key, fault);
        continue;
      }
      const checked = this.check(each, entry.value, keyPath(path, key));
      if (checked !== undefined) value[key] = checked;
    }
    for (const [key, each] of Object.entries(properties)) {
      if (node.entries.has(key)) continue;
      if (each.default !== undefined) value[key] = fillDefaults(each, each.default);
      else if (schema.required?.includes(key) === true) {
        this.#problems.add(below(node, key), "is missing", `Add it: ${asPhrase(each.description ?? key)}`);
      }
    }
    return value;
  }

  #checkMap(schema: JsonSchema, node: PlacedNode, path: string): unknown {
    if (node.kind !== "map") return this.#wrongKind(schema, node, path);
    const [item = {}] = Object.values(schema.patternProperties ?? {});
    const value: Record<string, unknown> = Object.create(null);
    for (const [key, entry] of node.entries) value[key] = this.check(item, entry.value, keyPath(path, key));
    return value;
  }

  #checkList(schema: JsonSchema, node: PlacedNode, path: string): unknown {
    if (node.kind !== "list") return this.#wrongKind(schema, node, path);
    if (node.items.length < (schema.minItems ?? 0)) {
      this.#problems.add(node, "is an empty list", "Give at least one");
      return undefined;
    }
    return node.items.map((item, i) => this.check(schema.items ?? {}, item, `${path}[${i}]`));
  }

  #wrongKind(schema: JsonSchema, node: PlacedNode, path: string): undefined {
    const expected = kindOf(schema);
    const planned = notBuiltFault(path);
    if (planned !== undefined) this.#problems.addFault(node, planned);
    else if (node.kind === "list" || node.kind === "map") {
      this.#problems.add(node, `is a ${node.kind}, not ${expected}`, `Write ${expected}`);
    } else if (node.kind === "scalar" && node.value !== null) {
      const isType = schema.anyOf?.flatMap(typeWords).some((word) => word === node.value) === true;
      const remedy = isType ? `Write { type: ${node.source} }` : `Write ${expected}`;
      this.#problems.add(node, `is ${show(node.source)}, not ${expected}`, remedy);
    } else {
      const defaults = schema.properties !== undefined && schema.required === undefined ? " ({} for its defaults)" : "";
      this.#problems.add(node, "is empty", `Give ${expected}${defaults}, or remove it`);
    }
    return undefined;
  }
}

function below(parent: At, key: string): At {
  return { place: parent.place, field: keyPath(parent.field === "file" ? "" : parent.field, key) };
}

function accepts(schema: JsonSchema, node: PlacedNode): boolean {
  if (node.kind === "list") return schema.type === "array";
  if (node.kind === "map") return schema.type === "object";
  return schema.type !== "array" && schema.type !== "object";
}

/** A variable's text may be a secret, and so may a connection string: the message names neither. */
function withoutValue(source: string, fault: Fault, schema: JsonSchema): Fault {
  const variable = source.includes("${");
  if (fault.what === "is empty" && variable) {
    return new Fault(`is empty, which is what ${clip(source)} expands to`, "Set the variable, or write a default");
  }
  const name = variable ? `is what ${clip(source)} expands to` : "has a value that is not shown";
  return new Fault(`${name}, not ${kindOf(schema)}`, `Give ${kindOf(schema)}`);
}

function unknownKey(key: string, known: readonly string[]): Fault {
  return new Fault(`is not a key here (${JSON.stringify(clip(key))})`, suggest(key, known, "Remove it"));
}

/** A description as the end of a sentence. */
function asPhrase(description: string): string {
  const text = description.replace(/\.$/, "");
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}
