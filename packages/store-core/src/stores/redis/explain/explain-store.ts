import type { Clock, Definitions, OnlineStoreConfig } from "@larder/schema";
import { createSchemaRegistry } from "../../../schema-registry.ts";
import { paceOf } from "../../../upkeep/pace.ts";
import { parseConnectionString } from "../connection-string.ts";
import { refuseFeastRows, refusePackedRows } from "../inspect-server.ts";
import { FEAST_META_ROOT, META_ROOT } from "../redis-keys.ts";
import { openRedisSession, type RedisSession } from "../redis-session.ts";
import { glimpseKeys, sampleKeys } from "../sample-keys.ts";
import { alternativesFor, bestLimit } from "./alternatives.ts";
import { hashesOfFeast } from "./as-feast.ts";
import { entityBasis } from "./entity-basis.ts";
import { feastLayout } from "./feast-layout.ts";
import { forecastMemory } from "./forecast.ts";
import type { ExplainedLayout } from "./layout.ts";
import { packedLayout } from "./packed-layout.ts";
import type { GroupReport, RedisExplanation } from "./report.ts";
import { type SampledEntity, sampleEntities } from "./sample-entities.ts";
import { askServer, type ServerMemory } from "./server-memory.ts";
import { summarizeGroup, type WeighedEntity, weighAll } from "./summarize-group.ts";

/** Most part of the time that is spent with Redis; the rest is left to others. */
const SHARE = 0.25;

/** A server with more keys is not walked over: that would take minutes. */
const MOST_WALKED = 1_000_000;

/** What to explain, checked by explain-redis.ts. */
export interface StoreExplainOptions {
  readonly clock: Clock;
  readonly tenant: string | undefined;
  readonly entities: number | undefined;
  readonly views: ReadonlySet<string> | undefined;
  readonly sample: number;
  /** Most keys of a server that are all counted; default {@link MOST_WALKED}. */
  readonly walked?: number;
  readonly signal: AbortSignal | undefined;
}

type RedisConfig = Extract<OnlineStoreConfig, { type: "redis" }>;

/** Looks at a store and explains it. Nothing is written. */
export async function explainStore(
  definitions: Definitions,
  config: RedisConfig,
  options: StoreExplainOptions,
): Promise<RedisExplanation> {
  const { project } = definitions;
  const feast = config.layout === "feast";
  const session = feast
    ? await openRedisSession(config, FEAST_META_ROOT, refusePackedRows(project))
    : await openRedisSession(config, META_ROOT, refuseFeastRows);
  try {
    const now = options.clock.now();
    const layout =
      config.layout === "feast"
        ? feastLayout(definitions, config, now)
        : packedLayout(definitions, { tenant: options.tenant, now });
    const { db } = parseConnectionString(config).login;
    const nextWait = () => session.writing({ tenant: "default", ...signalOf(options) });
    const servers = await Promise.all(
      session.connection.primaries().map((primary) => askServer(primary, db, nextWait())),
    );
    const groups = await lookAtGroups(session, layout, servers, options);
    const weighed = groups.flatMap((group) => group.weighed);
    const names = new Map(
      groups.flatMap(({ name, weighed: own }) =>
        own.map((each) => [each, layout.entityOf(name, each.entity)] as const),
      ),
    );
    const schemas = createSchemaRegistry(project, session);
    const sampled = weighed.map(({ entity }) => entity);
    const asFeast = feast ? undefined : await hashesOfFeast(definitions, sampled, schemas, signalOf(options));
    const alternatives = alternativesFor({
      weighed,
      server: servers[0] as ServerMemory,
      ...meanKeys(servers),
      entities: sumOf(groups, ({ report }) => report.entities) / servers.length,
      asFeast: asFeast === undefined ? undefined : (entity) => asFeast.get(entity),
    });
    return {
      project,
      layout: config.layout,
      servers: servers.map(({ server, version, usedBytes, maxBytes, keys, listpackValue, fragmentation }) => {
        return { server, version, usedBytes, maxBytes, keys, listpackValue, fragmentation };
      }),
      groups: groups.map(({ report }) => report),
      alternatives,
      advised: bestLimit(alternatives),
      forecast: forecastOf(servers, groups, options.entities),
      basis: entityBasis({
        weighed,
        server: servers[0] as ServerMemory,
        views: options.views,
        expires: (view) => expires(definitions, view, options.tenant),
        nameOf: (each) => names.get(each) ?? {},
      }),
      notes: notesOf(servers, groups),
    };
  } finally {
    await session.close();
  }
}

