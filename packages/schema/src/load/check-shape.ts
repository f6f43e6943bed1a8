import { clip, Fault, show } from "../fault.ts";
import type { TextForm } from "../schema-key.ts";
import { keyPath, type MapNode, type PlacedNode, type YamlScalar } from "../yaml/placed-node.ts";
import { suggest } from "./nearest.ts";
import { notBuiltFault } from "./not-built.ts";
import type { At, ProblemList } from "./problem-list.ts";
import { checkForm, notText } from "./text-forms.ts";

/** A value that may lack whatever was wrong in the file. */
export type Loose<T> = T extends readonly (infer Item)[]
  ? (Loose<Item> | undefined)[]
  : T extends object
    ? { [Key in keyof T]?: Loose<T[Key]> | undefined }
    : T;

/** The parts of JSON Schema that our schema uses. */
interface Schema {
  readonly type?: "object" | "array" | "string" | "number" | "integer";
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly "x-form"?: TextForm;
}

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

class ShapeChecker {
  readonly #problems: ProblemList;
  readonly #places = new Map<string, At>();

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  at(path: string, key?: string): At {
    const parent = this.#places.get(path) ?? NOWHERE;
    if (key === undefined) return parent;
    const field = keyPath(parent.field === "file" ? "" : parent.field, key);
    return this.#places.get(keyPath(path, key)) ?? { place: parent.place, field };
  }

  has(path: string, key: string): boolean {
    return this.#places.has(keyPath(path, key));
  }

  /** The value without its broken parts; undefined when nothing of it is left. */
  check(schema: Schema, node: PlacedNode, path: string): unknown {
    this.#places.set(path, { place: node.place, field: node.field });
    if (node.kind === "broken") return undefined;
    const form = schema["x-form"];
    if (form === "value" && node.kind === "list") return this.#checkValues(node.items);
    if (form !== undefined && node.kind === "scalar") {
      const pattern = schema.pattern === undefined ? ANYTHING : new RegExp(schema.pattern);
      return this.#scalar(node, path, node.value, checkForm(form, node.value, pattern));
    }
    if (form !== undefined) return this.#wrongKind(node, path, FORM_KINDS[form]);
    if (schema.anyOf !== undefined) return this.#checkUnion(schema.anyOf, node, path);
    if (schema.properties !== undefined) return this.#checkSection(schema, node, path);
    if (schema.patternProperties !== undefined) return this.#checkMap(schema, node, path);
    if (schema.type === "array") return this.#checkList(schema, node, path);
    if (node.kind !== "scalar") return this.#wrongKind(node, path, kindOf(schema));
    return this.#scalar(
      node,
      path,
      node.value,
      schema.enum === undefined ? checkPlain(schema, node.value) : checkWord(schema.enum, node.value),
    );
  }

  #checkUnion(branches: readonly Schema[], node: PlacedNode, path: string): unknown {
    const sections = branches.filter(({ properties }) => properties?.["type"]?.enum !== undefined);
    if (sections.length > 1 && node.kind === "map") return this.#checkTyped(sections, node, path);
    const branch = branches.find((each) => accepts(each, node));
    if (branch !== undefined) return this.check(branch, node, path);
    return this.#wrongKind(node, path, branches.map(kindOf).join(" or "));
  }

  /** A union of sections told apart by their `type`. */
  #checkTyped(sections: readonly Schema[], node: MapNode, path: string): unknown {
    const types = sections.flatMap(({ properties }) => properties?.["type"]?.enum ?? []);
    const entry = node.entries.get("type");
    if (entry === undefined) {
      this.#problems.add(
        { place: node.place, field: keyPath(node.field, "type") },
        "is missing",
        `Add type: one of ${types.join(", ")}`,
      );
      return undefined;
    }
    if (entry.value.kind === "broken") return undefined;
    const type = entry.value.kind === "scalar" ? entry.value.value : undefined;
    const section = sections.find(({ properties }) => properties?.["type"]?.enum?.some((word) => word === type));
    return section === undefined
      ? this.check({ enum: types }, entry.value, keyPath(path, "type"))
      : this.check(section, node, path);
  }

  #checkSection(schema: Schema, node: PlacedNode, path: string): unknown {
    if (node.kind !== "map") return this.#wrongKind(node, path, "a map");
    const properties = schema.properties ?? {};
    const value: Record<string, unknown> = {};
    for (const [key, entry] of node.entries) {
      const each = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (each !== undefined) {
        const checked = this.check(each, entry.value, keyPath(path, key));
        if (checked !== undefined) value[key] = checked;
      } else {
        this.#problems.addFault(
          entry.key,
          notBuiltFault(keyPath(path, key)) ?? unknownKey(key, Object.keys(properties)),
        );
      }
    }
    for (const [key, each] of Object.entries(properties)) {
      if (node.entries.has(key)) continue;
      if (schema.required?.includes(key) === true) this.#missing(node, key, each);
      else if (each.default !== undefined) value[key] = fillDefaults(each, each.default);
    }
    return value;
  }

  #checkMap(schema: Schema, node: PlacedNode, path: string): unknown {
    if (node.kind !== "map") return this.#wrongKind(node, path, "a map");
    const [item = {}] = Object.values(schema.patternProperties ?? {});
    const value: Record<string, unknown> = Object.create(null);
    for (const [key, entry] of node.entries) value[key] = this.check(item, entry.value, keyPath(path, key));
    return value;
  }

  #checkList(schema: Schema, node: PlacedNode, path: string): unknown {
    if (node.kind !== "list") return this.#wrongKind(node, path, "a list");
    if (node.items.length < (schema.minItems ?? 0)) {
      this.#report(node, path, new Fault("is an empty list", `Give at least ${schema.minItems}`));
      return undefined;
    }
    return node.items.map((item, i) => this.check(schema.items ?? {}, item, `${path}[${i}]`));
  }

  #checkValues(items: readonly PlacedNode[]): unknown {
    const values: unknown[] = [];
    for (const item of items) {
      if (item.kind === "scalar") values.push(item.value);
      else if (item.kind !== "broken") this.#problems.add(item, "is no scalar", "Give a list of plain values");
    }
    return values.length === items.length ? values : undefined;
  }

  #scalar(node: PlacedNode, path: string, value: YamlScalar, fault: Fault | undefined): unknown {
    if (fault === undefined) return value;
    this.#report(node, path, fault);
    return undefined;
  }

  #wrongKind(node: PlacedNode, path: string, expected: string): undefined {
    const empty = node.kind === "scalar" && node.value === null;
    const found =
      node.kind === "list"
        ? "a list"
        : node.kind === "map"
          ? "a map"
          : show(node.kind === "scalar" ? node.value : null);
    const fault = empty
      ? new Fault("is empty", `Give ${expected}, or leave the key out`)
      : new Fault(`is ${found}, not ${expected}`, `Write ${expected}`);
    this.#report(node, path, fault);
    return undefined;
  }

  #missing(node: PlacedNode, key: string, schema: Schema): void {
    const field = keyPath(node.field === "file" ? "" : node.field, key);
    this.#problems.add({ place: node.place, field }, "is missing", `Add it: ${lowerFirst(schema.description ?? key)}`);
  }

  #report(node: PlacedNode, path: string, fault: Fault): void {
    const notBuilt = node.kind === "scalar" && node.value === null ? undefined : notBuiltFault(path);
    const hidden = node.kind === "scalar" && (SECRET.test(path) || node.source.includes("${"));
    const what = hidden ? "has a value that is not allowed here" : fault.what;
    this.#problems.addFault(node, notBuilt ?? new Fault(what, hidden ? "Correct the value" : fault.remedy));
  }
}

