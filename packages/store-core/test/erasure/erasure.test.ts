import { createHmac, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { findView, parseDefinitions, systemClock } from "@larder/schema";
import { eraseEntity, openOnlineStore } from "@larder/store-core";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { hmac } from "../../src/erasure/erased-entities.ts";
import {
  erasesOneEntity,
  mayBeRepeated,
  refusesAsBefore,
  refusesWhatIsNoEntity,
  winsAgainstWriters,
} from "./erasure-rules.ts";

test("a marker's HMAC is HMAC-SHA256", () => {
  for (const text of ["", "a", '["default",["id"],["12345"]]', "語".repeat(500)]) {
    const key = randomBytes(32);
    expect(hmac(key, text)).toEqual(createHmac("sha256", key).update(text).digest());
  }
});

const MEMORY = "{ type: memory }";

async function onSqlite(rule: (onlineStore: string) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  await rule(`{ type: sqlite, path: "${join(folder.path, "online.db")}", deadline: 5s, write_deadline: 5s }`);
}

const RULES = [
  ["an erased entity is gone, and only a later row brings it back", erasesOneEntity],
  ["a write is refused by its rows' places, whatever is erased", refusesAsBefore],
  ["what names no entity is refused", refusesWhatIsNoEntity],
  ["an erasure may be repeated, and several go on at once", mayBeRepeated],
] as const;

test.each(RULES)("memory: %s", (_, rule) => rule(MEMORY));
test.each(RULES)("sqlite: %s", (_, rule) => onSqlite(rule));
test("sqlite: no writer of another process brings an erased entity back", () => onSqlite(winsAgainstWriters));

const YAML = (path: string) => `
project: p
online_store: { type: sqlite, path: "${path}" }
entities: [{ name: customer, join_keys: [{ name: email, type: string }] }]
feature_views: [{ name: plans, entity: customer, features: [{ name: x, type: int64 }] }]
`;
const PERSON = "somebody.in.particular@example.org";

test("after an erasure the store's file does not hold the key, and says nothing in clear", async () => {
  await using folder = await temporaryFolder();
  const definitions = parseDefinitions(YAML(join(folder.path, "online.db")));
  const settings = { leaseMs: 0, writeMs: 0 };
  const holds = async () => {
    const files = await readdir(folder.path);
    const contents = await Promise.all(files.map((file) => readFile(join(folder.path, file))));
    return contents.some((content) => content.includes("somebody"));
  };
  const store = await openOnlineStore(definitions, { clock: systemClock });
  const row = { entityKey: [PERSON], eventTime: systemClock.now(), createdTime: undefined, values: [1n] };
  await store.write(findView(definitions, "plans"), [row], { tenant: "default" });
  expect(await holds()).toBe(true);
  const request = { tenant: "default", entity: { email: PERSON }, confirmed: true };
  const { markers } = await eraseEntity({ definitions, store, clock: systemClock, settings }, request);
  await store.close();
  expect(JSON.stringify(markers)).not.toContain("somebody");
  expect(await holds()).toBe(false);
});

test("markers fill segment after segment; one that cannot be read keeps everything from being written", async () => {
  await using folder = await temporaryFolder();
  const definitions = parseDefinitions(YAML(join(folder.path, "online.db")));
  const settings = { leaseMs: 1, writeMs: 5_000 };
  await using store = await openOnlineStore(definitions, { clock: systemClock, erasure: settings });
  const scope = { project: "p", tenant: "default" };
  const call = { tenant: "default", deadline: performance.now() + 60_000 };
  const forget = (email: string) =>
    eraseEntity(
      { definitions, store, clock: systemClock, settings: { leaseMs: 0, writeMs: 0 } },
      { tenant: "default", entity: { email }, confirmed: true },
    );
  await forget("first");
  const segment = await store.getMeta(scope, "erasures-0", call);
  const full = Buffer.concat([segment?.bytes ?? new Uint8Array(), randomBytes(24 * 2_047)]);
  for (let at = 24; at < full.length; at += 24) full.writeDoubleBE(1, at + 16);
  await store.putMeta(scope, "erasures-0", full, segment?.revision, call);
  await forget("second");
  await forget("first");
  expect((await store.getMeta(scope, "erasures-0", call))?.bytes).toHaveLength(24 * 2_048);
  expect((await store.getMeta(scope, "erasures-1", call))?.bytes).toHaveLength(24);
  const write = async (email: string) => {
    const row = { entityKey: [email], eventTime: 1_000_000, createdTime: undefined, values: [1n] };
    return (await store.write(findView(definitions, "plans"), [row], call)).outcomes;
  };
  expect([await write("first"), await write("second"), await write("third")]).toEqual([
    ["stale"],
    ["stale"],
    ["applied"],
  ]);

  const index = await store.getMeta(scope, "erasures", call);
  const broken = new TextEncoder().encode("{}");
  const put = store.putMeta(scope, "erasures", broken, index?.revision, call);
  await expect(put).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  await expect(write("third")).rejects.toMatchObject({ code: "STORE_CORRUPT" });
});
