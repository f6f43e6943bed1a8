import type { KeyType, KeyValue } from "@larder/schema";
import { type RedisServer, startLeakCheck, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GoldenValue, type SdkRow, VECTORS, valueOfGolden } from "./golden.ts";
import { ALL_TYPES, feastFields, freshClient, openFeast, project, rowKeys } from "./harness.ts";

const leaks = startLeakCheck();
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server?.stop();
  await leaks.assertNothingLeft();
});

const KEY_TYPES: Readonly<Record<string, KeyType>> = { INT64: "int64", INT32: "int32", STRING: "string" };

const rows = VECTORS.written_by_sdk.filter((row) => row.not_written !== true && row.view === "all_types");

/** The entity type and the row's key, values and event time as Larder has them. */
function larderRow({ entity_type, sdk_to_dict, event_timestamp }: SdkRow) {
  const type = KEY_TYPES[entity_type] as KeyType;
  const first = (name: string) => sdk_to_dict[name]?.[0] as GoldenValue;
  const key = [valueOfGolden(type, first("id")) as KeyValue];
  const values = Object.fromEntries(
    Object.entries(ALL_TYPES).map(([name, each]) => [name, valueOfGolden(each, first(name))]),
  );
  const eventTime = Date.parse(event_timestamp) * 1000 + Number(event_timestamp.slice(23, 26));
  return { type, key, values, eventTime };
}

test("there are rows of both versions of keys and of three types of entities", () => {
  const kinds = new Set(rows.map(({ version, entity_type }) => `${version} ${entity_type}`));
  expect(kinds).toEqual(new Set(["2 INT64", "2 INT32", "2 STRING", "3 INT64", "3 INT32", "3 STRING"]));
});

for (const gather of ["script", "pipeline"] as const) {
  test(`rows that Feast's SDK wrote are read as Feast reads them (${gather})`, async () => {
    await using client = await freshClient(server);
    for (const row of rows) {
      const { type, key, values, eventTime } = larderRow(row);
      const cells = row.hgetall.flatMap(({ field_hex, value_hex }) => [
        Buffer.from(field_hex, "hex"),
        Buffer.from(value_hex, "hex"),
      ]);
      await client.hset(Buffer.from(row.key_hex, "hex"), ...cells);
      const definitions = project(row.project, { name: row.view, joinKeys: { id: type }, features: ALL_TYPES });
      await using session = await openFeast(server, definitions, { gather, entityKeyVersion: row.version });
      const references = Object.keys(ALL_TYPES).map((name) => `${row.view}:${name}`);
      const entities = [{ id: key[0] as KeyValue }, { id: key[0] as KeyValue }];
      const expected = Object.values(values).map((value) => [value === null ? "NULL_VALUE" : "PRESENT", value]);
      expect(await session.cells(references, entities)).toEqual([expected, expected]);
      const batch = await session.read(session.plan(references[0] as string), entities);
      expect(batch.eventTime(0, 0)).toBe(eventTime);
      const entityKey = session.entityKey(row.view, key);
      expect(await session.scan({ tenant: "default", entityKey })).toEqual([
        { view: row.view, entityKey, row: session.row(row.view, key, eventTime, values) },
      ]);
    }
  });
}

test("rows that Larder writes are the very bytes that Feast's SDK writes", async () => {
  await using client = await freshClient(server);
  for (const row of rows) {
    const { type, key, values, eventTime } = larderRow(row);
    await client.flushall();
    const definitions = project(row.project, { name: row.view, joinKeys: { id: type }, features: ALL_TYPES });
    await using session = await openFeast(server, definitions, { entityKeyVersion: row.version });
    expect(await session.outcomes(row.view, [session.row(row.view, key, eventTime, values)])).toEqual(["applied"]);
    expect(await rowKeys(client)).toEqual([row.key_hex]);
    expect(await feastFields(client, Buffer.from(row.key_hex, "hex"))).toEqual(
      Object.fromEntries(row.hgetall.map(({ field_hex, value_hex }) => [field_hex, value_hex])),
    );
  }
});
