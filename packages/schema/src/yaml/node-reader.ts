import { isAlias, isMap, isScalar, isSeq, type Node, type ParsedNode, Scalar } from "yaml";
import { clip, Fault } from "../fault.ts";
import type { At, ProblemList } from "../problem-list.ts";
import { tooDeep, tooMuch } from "./check-lexemes.ts";
import { type Environment, expandVariables } from "./expand-variables.ts";
import { type Budget, LIMITS } from "./limits.ts";
import { keyPath, type MapEntry, type PlacedNode, type ScalarNode } from "./placed-node.ts";
import { typePlainScalar, yaml11Fault } from "./plain-scalar.ts";

/** What reading one file needs besides its text. */
export interface ReadYamlContext {
  /** The file's name in places. */
  readonly file: string;
  readonly env: Environment;
  readonly problems: ProblemList;
  readonly budget: Budget;
}

/** Walks the parser's tree once; an alias is walked as often as it is used, against the budget. */
export class NodeReader {
  readonly #context: ReadYamlContext;
  readonly #placeAt: (offset: number) => string;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #exhausted = false;

  constructor(context: ReadYamlContext, placeAt: (offset: number) => string) {
    this.#context = context;
    this.#placeAt = placeAt;
  }

  read(node: Node | ParsedNode | null | undefined, field: string, depth: number, fallback = 0): PlacedNode {
    const at: At = { place: this.#placeAt(node?.range?.[0] ?? fallback), field: field === "" ? "file" : field };
    if (this.#exhausted) return { kind: "broken", ...at };
    if (--this.#context.budget.values < 0) {
      this.#exhausted = true;
      return this.#broken(at, tooMuch());
    }
    if (depth > LIMITS.depth) return this.#broken(at, tooDeep());
    if (node === null || node === undefined) return { kind: "scalar", ...at, value: null, source: "" };
    if (isAlias(node)) return this.#readAlias(node.source, at, field, depth);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (node.tag !== undefined) {
      return this.#broken(
        at,
        new Fault(
          `has the tag ${clip(node.tag.replace("tag:yaml.org,2002:", "!!"))}`,
          "Remove it: types come from the schema",
        ),
      );
    }
    if (isScalar(node)) return this.#readScalar(node, at);
    this.#open.add(node);
    const read = isSeq(node) ? this.#readList(node.items, at, field, depth) : this.#readMap(node, at, field, depth);
    this.#open.delete(node);
    return read;
  }

  #readAlias(name: string, at: At, field: string, depth: number): PlacedNode {
    const target = this.#anchors.get(name);
    if (target === undefined)
      return this.#broken(at, new Fault(`is the alias *${clip(name)} of nothing`, "Define the anchor above it"));
    if (this.#open.has(target))
      return this.#broken(at, new Fault(`is the alias *${clip(name)} inside its own anchor`, "Write it out"));
    return this.read(target, field, depth + 1);
  }

  #readList(items: readonly unknown[], at: At, field: string, depth: number): PlacedNode {
    return {
      kind: "list",
      ...at,
      items: items.map((item, i) => this.read(item as Node | null, `${field}[${i}]`, depth + 1)),
    };
  }

  #readMap(node: Node, at: At, field: string, depth: number): PlacedNode {
    const entries = new Map<string, MapEntry>();
    for (const pair of isMap(node) ? node.items : []) {
      const keyNode = pair.key as Node | null;
      const key = this.#readKey(keyNode, at, field);
      if (key === undefined) continue;
      const path = keyPath(field, clip(key.name));
      const value = this.read(pair.value as Node | null, path, depth + 1, keyNode?.range?.[0]);
      if (entries.has(key.name)) {
        const first = entries.get(key.name)?.key.place ?? "";
        this.#context.problems.add(
          { place: key.place, field: path },
          `repeats a key (first at ${first})`,
          "Keep one of them",
        );
      } else {
        entries.set(key.name, { key: { place: key.place, field: path }, value });
      }
    }
    return { kind: "map", ...at, entries };
  }

  #readKey(node: Node | null, at: At, field: string): { readonly name: string; readonly place: string } | undefined {
    const place = node?.range == null ? at.place : this.#placeAt(node.range[0]);
    const target = isAlias(node) ? this.#anchors.get(node.source) : node;
    if (!isScalar(target) || target.tag !== undefined) {
      this.#context.problems.add(
        { place, field: field || "file" },
        "has a key that is not plain text",
        "Write the key as text",
      );
      return undefined;
    }
    if (target.anchor !== undefined) this.#anchors.set(target.anchor, target);
    const name = typeof target.value === "string" ? target.value : (target.source ?? "");
    if (target.type !== Scalar.PLAIN) return { name, place };
    const fault = yaml11Fault(name);
    const key = keyPath(field, clip(name));
    if (fault !== undefined) this.#context.problems.addFault({ place, field: key }, fault);
    if (name === "<<") return undefined;
    if (fault !== undefined) return { name, place };
    if (typeof typePlainScalar(name) !== "string") {
      this.#context.problems.add(
        { place, field: key },
        `is the key ${clip(name)}, which is not text`,
        "Put it in quotes",
      );
    }
    return { name, place };
  }

  #readScalar(node: Scalar, at: At): PlacedNode {
    const text = typeof node.value === "string" ? node.value : (node.source ?? "");
    const plain = node.type === Scalar.PLAIN || node.type === undefined;
    const expanded = expandVariables(text, this.#context.env);
    if (expanded instanceof Fault) return this.#broken(at, expanded);
    const final = expanded ?? text;
    const scalar = { kind: "scalar", ...at, source: text } as const;
    if (!plain) return { ...scalar, value: final } satisfies ScalarNode;
    const fault = yaml11Fault(final);
    if (fault !== undefined) {
      const shown =
        expanded === undefined
          ? fault
          : new Fault(`expands (${clip(text)}) to text that YAML 1.1 and 1.2 read differently`, "Put it in quotes");
      return this.#broken(at, shown);
    }
    const value = typePlainScalar(final);
    return value instanceof Fault ? this.#broken(at, value) : { ...scalar, value };
  }

  #broken(at: At, fault: Fault): PlacedNode {
    this.#context.problems.addFault(at, fault);
    return { kind: "broken", ...at };
  }
}
