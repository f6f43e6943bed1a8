import { formatDuration, redactConnectionString } from "@larder/schema";
import { expect, test } from "vitest";
import { readDuration } from "../src/duration.ts";
import { Fault } from "../src/fault.ts";
import { readSize } from "../src/size.ts";

test("durations are whole numbers of a unit, in microseconds", () => {
  const taken = { "7us": 7, "50ms": 50_000, "60s": 60e6, "5m": 300e6, "1h": 3600e6, "30d": 2_592_000e6, "0s": 0 };
  for (const [text, micros] of Object.entries(taken)) expect(readDuration(text)).toBe(micros);
  for (const text of ["", "5", "s", "1.5h", "-1s", "1 h", "1H", "1w", "1h30m", "1e3s", "٣s", "9".repeat(40)]) {
    expect(readDuration(text)).toBeInstanceOf(Fault);
  }
  expect(readDuration("104249d")).toBe(104_249 * 86_400e6);
  expect(readDuration("104250d")).toBeInstanceOf(Fault);
});

test("a duration's text is the shortest that means it", () => {
  for (const text of ["7us", "50ms", "90s", "5m", "36h", "30d"])
    expect(formatDuration(Number(readDuration(text)))).toBe(text);
  expect(formatDuration(0)).toBe("0s");
  expect(formatDuration(86_400_000_000 + 1)).toBe("86400000001us");
});

test("sizes count by 1000 or by 1024", () => {
  const taken = {
    "5B": 5,
    "2kB": 2000,
    "2KB": 2000,
    "200MB": 200e6,
    "1GB": 1e9,
    "8MiB": 8 * 1024 ** 2,
    "16KiB": 16384,
    "1TiB": 1024 ** 4,
  };
  for (const [text, bytes] of Object.entries(taken)) expect(readSize(text)).toBe(bytes);
  for (const text of ["", "5", "MB", "1.5MB", "-1MB", "1 MB", "1mb", "9999999TB"])
    expect(readSize(text)).toBeInstanceOf(Fault);
});

test.each([
  ["localhost:6379", "localhost:6379"],
  ["h1:6379,h2:6380,ssl=true,db=3", "h1:6379,h2:6380,ssl=true,db=3"],
  ["h:6379,password=secret", "h:6379,password=***"],
  ['h:6379,password="a,secret",db=1', "h:6379,password=***,***,db=1"],
  ["h:6379,PASSWORD=secret,username=u", "h:6379,PASSWORD=***,username=u"],
  ["h:6379,ssl_keyfile=secret,unknown=secret", "h:6379,ssl_keyfile=***,unknown=***"],
  ["h:6379,secret!part", "h:6379,***"],
  ["h:6379,=secret", "h:6379,***"],
  ["[::1]:6379", "[::1]:6379"],
  ["/run/redis.sock", "/run/redis.sock"],
  ["redis://:secret@h:6379/0", "redis://:***@h:6379/0"],
  ["rediss://user:sec@ret@h:6379", "rediss://user:***@h:6379"],
  ["rediss://se%cret@h:6379", "rediss://***:***@h:6379"],
  ["redis://h:6379?password=secret", "redis://h:6379?***"],
  ["redis://h,secret;x", "redis://***"],
  ["just a secret", "***"],
  ["", "***"],
])("%s is shown as %s", (text, shown) => {
  expect(redactConnectionString(text)).toBe(shown);
  expect(redactConnectionString(text)).not.toContain("secret");
});
