import { type AvroReader, compileAvro, UnusableSchema } from "../avro/avro-reader.ts";
import type { RegistryClient } from "./ask-registry.ts";

/** What is known of a schema id: how to read it, or why it cannot be read (`what` goes on after "schema 7"). */
export type KnownSchema =
  | { readonly read: AvroReader }
  | { readonly read: undefined; readonly what: string; readonly remedy: string; readonly until: number };

/** Options of {@link SchemaCache}. */
export interface SchemaCacheOptions {
  /** Most schemas that are kept; the oldest go first. */
  readonly maxSchemas: number;
  /** How long an id stays refused that the registry does not know, in microseconds. */
  readonly refusedFor: number;
}

/** Most schemas that one schema may refer to, with theirs. */
const MAX_REFERENCES = 100;

/** Avro schemas of a registry by id. An id's schema never changes, so it is asked for once; at once from many sides, too. */
export class SchemaCache {
  readonly #client: RegistryClient;
  readonly #options: SchemaCacheOptions;
  readonly #known = new Map<number, KnownSchema>();
  readonly #asked = new Map<number, Promise<void>>();

  constructor(client: RegistryClient, options: SchemaCacheOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** What is known at `now` (microseconds); undefined = {@link load} it. */
  get(id: number, now: number): KnownSchema | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    if (known.read === undefined && now >= known.until) {
      this.#known.delete(id);
      return undefined;
    }
    return known;
  }

  /** Asks the registry. @throws STREAM_UNAVAILABLE, STREAM_MISCONFIGURED */
  load(id: number, now: number): Promise<void> {
    const asked = this.#asked.get(id) ?? this.#load(id, now).finally(() => this.#asked.delete(id));
    this.#asked.set(id, asked);
    return asked;
  }

  async #load(id: number, now: number): Promise<void> {
    const known = await this.#ask(id, now + this.#options.refusedFor);
    this.#known.delete(id);
    this.#known.set(id, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#options.maxSchemas && oldest !== undefined) this.#known.delete(oldest);
  }

  async #ask(id: number, until: number): Promise<KnownSchema> {
    const answer = await this.#client.get(`/schemas/ids/${id}`);
    if (answer === undefined) {
      const remedy = "Check which registry the producer writes its schemas to";
      return { read: undefined, what: "is not in the schema registry", remedy, until };
    }
    try {
      const type = answer["schemaType"] ?? "AVRO";
      if (type !== "AVRO") throw new UnusableSchema("is of another format than Avro");
      const references: string[] = [];
      await this.#gather(answer, references, new Set());
      return { read: compileAvro(textOf(answer), references) };
    } catch (error) {
      if (!(error instanceof UnusableSchema)) throw error;
      return { read: undefined, what: error.message, remedy: "Correct the schema, or the format of the view", until };
    }
  }

  /** Schemas that `answer` refers to, each after those that it refers to itself. */
  async #gather(answer: Readonly<Record<string, unknown>>, into: string[], seen: Set<string>): Promise<void> {
    const references: unknown = answer["references"] ?? [];
    if (!Array.isArray(references)) throw new UnusableSchema("has references that are no list");
    for (const { subject, version } of references as readonly Readonly<Record<string, unknown>>[]) {
      const path = `/subjects/${encodeURIComponent(String(subject))}/versions/${encodeURIComponent(String(version))}`;
      if (seen.has(path)) continue;
      seen.add(path);
      if (seen.size > MAX_REFERENCES) throw new UnusableSchema(`refers to more than ${MAX_REFERENCES} others`);
      const referred = await this.#client.get(path);
      if (referred === undefined) throw new UnusableSchema("refers to a schema that the registry does not have");
      await this.#gather(referred, into, seen);
      into.push(textOf(referred));
    }
  }
}

function textOf(answer: Readonly<Record<string, unknown>>): string {
  const { schema } = answer;
  if (typeof schema !== "string") throw new UnusableSchema("is without text");
  return schema;
}
