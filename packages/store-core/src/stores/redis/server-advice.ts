/** Something about a server that should be otherwise. */
export interface StoreAdvice {
  /** `problem`: what was written may go, or nothing works. `warning`: it works, and should be another. */
  readonly severity: "problem" | "warning";
  readonly setting: string;
  /** What is, as a fact without a final stop. */
  readonly what: string;
  readonly remedy: string;
  /** The line for redis.conf; undefined where no line alone makes it good. */
  readonly config: string | undefined;
}

/** What was found out about one primary; undefined where the user may not ask. */
export interface ServerFacts {
  readonly info: ReadonlyMap<string, string> | undefined;
  readonly settings: ReadonlyMap<string, string> | undefined;
  readonly sharded: boolean;
  /** It is meant to have replicas. */
  readonly replicated: boolean;
  /** Bytes of the widest row to be kept, as far as it is known. */
  readonly widestRow: number;
}

/** Names of the settings that advice needs. */
export const SETTINGS = [
  "hash-max-listpack-value",
  "maxmemory",
  "maxmemory-policy",
  "save",
  "appendonly",
  "cluster-require-full-coverage",
  "min-replicas-to-write",
  "min-replicas-max-lag",
  "replica-read-only",
  "timeout",
  "tcp-keepalive",
] as const;

/** Rows of more features than about eleven float32 would make a hash a table with less: docs/adr/0002-redis-layout.md. */
const LISTPACK_BYTES = 512;

/** Share of maxmemory beyond which a server counts as nearly full. */
const NEARLY_FULL = 0.85;

/** All that should be otherwise about a primary; docs/redis.md says why. */
export function adviseOn(facts: ServerFacts): readonly StoreAdvice[] {
  return [
    ...onRights(facts),
    ...onVersion(facts),
    ...onMemory(facts),
    ...onListpack(facts),
    ...onPersistence(facts),
    ...onReplication(facts),
    ...onConnections(facts),
  ];
}

function onRights({ info, settings }: ServerFacts): StoreAdvice[] {
  const advice: StoreAdvice[] = [];
  if (settings === undefined) {
    const seen = info === undefined ? [] : ["maxmemory", "maxmemory-policy", "appendonly"];
    const unseen = SETTINGS.filter((name) => !seen.includes(name));
    const what = `The user may not read the server's settings; not looked at: ${unseen.join(", ")}`;
    advice.push(warning("CONFIG", what, "Allow the user +config|get, or compare them by hand where they are kept"));
  }
  if (info === undefined) {
    const what = "The user may not read the server's state; not looked at: version, memory in use, replicas";
    advice.push(warning("INFO", what, "Allow the user +info"));
  }
  return advice;
}

function onVersion({ info }: ServerFacts): StoreAdvice[] {
  const redis = info?.get("redis_version") ?? "";
  const valkey = info?.get("valkey_version");
  if (Number.parseInt(redis, 10) < 7) {
    return [problem("version", `Redis is version ${redis}`, "Use Redis 7.0 or newer, or Valkey 8 or newer")];
  }
  if (Number.parseInt(valkey ?? "", 10) < 8) {
    return [
      warning("version", `Valkey is version ${valkey}, which Larder is not tested with`, "Use Valkey 8 or newer"),
    ];
  }
  return [];
}

function onMemory({ info, settings }: ServerFacts): StoreAdvice[] {
  const policy = settings?.get("maxmemory-policy") ?? info?.get("maxmemory_policy");
  const most = Number(settings?.get("maxmemory") ?? info?.get("maxmemory") ?? Number.NaN);
  const used = Number(info?.get("used_memory") ?? Number.NaN);
  const advice: StoreAdvice[] = [];
  if (policy?.startsWith("allkeys") === true) {
    const what = `maxmemory-policy is ${policy}: a full server drops any key, rows without TTL and Larder's meta among them`;
    const remedy = "Set it to volatile-ttl where rows with a TTL may go early, or to noeviction";
    advice.push(problem("maxmemory-policy", what, remedy, "maxmemory-policy volatile-ttl"));
  } else if (policy !== undefined && policy !== "noeviction" && policy !== "volatile-ttl") {
    const what = `maxmemory-policy is ${policy}: a full server drops rows with a TTL however long they would still count`;
    const remedy = "Set it to volatile-ttl, which drops those that end soonest, or to noeviction";
    advice.push(warning("maxmemory-policy", what, remedy, "maxmemory-policy volatile-ttl"));
  }
  if (most === 0) {
    const what = "maxmemory is not set: Redis grows until the system ends it";
    advice.push(
      warning("maxmemory", what, "Set it to what the machine can spare, about three quarters", "maxmemory 6gb"),
    );
  } else if (used > most * NEARLY_FULL) {
    const then = policy === "noeviction" ? "writes are refused when it is full" : "rows go early when it is full";
    const what = `${Math.round((100 * used) / most)} % of maxmemory are in use: ${then}`;
    advice.push(warning("maxmemory", what, "Give it more memory, shorten TTLs, or give tenants a max_bytes"));
  }
  return advice;
}

