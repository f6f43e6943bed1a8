import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { type ErrorCode, isLarderError } from "@larder/schema";
import type { Call } from "../src/call.ts";
import { ORDER_PREFIX } from "../src/row/row-layout.ts";
import type { PageScope, PutOutcome, RowGroup, RowStore, StoredRow } from "../src/row-store.ts";
import { paceOf } from "../src/upkeep/pace.ts";
import { SECOND, START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { sameItems } from "./same-items.ts";

const SCOPE = { project: "conformance", tenant: "default", view: "v" };
const VIEWS = ["v", "w"];
const CALL = { tenant: "default" };

/** What the port below the typed store promises by itself. */
export function rowStore({ rule }: Rules): void {
  const portRule = (name: string, run: (rows: RowStore) => Promise<void>) =>
    rule(name, async (world) => run(await world.openRows(VIEWS)));

  portRule("cells come group by group, key by key, view by view, within their buffers", async (rows) => {
    for (const view of VIEWS) {
      await rows.putIfNewer(
        { ...SCOPE, view },
        ["1", "2", "3"].map((key) => row(key, 0, `${view}${key}`)),
        CALL,
      );
    }
    await rows.deleteScope({ ...SCOPE, view: "w", entityKey: "2" }, CALL);
    const groups = [
      { views: ["w", "v"], entityKeys: ["3", "2", "9", "3"] },
      { views: ["v"], entityKeys: [] },
      { views: [], entityKeys: ["1"] },
      { views: ["v"], entityKeys: ["1"] },
    ];
    deepStrictEqual(await texts(rows, groups), ["w3", "v3", undefined, "v2", undefined, undefined, "w3", "v3", "v1"]);
    deepStrictEqual(await texts(rows, []), []);
  });

  portRule("rows are ordered as unsigned bytes, a prefix before what it begins, and ties are told", async (rows) => {
    const values = ["", "\x00", "\x00\x00", "a", "a\x00", "ab", "\x7f", "\x80", "\xff", "\xff\x00", "\xff\xff"];
    for (const [index, value] of values.entries()) {
      const expected: PutOutcome = index === 0 ? "applied" : "applied_conflict";
      deepStrictEqual(await rows.putIfNewer(SCOPE, [row("1", 0, value)], CALL), [expected]);
      const older = values.slice(0, index).map((one) => row("1", 0, one));
      deepStrictEqual(
        await rows.putIfNewer(SCOPE, older, CALL),
        older.map(() => "stale_conflict"),
      );
      deepStrictEqual(await rows.putIfNewer(SCOPE, [row("1", 0, value)], CALL), ["duplicate"]);
    }
    const others = [row("1", -1, "\xff"), row("1", 1, "")];
    deepStrictEqual(await rows.putIfNewer(SCOPE, others, CALL), ["stale", "applied"]);
  });

  portRule("a full batch is one call", async (rows) => {
    const { maxBatchRows } = rows.capabilities;
    const batch = Array.from({ length: maxBatchRows }, (_, i) => row(`k${i}`, 0, `value ${i}`));
    sameItems(
      await rows.putIfNewer(SCOPE, batch, CALL),
      batch.map(() => "applied"),
    );
    const found = await texts(rows, [{ views: ["v"], entityKeys: batch.map(({ entityKey }) => entityKey) }]);
    sameItems(
      found,
      batch.map((_, i) => `value ${i}`),
    );
    deepStrictEqual(await rows.putIfNewer(SCOPE, [], CALL), []);
  });

  portRule("a row of a hundred kilobytes comes back whole", async (rows) => {
    const value = "\x00\xffx".repeat(33_000);
    await rows.putIfNewer(SCOPE, [row("1", 0, value), row("2", 0, "small")], CALL);
    sameItems(await texts(rows, [{ views: ["v"], entityKeys: ["2", "1"] }]), ["small", value]);
  });

  portRule("what the caller handed in is the caller's again", async (rows) => {
    const mine = row("1", 0, "mine");
    const put = rows.putIfNewer(SCOPE, [mine], CALL);
    const blob = Buffer.from("mine");
    const meta = rows.putMeta({ project: SCOPE.project }, "x", blob, undefined, CALL);
    await Promise.all([put, meta]);
    mine.bytes.fill(0xff);
    blob.fill(0xff);
    deepStrictEqual(await texts(rows, [{ views: ["v"], entityKeys: ["1"] }]), ["mine"]);
    const found = await rows.getMeta({ project: SCOPE.project }, "x", CALL);
    strictEqual(Buffer.from(found?.bytes ?? []).toString(), "mine");
  });

  portRule("scan and delete go by view, entity, or both", async (rows) => {
    for (const view of VIEWS) {
      await rows.putIfNewer(
        { ...SCOPE, view },
        ["1", "12", "2"].map((key) => row(key, 0, `${view}${key}`)),
        CALL,
      );
    }
    const { view, ...tenant } = SCOPE;
    const scanned = async (scope: Parameters<RowStore["scan"]>[0]) => {
      const found: string[] = [];
      for await (const one of rows.scan(scope, CALL)) found.push(`${one.view}${one.entityKey}=${textOf(one.bytes)}`);
      return found.sort();
    };
    deepStrictEqual(await scanned(SCOPE), ["v12=v12", "v1=v1", "v2=v2"]);
    deepStrictEqual(await scanned({ ...tenant, entityKey: "1" }), ["v1=v1", "w1=w1"]);
    deepStrictEqual(await scanned({ ...SCOPE, entityKey: "12" }), ["v12=v12"]);
    deepStrictEqual(await scanned({ ...SCOPE, entityKey: "*" }), []);
    strictEqual(await rows.deleteScope({ ...tenant, entityKey: "1" }, CALL), 2);
    deepStrictEqual(await scanned(tenant), ["v12=v12", "v2=v2", "w12=w12", "w2=w2"]);
  });

  portRule("pages walk through exactly one scope, and go on from a cursor", async (rows) => {
    const tenants = ["default", "a", "a*", "a:b", "{a}", "%"];
    for (const tenant of tenants) {
      for (const view of VIEWS) {
        const batch = Array.from({ length: 90 }, (_, i) => row(`k${i}`, 0, `${tenant} ${view} ${i}`));
        await rows.putIfNewer({ ...SCOPE, tenant, view }, batch, CALL);
      }
    }
    await rows.putIfNewer({ ...SCOPE, project: "conformance:a" }, [row("k0", 0, "of another project")], CALL);
    const found = async (scope: PageScope) => (await walk(rows, scope)).sort();
    const of = (inTenants: readonly string[], views: readonly string[]) =>
      inTenants
        .flatMap((tenant) => views.flatMap((view) => Array.from({ length: 90 }, (_, i) => [tenant, view, i] as const)))
        .map(([tenant, view, i]) => `${tenant}/${view}/k${i}=${tenant} ${view} ${i}`)
        .sort();
    sameItems(await found({ project: SCOPE.project }), of(tenants, VIEWS));
    sameItems(await found({ project: SCOPE.project, tenant: "a" }), of(["a"], VIEWS));
    sameItems(await found({ project: SCOPE.project, tenant: "a*", view: "w" }), of(["a*"], ["w"]));
    sameItems(await found({ project: SCOPE.project, view: "v" }), of(tenants, ["v"]));
    deepStrictEqual(await found({ project: SCOPE.project, tenant: "*" }), []);
  });

  portRule("a row is removed iff it still has the bytes it was read with", async (rows) => {
    const old = ["1", "2", "3"].map((key) => row(key, 0, key));
    await rows.putIfNewer(SCOPE, old, CALL);
    await rows.putIfNewer({ ...SCOPE, view: "w" }, [row("1", 0, "1")], CALL);
    await rows.putIfNewer(SCOPE, [row("2", 1, "newer")], CALL);
    const gone = await rows.removeRows(SCOPE, [...old, row("4", 0, "4")], CALL);
    deepStrictEqual(gone, [true, false, true, false]);
    const groups = [{ views: VIEWS, entityKeys: ["1", "2", "3"] }];
    deepStrictEqual(await texts(rows, groups), [undefined, "1", "newer", undefined, undefined, undefined]);
    deepStrictEqual(await rows.removeRows(SCOPE, old, CALL), [false, false, false]);
    deepStrictEqual(await rows.removeRows(SCOPE, [], CALL), []);
  });

  portRule("what rows take is measured tenant by tenant", async (rows) => {
    const pace = paceOf(1, undefined);
    deepStrictEqual([...(await rows.measure(SCOPE.project, pace, CALL))], []);
    const batch = Array.from({ length: 50 }, (_, i) => row(`k${i}`, 0, "x".repeat(100)));
    await rows.putIfNewer({ ...SCOPE, tenant: "a" }, batch, CALL);
    await rows.putIfNewer({ ...SCOPE, tenant: "a:b" }, batch.slice(0, 10), CALL);
    await rows.putIfNewer({ ...SCOPE, project: "other", tenant: "a" }, batch, CALL);
    const usage = await rows.measure(SCOPE.project, pace, CALL);
    deepStrictEqual([...usage.keys()].sort(), ["a", "a:b"]);
    const [a, ab] = [usage.get("a"), usage.get("a:b")];
    strictEqual(a?.count, 50);
    strictEqual(ab?.count, 10);
    ok(a.bytes >= 50 * 115 && a.bytes < 50 * 1_000, `${a.bytes} bytes`);
    ok(ab.bytes * 4 < a.bytes && ab.bytes * 6 > a.bytes, `${ab.bytes} of ${a.bytes} bytes`);
  });

  for (const [code, call, when] of [
    ["ABORTED", () => ({ ...CALL, signal: AbortSignal.abort() }), "once its signal has aborted"],
    ["STORE_TIMEOUT", () => ({ ...CALL, deadline: performance.now() - 1 }), "once its deadline has passed"],
    ["STORE_CLOSED", () => CALL, "after close"],
  ] as const satisfies readonly (readonly [ErrorCode, () => Call, string])[]) {
    portRule(`every method fails with ${code} ${when}`, async (rows) => {
      if (code === "STORE_CLOSED") await rows.close();
      for (const [name, method] of methods(rows)) {
        await rejects(method(call()), (error) => {
          ok(isLarderError(error, code), `${name}: ${String(error)}`);
          return true;
        });
      }
      if (code === "STORE_CLOSED") return;
      deepStrictEqual(await texts(rows, [{ views: ["v"], entityKeys: ["1"] }]), [undefined]);
    });
  }
}

function methods(rows: RowStore): readonly (readonly [string, (call: Call) => Promise<unknown>])[] {
  const { view, ...tenant } = SCOPE;
  const meta = { project: SCOPE.project };
  return [
    ["get", (call) => rows.get({ ...tenant, groups: [{ views: ["v"], entityKeys: ["1"] }] }, call)],
    ["empty get", (call) => rows.get({ ...tenant, groups: [] }, call)],
    ["putIfNewer", (call) => rows.putIfNewer(SCOPE, [row("1", 0, "")], call)],
    ["empty putIfNewer", (call) => rows.putIfNewer(SCOPE, [], call)],
    ["scan", async (call) => rows.scan(SCOPE, call)[Symbol.asyncIterator]().next()],
    ["page", (call) => rows.page({ project: SCOPE.project }, undefined, call)],
    ["removeRows", (call) => rows.removeRows(SCOPE, [row("1", 0, "")], call)],
    ["empty removeRows", (call) => rows.removeRows(SCOPE, [], call)],
    ["measure", (call) => rows.measure(SCOPE.project, paceOf(1, undefined), call)],
    ["deleteScope", (call) => rows.deleteScope(SCOPE, call)],
    ["getMeta", (call) => rows.getMeta(meta, "x", call)],
    ["putMeta", (call) => rows.putMeta(meta, "x", Uint8Array.of(1), undefined, call)],
    ["deleteMeta", (call) => rows.deleteMeta(meta, "x", call)],
    ["ping", (call) => rows.ping(call)],
  ];
}

/** A row as the codec orders it: event time, no created time, kind and version, then anything. One character is one byte. */
function row(entityKey: string, seconds: number, values: string): StoredRow {
  const eventTime = START + seconds * SECOND;
  const bytes = Buffer.alloc(ORDER_PREFIX + values.length);
  bytes.write((BigInt(eventTime) + 2n ** 55n).toString(16).padStart(14, "0"), 0, "hex");
  bytes[ORDER_PREFIX - 1] = 1;
  bytes.write(values, ORDER_PREFIX, "latin1");
  return { entityKey, eventTime, createdTime: undefined, expiresAt: undefined, tombstone: false, bytes };
}

async function walk(rows: RowStore, scope: PageScope): Promise<string[]> {
  const found = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await rows.page(scope, cursor, CALL);
    for (const { tenant, view, entityKey, bytes } of page.rows) {
      found.add(`${tenant}/${view}/${entityKey}=${textOf(bytes)}`);
    }
    cursor = page.next;
  } while (cursor !== undefined);
  return [...found];
}

async function texts(rows: RowStore, groups: readonly RowGroup[]): Promise<(string | undefined)[]> {
  const { project, tenant } = SCOPE;
  const { buffers, offsets, lengths } = await rows.get({ project, tenant, groups }, CALL);
  return Array.from(lengths, (length, cell) => {
    if (length < 0) return undefined;
    const buffer = buffers[cell] as Uint8Array;
    const offset = offsets[cell] as number;
    ok(offset >= 0 && offset + length <= buffer.byteLength, `cell ${cell} leaves its buffer`);
    return textOf(buffer.subarray(offset, offset + length));
  });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(ORDER_PREFIX)).toString("latin1");
}
