import { describe, expect, test } from "vitest";
import { parseConnectionString, type RedisPlace } from "../../../src/stores/redis/connection-string.ts";

/** Reads a connection string of a single server, unless `changes` say otherwise. */
function parse(connectionString: string, changes: Partial<RedisPlace> = {}) {
  const place = { redisType: "redis", sentinelMaster: "mymaster", folder: "/srv/churn", ...changes } as const;
  return parseConnectionString({ connectionString, ...place });
}

const LOGIN = { tls: undefined, db: 0, username: undefined, password: undefined };
const TLS = { caFile: undefined, certFile: undefined, keyFile: undefined, verify: true, checkHost: true };
const HOST = { host: "h", port: 6379 };

describe("a single server, as Feast writes it or as a URL", () => {
  test.each([
    ["h:6379", {}],
    ["h:6379,ssl=true", { tls: TLS }],
    ["h:6379, db=2 , ssl=false", { db: 2 }],
    ["db=1,h:6379", { db: 1 }],
    ["h:6379,password=p", { password: "p" }],
    ["h:6379,password=123", { password: "123" }],
    ['h:6379,password="123"', { password: "123" }],
    ["h:6379,password=a=b==", { password: "a=b==" }],
    ["h:6379,password=a://b", { password: "a://b" }],
    ['h:6379,password="', { password: '"' }],
    ["h:6379,password=", {}],
    ["h:6379,username=u,password=true", { username: "u", password: "true" }],
    ["h:6379,ssl=true,ssl_cert_reqs=none", { tls: { ...TLS, verify: false } }],
    ["h:6379,ssl=True,ssl_check_hostname=False", { tls: { ...TLS, checkHost: false } }],
    [
      'h:6379,ssl=true,ssl_cert_reqs="required",ssl_ca_certs=/etc/ca.pem,ssl_certfile=tls/c.pem,ssl_keyfile=tls/k.pem',
      { tls: { ...TLS, caFile: "/etc/ca.pem", certFile: "/srv/churn/tls/c.pem", keyFile: "/srv/churn/tls/k.pem" } },
    ],
    ["redis://h", {}],
    ["redis://h:6379/", {}],
    ["redis://h:6379/3", { db: 3 }],
    ["redis://h?db=3", { db: 3 }],
    ["redis://:p@h", { password: "p" }],
    ["redis://u:p%40%2C%3A%2f@h", { username: "u", password: "p@,:/" }],
    ["redis://u:a:b@h", { username: "u", password: "a:b" }],
    ["rediss://h", { tls: TLS }],
    [
      "REDISS://h?ssl_ca_certs=%2Fetc%2Fca.pem&ssl_check_hostname=false",
      { tls: { ...TLS, caFile: "/etc/ca.pem", checkHost: false } },
    ],
  ])("%s", (text, login) => {
    expect(parse(text)).toEqual({ kind: "single", endpoint: HOST, login: { ...LOGIN, ...login } });
  });

  test.each([
    ["redis.example.com:1", { host: "redis.example.com", port: 1 }],
    ["[::1]:6379", { host: "::1", port: 6379 }],
    ["redis://[::1]/", { host: "::1", port: 6379 }],
    ["unix_socket_path=/run/redis.sock", { path: "/run/redis.sock" }],
    ["h:6379,unix_socket_path=redis.sock", { path: "/srv/churn/redis.sock" }],
    ["unix:///run/redis.sock", { path: "/run/redis.sock" }],
  ])("%s", (text, endpoint) => {
    expect(parse(text)).toEqual({ kind: "single", endpoint, login: LOGIN });
  });

  test("unix://u:p@/run/my%20redis.sock?db=4", () => {
    expect(parse("unix://u:p@/run/my%20redis.sock?db=4")).toEqual({
      kind: "single",
      endpoint: { path: "/run/my redis.sock" },
      login: { ...LOGIN, username: "u", password: "p", db: 4 },
    });
  });
});

test("a cluster takes any of its nodes as seeds", () => {
  const seeds = [HOST, { host: "i", port: 2 }];
  expect(parse("h:6379,i:2,ssl=true,password=p", { redisType: "redis_cluster" })).toEqual({
    kind: "cluster",
    seeds,
    login: { ...LOGIN, tls: TLS, password: "p" },
  });
  expect(parse("rediss://h:6379", { redisType: "redis_cluster" })).toMatchObject({ kind: "cluster", seeds: [HOST] });
});