function onListpack({ settings, widestRow }: ServerFacts): StoreAdvice[] {
  const value = settings?.get("hash-max-listpack-value");
  const wanted = Math.max(LISTPACK_BYTES, 2 ** Math.ceil(Math.log2(widestRow)));
  if (value === undefined || Number(value) >= Math.max(LISTPACK_BYTES, widestRow)) return [];
  const rows = widestRow > Number(value) ? `rows here take ${widestRow} bytes and more, and` : "rows above that";
  const what = `hash-max-listpack-value is ${value}: ${rows} take about twice the memory`;
  const remedy = "Set it before rows are written: what is a table stays one";
  return [warning("hash-max-listpack-value", what, remedy, `hash-max-listpack-value ${wanted}`)];
}

function onPersistence({ info, settings }: ServerFacts): StoreAdvice[] {
  const log = settings?.get("appendonly") === "yes" || info?.get("aof_enabled") === "1";
  if (log || (settings === undefined && info === undefined)) return [];
  const snapshots = settings?.get("save");
  const saved = snapshots === undefined ? "" : snapshots === "" ? " and save is off" : ` and save is "${snapshots}"`;
  const lost = snapshots === undefined || snapshots === "" ? "everything" : "what came since the last snapshot";
  const what = `appendonly is no${saved}: a server that restarts has lost ${lost}, meta included`;
  return [warning("appendonly", what, "Turn it on, or be ready to materialize again", "appendonly yes")];
}

function onReplication({ info, settings, sharded, replicated }: ServerFacts): StoreAdvice[] {
  const advice: StoreAdvice[] = [];
  const replicas = Number(info?.get("connected_slaves") ?? 0);
  const least = settings?.get("min-replicas-to-write");
  if (least === "0" && (replicas > 0 || replicated)) {
    const what =
      "min-replicas-to-write is 0: a primary that is cut off goes on acknowledging writes that a failover loses";
    advice.push(warning("min-replicas-to-write", what, "Let it ask for a replica", "min-replicas-to-write 1"));
  }
  const lag = Number(settings?.get("min-replicas-max-lag") ?? 0);
  if (least !== undefined && least !== "0" && (lag > 10 || lag === 0)) {
    const what = `min-replicas-max-lag is ${lag}: that many seconds of writes may be lost (0: no bound)`;
    advice.push(warning("min-replicas-max-lag", what, "Set it to 10 or less", "min-replicas-max-lag 10"));
  }
  if (settings?.get("replica-read-only") === "no") {
    const what = "replica-read-only is no: what is written to a replica is on no other server, and is lost";
    advice.push(warning("replica-read-only", what, "Turn it on", "replica-read-only yes"));
  }
  if (sharded && settings?.get("cluster-require-full-coverage") === "yes") {
    const what = "cluster-require-full-coverage is yes: the whole cluster stops answering while one shard is away";
    const remedy = "Turn it off: calls to the other shards go on";
    advice.push(warning("cluster-require-full-coverage", what, remedy, "cluster-require-full-coverage no"));
  }
  return advice;
}

function onConnections({ settings }: ServerFacts): StoreAdvice[] {
  const advice: StoreAdvice[] = [];
  const timeout = settings?.get("timeout");
  if (timeout !== undefined && timeout !== "0") {
    const what = `timeout is ${timeout}: a connection that is idle for so many seconds is closed, and the next call fails`;
    advice.push(warning("timeout", what, "Turn it off", "timeout 0"));
  }
  if (settings?.get("tcp-keepalive") === "0") {
    const what = "tcp-keepalive is 0: connections of clients that are gone stay open";
    advice.push(warning("tcp-keepalive", what, "Turn it on", "tcp-keepalive 300"));
  }
  return advice;
}

function warning(setting: string, what: string, remedy: string, config?: string): StoreAdvice {
  return { severity: "warning", setting, what, remedy, config };
}

function problem(setting: string, what: string, remedy: string, config?: string): StoreAdvice {
  return { severity: "problem", setting, what, remedy, config };
}