const ANYTHING = /^/;

/** Never shown: every path that is asked for was walked. */
const NOWHERE: At = { place: "", field: "" };

/** Values that may hold a password. */
const SECRET = /(?:^|\.)connection_string$/;

const FORM_KINDS: Readonly<Record<TextForm, string>> = {
  project: "text",
  name: "text",
  reference: "text",
  duration: "a duration",
  limit: "a duration",
  online_ttl: "a duration",
  size: "a size",
  value: "a plain value or a list of them",
};

/** Fills in the defaults inside a default. */
function fillDefaults(schema: Schema, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const given: Readonly<Record<string, unknown>> = { ...value };
  const [item] = Object.values(schema.patternProperties ?? {});
  if (item !== undefined) {
    const filled: Record<string, unknown> = Object.create(null);
    for (const [key, each] of Object.entries(given)) filled[key] = fillDefaults(item, each);
    return filled;
  }
  const type = given["type"];
  const branch =
    schema.anyOf?.find(({ properties }) => properties?.["type"]?.enum?.some((word) => word === type)) ?? schema;
  const filled: Record<string, unknown> = { ...given };
  for (const [key, each] of Object.entries(branch.properties ?? {})) {
    if (filled[key] === undefined && each.default !== undefined) filled[key] = fillDefaults(each, each.default);
  }
  return filled;
}

function accepts(schema: Schema, node: PlacedNode): boolean {
  if (node.kind === "list") return schema.type === "array";
  if (node.kind === "map") return schema.type === "object";
  return schema.type !== "array" && schema.type !== "object";
}

function kindOf(schema: Schema): string {
  if (schema.enum !== undefined)
    return schema.enum.length === 1 ? `"${schema.enum[0]}"` : `one of ${schema.enum.join(", ")}`;
  if (schema["x-form"] === "reference") return '"view:feature"';
  if (schema.type === "array") return "a list";
  if (schema.type === "object") return "a map";
  if (schema.type === "integer") return "a whole number";
  return schema.type === "number" ? "a number" : "text";
}

function checkWord(words: readonly string[], value: YamlScalar): Fault | undefined {
  if (typeof value === "string" && words.includes(value)) return undefined;
  if (value === null) return new Fault("is empty", suggest("", words, ""));
  return new Fault(`is ${show(value)}, which is not one of its words`, suggest(String(value), words, ""));
}

function checkPlain(schema: Schema, value: YamlScalar): Fault | undefined {
  if (schema.type === "integer" || schema.type === "number") return checkNumber(schema, value);
  if (typeof value !== "string") return notText(value);
  if (!value.isWellFormed()) return new Fault("holds half of a surrogate pair", "Use well-formed Unicode");
  return value.length < (schema.minLength ?? 0)
    ? new Fault("is empty", "Give it a value, or leave the key out")
    : undefined;
}

function checkNumber(schema: Schema, value: YamlScalar): Fault | undefined {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
  const whole = schema.type === "integer";
  const remedy = `Write ${kindOf(schema)}${rangeText(schema)}`;
  if (typeof value !== "number" || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    return new Fault(value === null ? "is empty" : `is ${show(value)}, not ${kindOf(schema)}`, remedy);
  }
  if (value >= minimum && value <= maximum && value > exclusiveMinimum) return undefined;
  return new Fault(`is ${show(value)}, out of range`, remedy);
}

function rangeText({ minimum, maximum, exclusiveMinimum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return exclusiveMinimum === undefined ? "" : ` above ${exclusiveMinimum}`;
}

function unknownKey(key: string, known: readonly string[]): Fault {
  return new Fault(`is not a key here (${JSON.stringify(clip(key))})`, suggest(key, known, "Remove it"));
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text)
    ? `${text[0]!.toLowerCase()}${text.slice(1)}`.replace(/\.$/, "")
    : text.replace(/\.$/, "");
}
