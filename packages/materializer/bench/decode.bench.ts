// How many records a second one core turns into rows: five features, a join key and a time, about 100 bytes.
// `node --conditions=@larder/source packages/materializer/bench/decode.bench.ts [seconds]` prints JSON.
import { parseDefinitions } from "@larder/schema";
import { writeReport } from "@larder/testkit/bench";
import { createRecordDecoder } from "../src/stream/decode/record-decoder.ts";
import type { StreamRecord } from "../src/stream/event-source.ts";

const DEFINITIONS = `
project: bench
stream: { type: kafka, brokers: ["localhost:9092"] }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: churn
    entity: customer
    features:
      - { name: tenure, type: float32 }
      - { name: charges, type: float64 }
      - { name: orders, type: int32 }
      - { name: contract, type: string }
      - { name: active, type: bool }
    stream: { topic: churn }
`;

const seconds = Number(process.argv[2] ?? 3);
const decoder = createRecordDecoder(parseDefinitions(DEFINITIONS));
const records = Array.from({ length: 1000 }, (_, i): StreamRecord => {
  const row = {
    customer_id: 10_000 + i,
    tenure: i % 72,
    charges: 20.5 + i / 8,
    orders: i % 50,
    contract: "One year",
    active: i % 2 === 0,
    event_timestamp: "2026-01-31T12:00:00.123Z",
  };
  return {
    offset: BigInt(i),
    timestamp: 1_770_000_000_000 + i,
    key: null,
    value: Buffer.from(JSON.stringify(row)),
    headers: new Map(),
  };
});
const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0) / records.length;
const now = 1_770_000_000_000_000;
const origin = { topic: "churn", partition: 0 };

function rate(work: (record: StreamRecord) => unknown): number {
  const end = performance.now() + seconds * 1000;
  const start = performance.now();
  let done = 0;
  while (performance.now() < end) {
    for (const record of records) work(record);
    done += records.length;
  }
  return Math.round((done / (performance.now() - start)) * 1000);
}

const decode = (record: StreamRecord): unknown => {
  const decoded = decoder.decode(origin, record, now);
  if (decoded instanceof Promise || !decoded.ok) throw new Error("a record of this bench was not decoded at once");
  return decoded;
};
const floor = (record: StreamRecord): unknown => JSON.parse(Buffer.prototype.toString.call(record.value));
rate(decode);
rate(floor);
const [decoded, parsed] = [rate(decode), rate(floor)];
console.log(
  JSON.stringify({
    bytesPerRecord: Math.round(bytes),
    decodedPerSecond: decoded,
    jsonParsePerSecond: parsed,
    ratio: Number((decoded / parsed).toFixed(2)),
    node: process.version,
  }),
);
const figures = [
  { name: "decode", perSecond: decoded },
  { name: "floor: JSON.parse", perSecond: parsed },
];
writeReport(import.meta.dirname, "decode", { figures });