interface LookedAt {
  readonly name: string;
  readonly report: GroupReport;
  readonly weighed: readonly WeighedEntity[];
}

async function lookAtGroups(
  session: RedisSession,
  layout: ExplainedLayout,
  servers: readonly ServerMemory[],
  options: StoreExplainOptions,
): Promise<readonly LookedAt[]> {
  const { connection } = session;
  const pace = paceOf(SHARE, options.signal);
  const nextWait = () => session.writing({ tenant: "default", ...signalOf(options) });
  const { keys: total } = servers[0] as ServerMemory;
  const walked = connection.sharded || total <= (options.walked ?? MOST_WALKED);
  const by = { sizes: (servers[0] as ServerMemory).sizes, ...meanKeys(servers) };
  const found: LookedAt[] = [];
  for (const walk of layout.walks) {
    const looking = { ...walk, most: options.sample };
    const samples = walked
      ? await sampleKeys(connection, looking, pace, nextWait)
      : await glimpseKeys(connection, looking, total, pace, nextWait);
    for (const [group, { keys, ...counted }] of samples) {
      const entities: SampledEntity[] = [];
      for await (const entity of sampleEntities(keys, pace, nextWait)) entities.push(entity);
      if (entities.length === 0) continue;
      const weighed = weighAll(group, counted.count, entities, layout, by);
      found.push({ name: group, weighed, report: summarizeGroup(group, counted, weighed, layout) });
    }
  }
  return found.toSorted((a, b) => b.report.bytes - a.report.bytes);
}

function forecastOf(servers: readonly ServerMemory[], groups: readonly LookedAt[], wanted: number | undefined) {
  const entities = sumOf(groups, ({ report }) => report.entities);
  if (entities === 0) return undefined;
  const own = sumOf(groups, ({ report, weighed }) => {
    return (report.entities * sumOf(weighed, ({ weight }) => weight.own)) / weighed.length;
  });
  const expiring = sumOf(groups, ({ report }) => report.entities * report.expiringShare);
  return forecastMemory({ servers, entities, expiring, bytesPerEntity: own / entities }, wanted ?? entities);
}

function expires(definitions: Definitions, name: string, tenant: string | undefined): boolean {
  const view = definitions.views.get(name);
  if (view === undefined) return false;
  return (tenant === undefined ? view.onlineTtl : definitions.onlineTtl(view, tenant)) !== undefined;
}

function notesOf(servers: readonly ServerMemory[], groups: readonly LookedAt[]): readonly string[] {
  const notes: string[] = [];
  if (servers.some(({ quantum }) => quantum === undefined)) {
    notes.push(
      "The allocator's step could not be asked for (MEMORY MALLOC-STATS); that of Redis's own builds is taken",
    );
  }
  if (servers.some(({ listpackValue }) => listpackValue === undefined)) {
    notes.push("The server's settings could not be asked for (CONFIG GET); Redis's defaults are taken");
  }
  const unknown = servers.find(({ known }) => !known);
  if (unknown !== undefined) {
    notes.push(
      `Version ${unknown.version} may lay keys out otherwise than Redis 7 and Valkey 8.0, whose sizes are taken`,
    );
  }
  const unread = sumOf(groups, ({ weighed }) => weighed.filter(({ entity }) => entity.fields === undefined).length);
  if (unread > 0) notes.push(`${unread} of the sampled entities are too large to be read: they are weighed only`);
  return notes;
}

function meanKeys(servers: readonly ServerMemory[]): Pick<ServerMemory, "keys" | "expiringKeys"> {
  return {
    keys: sumOf(servers, ({ keys }) => keys) / servers.length,
    expiringKeys: sumOf(servers, ({ expiringKeys }) => expiringKeys) / servers.length,
  };
}

function signalOf({ signal }: StoreExplainOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
