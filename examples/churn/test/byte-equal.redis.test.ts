import { readFile, writeFile } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { type RedisServer, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VIEWS } from "../src/views.ts";
import { type ChurnFolder, churnFolder, replaceOnce, withOnlineStore } from "./churn-folder.ts";
import { type ChurnServer, churnServer, post, stoppedClock } from "./churn-server.ts";
import { readAll, type SeededRequest, seededRequests } from "./seeded-requests.ts";

const SEED = Number(process.env["LARDER_SEED"] ?? 20_260_601);
const REQUESTS = 2_000;
/** Far ahead of the servers' own clocks, so that what they drop by themselves never depends on the day of the run. */
const NOW = Date.UTC(2040, 0, 1, 12) * 1000;
/** A customer whose `services` row was written by definitions that nobody knows any more. */
const UNDECODABLE = 9003;

/** With the deadlines of production, a busy machine would have its say in the answers. */
const PATIENT = "deadline: 20s, write_deadline: 20s";

let redis: RedisServer;
let onSqlite: ChurnFolder;
let onRedis: ChurnFolder;

beforeAll(async () => {
  redis = await startRedis();
  onSqlite = await churnFolder(withOnlineStore(`{ type: sqlite, path: .larder/online.db, ${PATIENT} }`));
  onRedis = await churnFolder(
    withOnlineStore(`{ type: redis, connection_string: "${redis.connectionString}", layout: packed, ${PATIENT} }`),
  );
});

afterAll(async () => {
  await onSqlite[Symbol.asyncDispose]();
  await onRedis[Symbol.asyncDispose]();
  await redis.stop();
});

test(`${REQUESTS} requests (seed ${SEED}) are answered by SQLite and by Redis with the same bytes`, async () => {
  const clock = stoppedClock(NOW);
  await using sqliteServer = await churnServer(onSqlite.file, clock);
  await using redisServer = await churnServer(onRedis.file, clock);
  await writeUndecodable(sqliteServer, redisServer);

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen = new Seen();
  try {
    const requests = [...readAll(), ...seededRequests(SEED, REQUESTS, NOW), ...readAll()];
    for (const [i, request] of requests.entries()) {
      const one = await send(agent, sqliteServer.url, request, i);
      const two = await send(agent, redisServer.url, request, i);
      // With the whole request, so that a difference can be looked into.
      if (!isDeepStrictEqual(one, two))
        expect({ ...readable(two), i, request }).toEqual({ ...readable(one), i, request });
      seen.add(request, one);
    }
  } finally {
    agent.destroy();
  }

  expect([...seen.httpStatuses].toSorted()).toEqual([200, 400, 404, 405, 413, 415, 422]);
  expect([...seen.featureStatuses].toSorted()).toEqual(
    ["PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE", "INVALID"].toSorted(),
  );
  expect([...seen.outcomes].toSorted()).toEqual(["applied", "conflict", "duplicate", "expired", "stale"]);
  expect([...seen.codes]).toEqual(
    expect.arrayContaining([
      ...["UNKNOWN_VIEW", "UNKNOWN_FEATURE", "UNKNOWN_SERVICE", "UNKNOWN_MODEL", "UNKNOWN_TENANT"],
      ...["UNKNOWN_PUSH_SOURCE", "UNKNOWN_ROUTE", "METHOD_NOT_ALLOWED", "UNSUPPORTED_MEDIA_TYPE"],
      ...["MALFORMED_REQUEST", "INVALID_REQUEST", "INVALID_ROWS", "FEATURE_NAME_COLLISION", "PAYLOAD_TOO_LARGE"],
      "FEATURE_MISSING",
    ]),
  );
  // Texts with U+0000 are among the values, and refuse their rows: the runtime would cut them off there.
  expect(seen.predictions).toBeGreaterThan(50);
}, 85_000);

/** What a client gets, without what no two answers share: the date and how long it took. */
interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

function send(agent: Agent, url: string, { method, path, headers, body }: SeededRequest, i: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { agent, method, headers: { ...headers, "x-request-id": `request-${i}` } };
    const outgoing = httpRequest(`${url}${path}`, options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const { date: _date, "server-timing": _timing, ...kept } = incoming.headers;
        resolve({ status: incoming.statusCode ?? 0, headers: kept, body: Buffer.concat(chunks) });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function readable({ status, headers, body }: Answer): object {
  return { status, headers, body: body.toString("utf8") };
}

/** What occurred in the answers. A comparison of two servers that say the same about little proves little. */
class Seen {
  readonly httpStatuses = new Set<number>();
  readonly featureStatuses = new Set<string>();
  readonly outcomes = new Set<string>();
  readonly codes = new Set<string>();
  predictions = 0;

  add(request: SeededRequest, { status, body }: Answer): void {
    this.httpStatuses.add(status);
    if (request.path === "/openapi.json") return;
    const text = body.toString("utf8");
    for (const [, name = ""] of text.matchAll(/"(PRESENT|NULL_VALUE|NOT_FOUND|OUTSIDE_MAX_AGE|INVALID)"/g)) {
      this.featureStatuses.add(name);
    }
    for (const [, name = ""] of text.matchAll(/"(applied|duplicate|stale|expired|conflict)":[1-9]/g)) {
      this.outcomes.add(name);
    }
    // Feast's routes answer JSON in a JSON string in a JSON string, so the quotes may be escaped.
    for (const [, code = ""] of text.matchAll(/"code\\*":\\*"([A-Z_]+)/g)) this.codes.add(code);
    this.predictions += [...text.matchAll(/"churn_probability":0\.\d/g)].length;
  }
}

/**
 * Writes a row of another schema to each store and takes the schema away: what is left of a row when its writer's definitions are lost. The
 * schema has the same name in both stores; it is looked up in SQLite's file.
 */
async function writeUndecodable(sqliteServer: ChurnServer, redisServer: ChurnServer): Promise<void> {
  const known = schemaNames(onSqlite);
  await writeWithOtherDefinitions(onSqlite);
  await writeWithOtherDefinitions(onRedis);
  const added = schemaNames(onSqlite).filter((name) => !known.includes(name));
  expect(added).toHaveLength(1);
  for (const { store, definitions } of [sqliteServer, redisServer]) {
    await store.deleteMeta({ project: definitions.project }, added[0] ?? "", { tenant: "default" });
  }
}

async function writeWithOtherDefinitions(folder: ChurnFolder): Promise<void> {
  const file = join(folder.path, "other.yaml");
  const yaml = await readFile(folder.file, "utf8");
  await writeFile(file, replaceOnce(yaml, /(\n +)(- \{ name: phone_service,)/, "$1- { name: fax, type: float32 }$1$2"));
  await using other = await churnServer(file, stoppedClock(NOW));
  const columns = VIEWS.find(({ name }) => name === "services")?.columns ?? [];
  const values = columns.map(({ name, type }) => [name, [type === "VARCHAR" ? "Yes" : 1]]);
  const df = {
    customer_id: [UNDECODABLE],
    event_timestamp: [new Date(NOW / 1000 + 60_000).toISOString()],
    fax: [1],
    ...Object.fromEntries(values),
  };
  const answer = await post(`${other.url}/push`, JSON.stringify({ push_source_name: "services", df }));
  expect(answer).toMatchObject({ status: 200 });
}

function schemaNames(folder: ChurnFolder): readonly string[] {
  const database = new DatabaseSync(join(folder.path, ".larder", "online.db"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT name FROM meta WHERE name LIKE 'schema-%'").all();
    return rows.map((row) => String(row["name"]));
  } finally {
    database.close();
  }
}
