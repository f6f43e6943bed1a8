import { type RedisServer, startLeakCheck, startRedisCluster } from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { connectTarget } from "../../../src/stores/redis/connect-redis.ts";
import { keySlot } from "../../../src/stores/redis/key-slot.ts";
import { rowKey, tenantPrefix, viewField } from "../../../src/stores/redis/redis-keys.ts";
import { openStore, SCOPE } from "./harness.ts";
import { startLoad, versionOf, versions } from "./load.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

const READ_MS = 300;
const WRITE_MS = 500;
const SLACK_MS = 1_000;

/** Versions that a replica holds by itself: it answers for its own slots to a connection that said READONLY. */
async function onReplica({ host, port }: RedisServer, keys: readonly string[]): Promise<readonly number[]> {
  const login = { tls: undefined, db: 0, username: undefined, password: undefined };
  const target = { kind: "single", endpoint: { host, port }, login } as const;
  const connection = await connectTarget(target, { connectMs: 2_000, hangMs: 5_000 });
  const prefix = tenantPrefix(SCOPE.project, SCOPE.tenant);
  const reads = keys.map((key) => ["HMGET", [rowKey(prefix, key), viewField(SCOPE.view)]] as const);
  const wait = { deadline: performance.now() + 5_000, signal: undefined };
  const [, ...replies] = await connection.exchange([["READONLY", []], ...reads], wait);
  await connection.close();
  return replies.map((reply) => {
    const [row] = Array.isArray(reply) ? reply : [];
    return Buffer.isBuffer(row) ? versionOf(row) : 0;
  });
}

for (const death of ["SIGKILL", "SIGSTOP"] as const) {
  test(`a primary that ends by ${death} under load: its replica takes over, the store goes on by itself, the other shards never stop`, async () => {
    await using cluster = await startRedisCluster({ replicas: 1, args: ["--cluster-require-full-coverage", "no"] });
    const store = await openStore(cluster, {
      redisType: "redis_cluster",
      readDeadlineMs: READ_MS,
      writeDeadlineMs: WRITE_MS,
    });
    // Patient: here an error would be the cluster's, never a slow machine's.
    const patient = await openStore(cluster, { redisType: "redis_cluster" });
    const shardOf = (key: string) => Math.floor((keySlot(key) * 3) / 16_384);
    const keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
    const dying = keys.filter((key) => shardOf(key) === 1);
    const living = keys.filter((key) => shardOf(key) !== 1);
    const load = startLoad(store, [dying, keys.map((key) => `all-${key}`)]);
    const others = startLoad(patient, [living]);
    await Promise.all([load.progress(30), others.progress(30)]);
    const [, primary] = cluster.primaries;
    const [, replica] = cluster.replicas;
    await primary?.kill(death);
    const killed = performance.now();
    const before = new Map(load.acknowledged);
    const reached = await onReplica(replica as RedisServer, dying);
    await Promise.all([load.progress(30), others.progress(30)]);
    const recovered = performance.now() - killed;
    await Promise.all([load.stop(), others.stop()]);
    const lost = dying.filter((key, at) => (reached[at] as number) < (before.get(key) ?? 0));
    console.log(
      `${death}: writes again after ${Math.round(recovered)} ms; of ${dying.length} keys acknowledged before, the newest of ${lost.length} not on the ` +
        `replica; ${load.failures.writes} writes and ${load.failures.reads} reads failed, slowest ${Math.round(load.slowest.write)} and ` +
        `${Math.round(load.slowest.read)} ms`,
    );
    const stored = await versions(store, dying);
    for (const [at, key] of dying.entries()) {
      expect(stored[at], key).toBeGreaterThanOrEqual(reached[at] as number);
      expect(stored[at], key).toBeGreaterThanOrEqual(load.acknowledged.get(key) ?? 0);
    }
    expect(await versions(store, living)).toEqual(living.map((key) => others.acknowledged.get(key)));
    expect(load.failures.writes).toBeGreaterThan(0);
    expect(others.failures).toEqual({ writes: 0, reads: 0 });
    expect(others.staleReads).toEqual([]);
    expect(load.slowest.read).toBeLessThan(READ_MS + SLACK_MS);
    expect(load.slowest.write).toBeLessThan(WRITE_MS + SLACK_MS);
    await patient.close();
    await store.close();
  });
}
