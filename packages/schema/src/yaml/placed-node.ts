import type { At } from "../problem-list.ts";

/** A plain value of a YAML scalar. Integers beyond 2^53 are bigint. */
export type YamlScalar = string | number | bigint | boolean | null;

/** A value of a YAML file that knows where it stands. */
export type PlacedNode = ScalarNode | ListNode | MapNode | BrokenNode;

export interface ScalarNode extends At {
  readonly kind: "scalar";
  readonly value: YamlScalar;
  /** As the file writes it, variables not expanded: fit to be shown in a message. */
  readonly source: string;
}

export interface ListNode extends At {
  readonly kind: "list";
  readonly items: readonly PlacedNode[];
}

export interface MapNode extends At {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, MapEntry>;
}

/** A value whose problem has been reported already. */
export interface BrokenNode extends At {
  readonly kind: "broken";
}

/** One key of a map: the place of the key itself, and its value. */
export interface MapEntry {
  readonly key: At;
  readonly value: PlacedNode;
}

/** The path of a key below `path`: `tenants.acme`, or `tenants["a b"]` for a key that is no plain word. */
export function keyPath(path: string, key: string): string {
  const word = /^[A-Za-z_][\w-]*$/.test(key);
  if (path === "") return word ? key : JSON.stringify(key);
  return word ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}
