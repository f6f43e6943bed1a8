import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFINITIONS } from "../../conformance/definitions.ts";
import { movableClock, START } from "../../conformance/harness.ts";
import { present, Session } from "../../conformance/world.ts";
import { type FieldStatus, STATUS_NAMES } from "../../src/plan/feature-batch.ts";
import { memoryHarness } from "./memory-harness.ts";

const SCALARS = {
  t_int32: 7,
  t_int64: -7n,
  t_float32: 0.5,
  t_float64: 0.1,
  t_bool: true,
  t_string: "text",
  t_bytes: Uint8Array.of(1, 2, 3),
  t_unix_timestamp: 9n,
};
const LISTS = Object.fromEntries(
  Object.entries(SCALARS).map(([name, value]) => [`l_${name.slice(2)}`, [value, value]]),
);
const NUMERIC = ["t_int32", "t_int64", "t_float32", "t_float64", "t_bool", "t_unix_timestamp"];

/** Bytes of the header change the whole row, so half of the edits leave them alone. */
const edits = fc.array(fc.tuple(fc.oneof(fc.nat(400), fc.integer({ min: 19, max: 60 })), fc.nat(255)), {
  maxLength: 6,
});
const cut = fc.option(fc.nat(400), { nil: undefined });

test("whatever bytes a row has, a read answers every value with a status, and the rows beside it", async () => {
  const place = await memoryHarness().create();
  const session = new Session(await place.open(DEFINITIONS, movableClock()), DEFINITIONS);
  const rows = await place.openRows?.(["types"]);
  const values = { ...SCALARS, ...LISTS };
  await session.write(
    "types",
    [1n, 2n].map((customer) => session.row("types", [customer], START, values, START)),
  );
  const [key, entities] = [session.entityKey("types", [1n]), [{ customer_id: 1n }, { customer_id: 2n }]];
  const scope = { project: DEFINITIONS.project, tenant: "default", view: "types", entityKey: key };
  const get = { ...scope, groups: [{ views: ["types"], entityKeys: [key] }] };
  const whole = (await rows?.get(get, { tenant: "default" }))?.buffers[0] ?? new Uint8Array(0);
  const names = Object.keys(values);
  const plan = session.plan(...names.map((name) => `types:${name}`));
  const statuses = new Set<FieldStatus>();

  await fc.assert(
    fc.asyncProperty(edits, cut, async (changes, length) => {
      const bytes = Uint8Array.from(whole.subarray(0, length ?? whole.length));
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
      await place.overwrite(scope, bytes);
      const batch = await session.read(plan, entities, { allowStale: true });
      for (const [column, name] of names.entries()) {
        statuses.add(batch.status(0, column));
        const shown = ["PRESENT", "OUTSIDE_MAX_AGE"].includes(STATUS_NAMES[batch.status(0, column)]);
        if (!shown) expect(batch.value(0, column)).toBeNull();
        expect([STATUS_NAMES[batch.status(1, column)], batch.value(1, column)]).toEqual(
          present(values[name as "t_int32"]),
        );
        if (NUMERIC.includes(name)) batch.fillFloat32(column, new Float32Array(2), 0, 1);
      }
      expect(await session.scan({ tenant: "default" })).toHaveLength(2);
    }),
    propertySettings(400),
  );
  expect([...statuses].map((status) => STATUS_NAMES[status])).toEqual(expect.arrayContaining(["INVALID", "PRESENT"]));
  await place.remove();
});
