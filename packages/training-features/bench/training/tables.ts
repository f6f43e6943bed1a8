import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openDuckDb } from "../../src/index.ts";
import { makeView } from "../../test/support/make-definitions.ts";

/** How much there is to join. */
export interface Size {
  readonly entityRows: number;
  /** Feature rows of each view. */
  readonly rows: number;
  readonly keys: number;
  readonly views: number;
}

export const FEATURES = Array.from({ length: 10 }, (_, i) => `f${i}`);
export const TTL_DAYS = 7;

/** The views of which {@link generate} writes the sources. */
export function viewsOf(count: number) {
  return Array.from({ length: count }, (_, i) =>
    makeView({
      name: `view${i}`,
      features: Object.fromEntries(FEATURES.map((name) => [name, "float32"] as const)),
      ttl: TTL_DAYS * 86_400_000_000,
      source: { createdTimestampColumn: "created", createdMeans: "arrival" },
    }),
  );
}

/**
 * Writes `view0.parquet`, … and `entities.parquet` to `<folder>/<name>`: 60 days of history in no order, each hundredth row the same key and event time as
 * the next. Rows are created up to an hour after their event, in microseconds of which no two of a key are alike.
 */
export async function generate(folder: string, name: string, size: Size): Promise<void> {
  const own = join(folder, name);
  mkdirSync(own);
  await using engine = await openDuckDb();
  const write = (file: string, select: string) =>
    engine.run(`COPY (${select}) TO '${join(own, file)}' (FORMAT parquet, COMPRESSION zstd)`, {
      subject: { kind: "output", path: file },
    });
  for (let view = 0; view < size.views; view++) {
    const tied = "(CASE WHEN i % 100 = 0 THEN i + 1 ELSE i END)";
    const features = FEATURES.map(
      (feature, i) => `((hash(i * 31 + ${view * 100 + i}) % 1000000) / 997.0)::FLOAT AS ${feature}`,
    );
    await write(
      `view${view}.parquet`,
      `SELECT (hash(${tied} + ${view}) % ${size.keys})::BIGINT AS customer_id, ${timeSql(`${tied} * 7 + ${view}`)} AS event_timestamp,
       event_timestamp + to_microseconds((hash(i * 3) % 3600000000)::BIGINT) AS created, ${features.join(", ")} FROM range(${size.rows}) t(i)`,
    );
  }
  await write(
    "entities.parquet",
    `SELECT (hash(i + 99) % ${size.keys})::BIGINT AS customer_id, ${timeSql("i * 7 + 13")} AS event_timestamp, i AS row_no
     FROM range(${size.entityRows}) t(i)`,
  );
}

function timeSql(seed: string): string {
  return `TIMESTAMP '2026-01-01' + to_microseconds((hash(${seed}) % 5184000000000)::BIGINT)`;
}
