import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { test } from "vitest";
import { NearWorld, SECOND } from "./near-cache-world.ts";

const MAX_AGE = 10 * SECOND;
const TENANTS = ["default", "acme"] as const;
const VIEWS = ["brief", "long"] as const;
const IDS = [1, 2];

type Tenant = (typeof TENANTS)[number];
type View = (typeof VIEWS)[number];
type Row = { readonly eventTime: number; readonly x: number | undefined } | undefined;

const tenant = fc.constantFrom(...TENANTS);
const view = fc.constantFrom(...VIEWS);
const id = fc.constantFrom(...IDS);
const step = fc.oneof(
  fc.record({
    kind: fc.constant("write"),
    tenant,
    view,
    id,
    own: fc.boolean(),
    gone: fc.boolean(),
    heard: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("clock"),
    micros: fc.constantFrom(1, 4 * SECOND, 5 * SECOND, 8 * SECOND, MAX_AGE, 21 * SECOND, -3 * SECOND),
  }),
  fc.record({ kind: fc.constant("gap"), tenant, view }),
  fc.record({ kind: fc.constant("reset"), tenant, view, own: fc.boolean() }),
  fc.record({ kind: fc.constant("read"), tenant, ids: fc.array(id, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant("read"), tenant, ids: fc.array(id, { minLength: 1, maxLength: 4 }) }),
);

/** What was stored under a key at each turn of a history, and the turn that must be seen at least. */
class Past {
  readonly turns: { readonly at: number; readonly row: Row }[] = [];
  seen = 0;
  row: Row;
}

/** The answer for a row, by the rules of the contract. */
function answerOf(view: View, row: Row, now: number): string {
  if (row?.x === undefined) return "NOT_FOUND null";
  const age = now - row.eventTime;
  if (view === "long" || age <= 20 * SECOND) return `PRESENT ${row.x}`;
  return age <= 30 * SECOND ? "OUTSIDE_MAX_AGE null" : "NOT_FOUND null";
}

test("whatever is written, heard, lost and read, an answer is the store's or one no older than max_age, of this tenant, and within its TTL", async () => {
  const history = fc.array(step, { minLength: 5, maxLength: 80, size: "max" });
  const holds = fc.asyncProperty(history, fc.constantFrom(1_500, 100_000), async (steps, maxBytes) => {
    await using world = new NearWorld({ maxBytes, maxAge: MAX_AGE });
    const pasts = new Map<string, Past>();
    const pastOf = (tenant: Tenant, view: View, id: number) => {
      const key = `${tenant} ${view} ${id}`;
      const past = pasts.get(key) ?? new Past();
      pasts.set(key, past);
      return past;
    };
    const all = () => TENANTS.flatMap((t) => VIEWS.flatMap((v) => IDS.map((i) => pastOf(t, v, i))));
    let x = 0;
    let turn = 0;
    const note = () => {
      turn++;
      for (const past of all()) past.turns.push({ at: world.clock.now(), row: past.row });
    };
    note();
    for (const each of steps) {
      const now = world.clock.now();
      if (each.kind === "clock") {
        world.clock.advance(each.micros);
      } else if (each.kind === "write") {
        const past = pastOf(each.tenant, each.view, each.id);
        const value = each.gone ? undefined : ++x;
        await world.put(each.own ? world.store : world.plain, each.view, each.id, value, each.tenant);
        // Newest wins; of two rows of one time a tombstone, then the greater bytes: x only rises, and so do its bytes here.
        if (past.row === undefined || now > past.row.eventTime) past.row = { eventTime: now, x: value };
        else if (now === past.row.eventTime && past.row.x !== undefined) past.row = await tieOf(world, each, past.row);
        if (each.own) past.seen = turn;
        else if (each.heard) {
          await world.rigged.moved(each.tenant, each.view, [String(each.id)]);
          // Heard, if it has read anything of that tenant: else it knows nothing.
          past.seen = turn;
        }
      } else if (each.kind === "reset") {
        const store = each.own ? world.store : world.plain;
        await store.reset({ tenant: each.tenant, view: each.view }, { tenant: each.tenant });
        for (const i of IDS) {
          const past = pastOf(each.tenant, each.view, i);
          past.row = undefined;
          if (each.own) past.seen = turn;
        }
      } else if (each.kind === "gap") {
        await world.rigged.gap(each.tenant, each.view);
        for (const i of IDS) pastOf(each.tenant, each.view, i).seen = turn;
      }
      note();
      if (each.kind !== "read") continue;
      const answers = await world.read(each.ids, each.tenant);
      for (const [row, i] of each.ids.entries()) {
        for (const [column, name] of [
          [0, "brief"],
          [2, "long"],
        ] as const) {
          const past = pastOf(each.tenant, name, i);
          const allowed = past.turns
            .slice(past.seen)
            .filter(({ at }) => now - at >= 0 && now - at <= MAX_AGE)
            .map((then) => answerOf(name, then.row, now));
          const [status, value] = answers[row]?.[column] ?? [];
          const answer = `${status} ${value === null ? "null" : Number(value)}`;
          if (!allowed.includes(answer))
            throw new Error(`${each.tenant} ${name} ${i}: ${answer}, not ${[...new Set(allowed)].join(" or ")}`);
        }
      }
    }
  });
  await fc.assert(holds, propertySettings(300));
});

/** Who won a tie is the store's to say. */
async function tieOf(
  world: NearWorld,
  { tenant, view, id }: { tenant: Tenant; view: View; id: number },
  before: NonNullable<Row>,
): Promise<Row> {
  for await (const { entityKey, row } of world.plain.scan({ tenant, view }, { tenant })) {
    if (entityKey === String(id))
      return { eventTime: before.eventTime, x: row?.values === undefined ? undefined : Number(row.values[0]) };
  }
  return undefined;
}
