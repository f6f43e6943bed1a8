/** What a project's rows take in Redis, by a sample of its entities. All bytes are estimates except those that Redis itself says of a server. */
export interface RedisExplanation {
  readonly project: string;
  readonly layout: "packed" | "feast";
  readonly servers: readonly ServerReport[];
  readonly groups: readonly GroupReport[];
  /** What another setting or layout would take, for the sampled entities; empty where there are none. */
  readonly alternatives: readonly Alternative[];
  /** The setting among them that is worth changing: the smallest limit that saves nearly as much as any; undefined where none saves a hundredth. */
  readonly advised: Alternative | undefined;
  /** undefined where no entity was found: nothing to go by. */
  readonly forecast: Forecast | undefined;
  /** The mean entity, of the views that were asked for; undefined where none was found. */
  readonly basis: EntityBasis | undefined;
  /** What could not be looked at, and what was taken instead. */
  readonly notes: readonly string[];
}

/** One primary as it is now. */
export interface ServerReport {
  readonly server: string;
  readonly version: string;
  readonly usedBytes: number;
  /** undefined = no limit. */
  readonly maxBytes: number | undefined;
  readonly keys: number;
  readonly listpackValue: number | undefined;
  /** Resident memory over used; undefined for a server too small for the ratio to say anything. */
  readonly fragmentation: number | undefined;
}

/** The entities of one tenant; in Feast's layout, which knows no tenants, those with the same join keys. */
export interface GroupReport {
  readonly tenant: string;
  /** Names of the join keys in Feast's layout; undefined in the packed one, where one hash may hold rows of several entities. */
  readonly joinKeys: readonly string[] | undefined;
  /** Counted; on a server of more than a million keys worked out from a hundred thousand of them. */
  readonly entities: number;
  /** How many of them were weighed. */
  readonly sampled: number;
  readonly bytes: number;
  /** Three standard errors of `bytes`, relative. */
  readonly error: number;
  readonly bytesPerEntity: number;
  readonly bytesPerFeature: number;
  /** Where the bytes go. */
  readonly parts: MemoryParts;
  /** Share of entities by the encoding of their hash. */
  readonly listpackShare: number;
  readonly hashtableShare: number;
  /** Share of entities that expire. */
  readonly expiringShare: number;
  readonly views: readonly ViewReport[];
  /** The largest of the sampled entities. */
  readonly biggest: readonly { readonly entity: Readonly<Record<string, unknown>>; readonly bytes: number }[];
}

/** Bytes by what they are for. */
export interface MemoryParts {
  /** The values of features, as they are stored. */
  readonly values: number;
  /** What says of a row which, when and what state: the packed row's header and states, Feast's event times. */
  readonly header: number;
  /** The hash around the rows: field names, lengths, pointers, what the allocator rounds up. */
  readonly structure: number;
  /** The entity's key and its place in the keyspace. */
  readonly key: number;
  readonly expiry: number;
}

/** The rows of one view of one group. */
export interface ViewReport {
  readonly view: string;
  readonly rows: number;
  readonly tombstones: number;
  /** Rows in a hash that expires. */
  readonly expiring: number;
  /** Rows past TTL and keep_stale that are still there, because another view keeps their hash alive. */
  readonly dead: number;
  /** With the row's share of its entity's key and hash. */
  readonly bytes: number;
  readonly bytesPerRow: number;
  /** Over all rows but tombstones; 0 where there are none. */
  readonly bytesPerFeature: number;
}

/** What the sampled entities would take under another setting or layout. */
export interface Alternative {
  readonly name: string;
  /** Value of hash-max-listpack-value; undefined for another layout. */
  readonly listpackValue: number | undefined;
  readonly bytesPerEntity: number;
  /** Part of today's bytes that it saves; negative where it costs more. */
  readonly saves: number;
}

/** The mean of the entities that were weighed. */
export interface EntityBasis {
  /** How many there are now. */
  readonly entities: number;
  /** Bytes of one without its share of the tables of keys and expiries, which grow by steps. */
  readonly ownBytes: number;
  /** Share of them that expires. */
  readonly expiringShare: number;
  /** The join keys of some. */
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

/** A number of entities like today's, spread evenly over the primaries, with all else in the database as it is. */
export interface Forecast {
  readonly entities: number;
  /** `used_memory` of all primaries together. */
  readonly usedBytes: number;
  /** More than that, for a moment, while the tables of keys double. */
  readonly growingBytes: number;
  readonly fragmentation: number;
  /** Memory that each primary's machine needs. */
  readonly nodeBytes: number;
  /** The same where it writes snapshots or rewrites its append-only file under a heavy load of writes. */
  readonly nodeBytesWhileSaving: number;
}
