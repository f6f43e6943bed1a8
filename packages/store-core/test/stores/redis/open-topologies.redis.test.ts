import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  freePort,
  makeCertificates,
  redisCommand,
  startLeakCheck,
  startRedis,
  startSentinel,
  temporaryFolder,
  until,
} from "@larder/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { documentedRule } from "./documented-rule.ts";
import { get, hex, openStore, put, row } from "./harness.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

const CLUSTER = { redisType: "redis_cluster" } as const;
const SENTINEL = { redisType: "redis_sentinel", sentinelMaster: "larder" } as const;

/** What opening fails with; nothing of it may show a password. */
async function openingFails(connectionString: string, changes: Parameters<typeof openStore>[1] = {}): Promise<unknown> {
  const error: unknown = await openStore({ connectionString }, changes).then(
    (store) => store.close().then(() => new Error("it opened")),
    (failure: unknown) => failure,
  );
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("s3cret");
  return error;
}

function misconfigured(...parts: readonly string[]) {
  return { code: "STORE_MISCONFIGURED", message: expect.stringMatching(parts.join(".*")) };
}

test("a server of another kind than redis_type says is refused with the one to set", async () => {
  await using single = await startRedis();
  await using node = await startRedis({
    args: ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())],
  });
  await using sentinel = await startSentinel();
  const refusals = [
    [node, {}, "a node of a Redis Cluster", "redis_type to redis_cluster"],
    [single, CLUSTER, "no node of a Redis Cluster", "redis_type to redis,"],
    [single, SENTINEL, "no Sentinel", "redis_type to redis,"],
    [
      { connectionString: sentinel.connectionString.split(",")[0] ?? "" },
      {},
      "a Sentinel",
      "redis_type to redis_sentinel",
    ],
  ] as const;
  for (const [{ connectionString }, changes, ...parts] of refusals) {
    expect(await openingFails(connectionString, changes), parts[0]).toMatchObject(misconfigured(...parts));
  }
  expect(await openingFails(sentinel.connectionString, { ...SENTINEL, sentinelMaster: "other" })).toMatchObject(
    misconfigured('no primary named "other"', "online_store.sentinel_master"),
  );
  const nobody = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`).join(",");
  for (const changes of [CLUSTER, SENTINEL]) {
    expect(await openingFails(`${nobody},password=s3cret`, changes)).toMatchObject({ code: "STORE_UNAVAILABLE" });
    // One seed or Sentinel that does not answer is passed over.
  }
  const store = await openStore({ connectionString: `${nobody},${sentinel.connectionString}` }, SENTINEL);
  expect(await put(store, row({}))).toEqual(["applied"]);
  await store.close();
});

test("a cluster that does not hold every slot says which is missing", async () => {
  await using node = await startRedis({
    args: ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())],
  });
  expect(await openingFails(node.connectionString, CLUSTER)).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("holds no slots"),
  });
  await redisCommand(node.port, "CONFIG", "SET", "cluster-require-full-coverage", "no");
  await redisCommand(node.port, "CLUSTER", "ADDSLOTSRANGE", 0, 5_000);
  await until(5_000, "its part works", async () =>
    String(await redisCommand(node.port, "CLUSTER", "INFO")).includes("cluster_state:ok"),
  );
  const store = await openStore(node, CLUSTER);
  // The slots of {b} and {a} are 3300 and 15495.
  expect(await put(store, row({ entityKey: "b" }))).toEqual(["applied"]);
  await expect(put(store, row({ entityKey: "a" }))).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    facts: { slot: 15_495 },
  });
  await expect(get(store, ["b", "a"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await get(store, ["b", "b"])).toEqual([hex(row({ entityKey: "b" })), hex(row({ entityKey: "b" }))]);
  await store.close();
});

test("a password for the primary is not sent to Sentinels, which have their own", async () => {
  await using sentinel = await startSentinel();
  for (const { port } of sentinel.sentinels) {
    await redisCommand(port, "ACL", "SETUSER", "default", ">s3cret", "resetpass", ">s3cret");
  }
  expect(await openingFails(`${sentinel.connectionString},password=s3cret2`, SENTINEL)).toMatchObject(
    misconfigured("NOAUTH"),
  );
  const store = await openStore(
    { connectionString: `${sentinel.connectionString},password=s3cret2,sentinel_password=s3cret` },
    SENTINEL,
  );
  expect(await put(store, row({}))).toEqual(["applied"]);
  await store.close();
});

describe("TLS", () => {
  test("each mistake has its remedy, and the right settings open", async () => {
    await using certificates = await makeCertificates();
    await using others = await makeCertificates();
    await using folder = await temporaryFolder();
    await using server = await startRedis({ tls: certificates, args: ["--tls-auth-clients", "yes"] });
    const { ca, clientCert, clientKey } = certificates;
    const client = `ssl_certfile=${clientCert},ssl_keyfile=${clientKey}`;
    const empty = join(folder.path, "empty.pem");
    await writeFile(empty, "nothing");
    const open = (settings: string) => openingFails(`${server.connectionString},password=s3cret${settings}`);
    expect(await open(",ssl=true")).toMatchObject(misconfigured("ssl_ca_certs=/path"));
    expect(await open(`,ssl=true,${client},ssl_ca_certs=${others.ca}`)).toMatchObject(
      misconfigured("ssl_ca_certs=/path"),
    );
    expect(await open(`,ssl=true,ssl_ca_certs=${ca}`)).toMatchObject(misconfigured("ssl_certfile and ssl_keyfile"));
    expect(
      await open(`,ssl=true,ssl_ca_certs=${ca},ssl_certfile=${others.clientCert},ssl_keyfile=${others.clientKey}`),
    ).toMatchObject(misconfigured("its CA signed"));
    expect(
      await open(`,ssl=true,ssl_ca_certs=${ca},ssl_certfile=${clientCert},ssl_keyfile=${others.clientKey}`),
    ).toMatchObject(misconfigured("belong together"));
    expect(await open("")).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("ssl=true if the server wants TLS, and only then"),
    });
    for (const path of ["/no/such.pem", empty]) {
      const facts = { field: "online_store.connection_string" };
      expect(await open(`,ssl=true,ssl_ca_certs=${path}`)).toMatchObject({ code: "CONFIG_INVALID", facts });
    }
    const url = `rediss://:s3cret@localhost:${server.port}?ssl_ca_certs=${encodeURIComponent(ca)}`;
    const files = `&ssl_certfile=${encodeURIComponent(clientCert)}&ssl_keyfile=${encodeURIComponent(clientKey)}`;
    for (const connectionString of [
      url + files,
      `${server.connectionString},ssl=true,${client},ssl_cert_reqs=none`,
      `${server.connectionString},ssl=true,${client},ssl_ca_certs=${ca},ssl_check_hostname=false`,
    ]) {
      await (await openStore({ connectionString })).close();
    }
  });
});

