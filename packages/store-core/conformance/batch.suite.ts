import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { isLarderError, type KeyValue } from "@larder/schema";
import { type RowFault, rowFaults } from "../src/diagnostics.ts";
import { MINUTE, START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { sameItems } from "./same-items.ts";
import { type EntityRow, INVALID, MISSING, present, type Session, type World } from "./world.ts";

/** Rule 6: the batch is the primitive. */
export function batch({ rule }: Rules): void {
  rule("cells come in the order of the request, whatever order the rows were written in", async (world) => {
    const session = await filled(world);
    const customers = [5n, 1n, 99n, 3n, 1n, 5n, 12n, 0n];
    for (const references of [
      ["profile:visits", "usage:minutes", "brief:x"],
      ["brief:x", "profile:visits", "usage:minutes"],
    ]) {
      const cells = await session.cells(
        references,
        customers.map((customer_id) => ({ customer_id })),
      );
      deepStrictEqual(
        cells,
        customers.map((customer) => references.map((reference) => expected(reference, customer))),
      );
    }
  });

  rule("a thousand entities and more in one read, each in its place", async (world) => {
    const session = await filled(world);
    const customers = Array.from({ length: 2_600 }, (_, i) => BigInt((i * 7) % 40));
    const cells = await session.cells(
      ["usage:minutes", "profile:visits"],
      customers.map((customer_id) => ({ customer_id })),
    );
    sameItems(
      cells,
      customers.map((customer) => [expected("usage:minutes", customer), expected("profile:visits", customer)]),
    );
  });

  rule("nothing asked is nothing answered", async (world) => {
    const session = await filled(world);
    const plan = session.plan("profile:visits", "usage:minutes");
    strictEqual((await session.read(plan, [])).rowCount, 0);
    deepStrictEqual(await session.write("profile", []), {
      outcomes: [],
      applied: 0,
      duplicate: 0,
      stale: 0,
      expired: 0,
      conflict: 0,
    });
  });

  rule("views of different entities are read together, each by its own key", async (world) => {
    const session = await world.open();
    await session.write("notes", [session.row("notes", ["s1"], START, { text: "shop 1" })]);
    await session.write("rates", [session.row("rates", [], START, { rate: 0.5 })]);
    await session.write("orders", [
      session.row("orders", ["s1", 1n], START, { count: 11, last: 1n }),
      session.row("orders", ["s2", 1n], START, { count: 21, last: 2n }),
      session.row("orders", ["s1", 2n], START, { count: 12, last: 3n }),
    ]);
    await session.write("usage", [session.row("usage", [2n], START, { minutes: 2, note: "" })]);
    const references = ["orders:count", "rates:rate", "notes:text", "usage:minutes", "orders:last"];
    const entities: readonly EntityRow[] = [
      { shop_id: "s1", customer_id: 2n },
      { shop_id: "s2", customer_id: 1n },
      { shop_id: "s2", customer_id: 2n },
      { customer_id: 1n, shop_id: "s1" },
    ];
    deepStrictEqual(await session.cells(references, entities), [
      [present(12), present(0.5), present("shop 1"), present(2), present(3n)],
      [present(21), present(0.5), MISSING, MISSING, present(2n)],
      [MISSING, present(0.5), MISSING, present(2), MISSING],
      [present(11), present(0.5), present("shop 1"), MISSING, present(1n)],
    ]);
  });

  rule("composite keys that look alike when joined are different entities", async (world) => {
    const session = await world.open();
    const shops = ["", "1", "1,1", "s1", "s", ",", "1,", "1,s", "-1"];
    const keys: readonly (readonly [string, bigint])[] = shops.flatMap((shop) =>
      [1n, 11n, -1n].map((id) => [shop, id] as const),
    );
    await session.write(
      "orders",
      keys.map((key, i) => session.row("orders", key, START, { count: i, last: 0n })),
    );
    const entities = keys.map(([shop_id, customer_id]) => ({ shop_id, customer_id }));
    deepStrictEqual(
      await session.cells(["orders:count"], entities),
      keys.map((_, i) => [present(i)]),
    );
  });

  rule("a view without entities has one row", async (world) => {
    const session = await world.open();
    deepStrictEqual(await session.cells(["rates:rate"], [{}]), [[MISSING]]);
    await session.write("rates", [
      session.row("rates", [], START, { rate: 1 }),
      session.row("rates", [], START + 1, { rate: 2 }),
    ]);
    deepStrictEqual(await session.cells(["rates:rate"], [{}, {}]), [[present(2)], [present(2)]]);
  });

  rule("a read says when each row happened, was made and was read", async (world) => {
    const session = await world.open();
    const row = (customer: bigint, created?: number) =>
      session.row("usage", [customer], START - Number(customer), { minutes: 1, note: "" }, created);
    await session.write("usage", [row(1n, START - 5), row(2n), row(3n, -1)]);
    world.clock.set(START + MINUTE);
    const plan = session.plan("usage:minutes");
    const read = await session.read(
      plan,
      [3n, 1n, 4n, 2n].map((customer_id) => ({ customer_id })),
    );
    const told = (tell: (row: number) => unknown) => [0, 1, 2, 3].map(tell);
    deepStrictEqual(
      told((i) => read.eventTime(i, 0)),
      [START - 3, START - 1, undefined, START - 2],
    );
    if (session.store.capabilities.createdTime) {
      deepStrictEqual(
        told((i) => read.createdTime(i, 0)),
        [-1, START - 5, undefined, undefined],
      );
    }
    deepStrictEqual(
      told((i) => read.readAt(i, 0)),
      Array(4).fill(START + MINUTE),
    );
    deepStrictEqual(
      told((i) => read.source(i, 0)),
      Array(4).fill("store"),
    );
    strictEqual(read.degraded, false);
    strictEqual(read.rowCount, 4);
  });

  rule(
    "a row that cannot be decoded reads INVALID and is reported by key hash, the others are answered",
    async (world) => {
      const session = await filled(world);
      const whole = { project: session.definitions.project, tenant: "default", view: "usage" };
      const garbage = [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(400).fill(0xff), Buffer.alloc(19)];
      for (const [i, bytes] of garbage.entries()) {
        await world.backing.overwrite({ ...whole, entityKey: session.entityKey("usage", [BigInt(i)]) }, bytes);
      }
      const faults: RowFault[] = [];
      const listen = (fault: unknown) => faults.push(fault as RowFault);
      subscribe(rowFaults.name, listen);
      try {
        const entities = [0n, 1n, 2n, 3n, 5n].map((customer_id) => ({ customer_id }));
        deepStrictEqual(await session.cells(["usage:minutes", "profile:visits"], entities), [
          ...[0n, 1n, 2n, 3n].map((customer) => [INVALID, expected("profile:visits", customer)]),
          [expected("usage:minutes", 5n), expected("profile:visits", 5n)],
        ]);
      } finally {
        unsubscribe(rowFaults.name, listen);
      }
      deepStrictEqual(
        faults.map(({ kind, view, tenant }) => [kind, view, tenant]),
        Array(4).fill(["invalid", "usage", "default"]),
      );
      strictEqual(new Set(faults.map(({ keyHash }) => keyHash)).size, 4);
      const scanned = await session.scan({ tenant: "default", view: "usage" });
      strictEqual(scanned.filter(({ row }) => row === undefined).length, 4);
      strictEqual(scanned.length, 40);
    },
  );

  rule("every way to cut a row short reads INVALID, or at most another value of its type", async (world) => {
    const session = await world.open();
    const key = {
      project: session.definitions.project,
      tenant: "default",
      view: "notes",
      entityKey: session.entityKey("notes", ["x"]),
    };
    await session.write("notes", [session.row("notes", ["x"], START, { text: "some text" })]);
    await session.cells(["notes:text"], [{ shop_id: "x" }]);
    for (let length = 0; length < 24; length++) {
      await world.backing.overwrite(key, new Uint8Array(length).fill(0x80));
      deepStrictEqual(await session.cells(["notes:text"], [{ shop_id: "x" }]), [[INVALID]]);
    }
  });

  rule("a backend that fails fails the call, and nothing reads as missing", async (world) => {
    const session = await filled(world);
    await world.backing.fail();
    const deadline = () => performance.now() + 2_000;
    const plan = session.plan("profile:visits");
    const failures: readonly (() => Promise<unknown>)[] = [
      () => session.read(plan, [{ customer_id: 1n }], undefined, { deadline: deadline() }),
      () => session.write("profile", [profile(session, 1n)], { deadline: deadline() }),
    ];
    for (const fails of failures) {
      await rejects(fails, (error) => {
        ok(isLarderError(error, "STORE_UNAVAILABLE", "STORE_TIMEOUT", "STORE_CORRUPT"), String(error));
        return true;
      });
    }
  });
}

function profile(session: Session, customer: bigint) {
  const values = { tenure: 1, plan: "p", active: true, visits: customer };
  return session.row("profile", [customer] as readonly KeyValue[], START, values);
}

/** Customers 0 to 39 have a profile and a usage, the even ones a brief. */
async function filled(world: World): Promise<Session> {
  const session = await world.open();
  const customers = Array.from({ length: 40 }, (_, i) => BigInt((i * 11) % 40));
  await session.write(
    "profile",
    customers.map((customer) => profile(session, customer)),
  );
  await session.write(
    "usage",
    customers.map((customer) => session.row("usage", [customer], START, { minutes: Number(customer) / 4, note: "n" })),
  );
  const even = customers.filter((customer) => customer % 2n === 0n);
  await session.write(
    "brief",
    even.map((customer) => session.row("brief", [customer], START, { x: Number(customer) })),
  );
  return session;
}

function expected(reference: string, customer: bigint) {
  if (customer >= 40n || (reference === "brief:x" && customer % 2n === 1n)) return MISSING;
  if (reference === "profile:visits") return present(customer);
  return present(reference === "brief:x" ? Number(customer) : Number(customer) / 4);
}