test("what Feast writes for Sentinel goes to the primary; the Sentinels have settings of their own", () => {
  const sentinel = { redisType: "redis_sentinel", sentinelMaster: "fs" } as const;
  const sentinels = [HOST, { host: "i", port: 2 }];
  expect(parse("h:6379,i:2,ssl=true,username=u,password=p,db=1", sentinel)).toEqual({
    kind: "sentinel",
    sentinels,
    master: "fs",
    login: { tls: TLS, username: "u", password: "p", db: 1 },
    sentinelLogin: LOGIN,
  });
  const own = "h:6379,i:2,sentinel_ssl=true,ssl_ca_certs=/ca,sentinel_username=su,sentinel_password=sp";
  expect(parse(own, sentinel)).toEqual({
    kind: "sentinel",
    sentinels,
    master: "fs",
    login: LOGIN,
    sentinelLogin: { tls: { ...TLS, caFile: "/ca" }, username: "su", password: "sp", db: 0 },
  });
});

describe("anything else is one clear error, without the password", () => {
  const redis = { redisType: "redis" } as const;
  const cluster = { redisType: "redis_cluster" } as const;
  const sentinel = { redisType: "redis_sentinel" } as const;
  test.each([
    ["", redis, "names no server"],
    ["h", redis, '"h" is not host:port'],
    ["h:0", redis, "not host:port"],
    ["h:65536", redis, "not host:port"],
    ["::1:6379", redis, "not host:port"],
    ["password=s3cret", redis, "names no server"],
    ["h:1,db=x", redis, '"db"'],
    ["h:1,db=-1", redis, '"db"'],
    ["h:1,ssl=1", redis, '"ssl"'],
    ["h:1,ssl=true,ssl_cert_reqs=maybe", redis, '"ssl_cert_reqs"'],
    ["h:1,ssl=true,ssl_keyfile=k", redis, '"ssl_certfile"'],
    ["h:1,ssl_ca_certs=/ca", redis, '"ssl_ca_certs" needs TLS'],
    ["h:1,db=1,db=2", redis, "set twice"],
    ["h:1,max_connections=5", redis, '"max_connections" is not a known setting'],
    ["h:1,password=s3cret,socket_timeout=5", redis, "online_store.deadline"],
    ["h:1,redis_type=redis_cluster", redis, "online_store.redis_type"],
    ["h:1,sentinel_master=m", redis, "online_store.sentinel_master"],
    ["h:1,sentinel_password=s3cret", redis, "is for Sentinel"],
    ["h:1,password=a,s3cret", redis, "cannot hold a comma"],
    ["h:1,password=a,s3cret=b", redis, "cannot hold a comma"],
    ["h:1,sentinel_password=a,s3cret=b", sentinel, "cannot hold a comma"],
    ["password=a,s3cret", redis, "cannot hold a comma"],
    ["h1:1,h2:2,h3:3", redis, "3 servers"],
    ["h1:1,h2:2,db=1", cluster, '"db"'],
    ["", cluster, "names no server"],
    ["h:1,i", cluster, '"i" is not host:port'],
    ["h:1,unix_socket_path=/s", cluster, "cannot reach a cluster"],
    ["unix:///s", sentinel, "cannot reach a Sentinel"],
    ["http://:s3cret@h:1", redis, "no URL of Redis"],
    ["redis://:s3cret@h:1/x", redis, '"db"'],
    ["redis://:s3cret@h:1/1?db=2", redis, "set twice"],
    ["redis://:s3cret%zz@h:1", redis, "stands for no character"],
    ["redis://:s3cret@h:1?ssl=true", redis, "rediss://"],
    ["redis://:s3cret@h:1?password=s3cret", redis, "set twice"],
    ["redis://:s3cret@h:1?nothing=s3cret", redis, '"nothing" is not a known setting'],
    ["redis://:s3cret@h:port", redis, "not host:port"],
    ["unix://:s3cret@host/path", redis, "no host"],
  ])("%s", (text, changes, part) => {
    const failure = () => parse(text, changes);
    const facts = { field: "online_store.connection_string" };
    expect(failure).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", facts }));
    expect(failure).toThrow(part);
    expect(failure).not.toThrow("s3cret");
  });
});