describe("rights", () => {
  test("an ACL user needs no more than its prefix and the rule of the docs; what is missing is named", async () => {
    const rule = documentedRule();
    await using server = await startRedis({
      acl: [
        `user larder on >s3cret ~l:churn:* ~l::churn:* -@all ${rule}`,
        `user elsewhere on >s3cret ~x:* -@all ${rule}`,
        `user noscript on >s3cret ~l:* -@all ${rule} -evalsha`,
      ],
    });
    const as = (user: string) => ({ connectionString: `${server.connectionString},username=${user},password=s3cret` });
    const store = await openStore(as("larder"));
    expect(await put(store, row({}))).toEqual(["applied"]);
    expect(await get(store, ["1"])).toEqual([hex(row({}))]);
    await expect(
      store.deleteScope({ project: "other", tenant: "default", entityKey: "1" }, { tenant: "default" }),
    ).rejects.toMatchObject({
      code: "STORE_MISCONFIGURED",
      message: expect.stringContaining("~l:*"),
    });
    await store.close();
    const elsewhere = await openStore(as("elsewhere"));
    await expect(put(elsewhere, row({}))).rejects.toMatchObject(misconfigured("NOPERM", "~l:\\*"));
    await elsewhere.close();
    const noScript = await openStore(as("noscript"));
    await expect(put(noScript, row({}))).rejects.toMatchObject(misconfigured("evalsha", "~l:\\*"));
    await noScript.close();
  });

  test("in a cluster a user may also ask for its map", async () => {
    const rule = `~l:churn:* ~l::churn:* &l::churn:* ${documentedRule()}`;
    await using node = await startRedis({
      args: ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())],
      acl: [
        "user default on nopass ~* +@all",
        `user larder on >s3cret ${rule}`,
        `user mapper on >s3cret ${rule} +cluster|slots +asking`,
      ],
    });
    await redisCommand(node.port, "CLUSTER", "ADDSLOTSRANGE", 0, 16_383);
    await until(5_000, "the cluster of one is whole", async () =>
      String(await redisCommand(node.port, "CLUSTER", "INFO")).includes("cluster_state:ok"),
    );
    expect(await openingFails(`${node.connectionString},username=larder,password=s3cret`, CLUSTER)).toMatchObject(
      misconfigured("cluster\\|slots"),
    );
    const store = await openStore(
      { connectionString: `${node.connectionString},username=mapper,password=s3cret` },
      CLUSTER,
    );
    expect(await put(store, row({}))).toEqual(["applied"]);
    await store.close();
  });
});
