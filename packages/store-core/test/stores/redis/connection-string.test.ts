import { describe, expect, test } from "vitest";
import { parseConnectionString } from "../../../src/stores/redis/connection-string.ts";

const PLAIN = { host: "h", port: 6379, tls: false, db: 0, username: undefined, password: undefined };

describe("what Feast writes is understood", () => {
  test.each([
    ["h:6379", {}],
    ["h:6379,ssl=true", { tls: true }],
    ["h:6379, db=2 , ssl=false", { db: 2 }],
    ["db=1,h:6379", { db: 1 }],
    ["h:6379,password=p", { password: "p" }],
    ["h:6379,password=123", { password: "123" }],
    ['h:6379,password="123"', { password: "123" }],
    ["h:6379,password=a=b==", { password: "a=b==" }],
    ['h:6379,password="', { password: '"' }],
    ["h:6379,password=", {}],
    ["h:6379,username=u,password=true", { username: "u", password: "true" }],
    ["redis.example.com:1", { host: "redis.example.com", port: 1 }],
  ])("%s", (text, parts) => {
    expect(parseConnectionString(text)).toEqual({ ...PLAIN, ...parts });
  });
});

describe("anything else is one clear error, without the password", () => {
  test.each([
    ["", "CONFIG_INVALID", "names no server"],
    ["h", "CONFIG_INVALID", '"h" is not host:port'],
    ["h:0", "CONFIG_INVALID", "not host:port"],
    ["h:65536", "CONFIG_INVALID", "not host:port"],
    ["::1:6379", "CONFIG_INVALID", "not host:port"],
    ["password=s3cret", "CONFIG_INVALID", "names no server"],
    ["h:1,db=x", "CONFIG_INVALID", '"db"'],
    ["h:1,db=-1", "CONFIG_INVALID", '"db"'],
    ["h:1,ssl=1", "CONFIG_INVALID", '"ssl"'],
    ["h:1,db=1,db=2", "CONFIG_INVALID", "set twice"],
    ["h:1,socket_timeout=5", "CONFIG_INVALID", '"socket_timeout" is not a known setting'],
    ["h:1,password=a,s3cret", "CONFIG_INVALID", "cannot hold a comma"],
    ["h:1,password=a,s3cret=b", "CONFIG_INVALID", "cannot hold a comma"],
    ["password=a,s3cret", "CONFIG_INVALID", "cannot hold a comma"],
    ["h1:1,h2:2,h3:3", "UNSUPPORTED", "3 hosts"],
    ["h:1,sentinel_master=m", "UNSUPPORTED", '"sentinel_master"'],
    ["h:1,redis_type=redis_cluster", "UNSUPPORTED", '"redis_type"'],
    ["redis://:s3cret@h:1", "UNSUPPORTED", "URL"],
  ])("%s", (text, code, part) => {
    const failure = () => parseConnectionString(text);
    expect(failure).toThrow(expect.objectContaining({ code, facts: { field: "online_store.connection_string" } }));
    expect(failure).toThrow(part);
    expect(failure).not.toThrow("s3cret");
  });
});
