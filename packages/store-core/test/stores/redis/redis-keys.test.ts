import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  entityKeyOf,
  META_ROOT,
  metaKey,
  rowKey,
  tenantPrefix,
  ViewFields,
  viewField,
} from "../../../src/stores/redis/redis-keys.ts";

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
const entityKey = fc.stringMatching(/^[A-Za-z0-9_.,%'~-]{0,8}$/);

test("keys of a known row and blob: what is stored must be found by every later version", () => {
  expect(rowKey(tenantPrefix("churn", "default"), "12345")).toBe("l:churn:default:{12345}");
  expect(rowKey(tenantPrefix("a:b", "é*"), "s%20,-7")).toBe("l:a%3Ab:%C3%A9%2A:{s%20,-7}");
  expect(metaKey(META_ROOT, { project: "churn" }, "format")).toBe("l::churn:::format");
  expect(metaKey(META_ROOT, { project: "churn", tenant: "t", view: "v" }, "position")).toBe("l::churn:t:v:position");
  expect(viewField("churn_features")).toBe("HDqQjo");
});

test("a prefix holds no character that a pattern, a hash tag or a cluster would read", () => {
  fc.assert(
    fc.property(name, name, (project, tenant) => {
      expect(tenantPrefix(project, tenant)).toMatch(/^l:[A-Za-z0-9_.%-]+:[A-Za-z0-9_.%-]+:$/);
    }),
    propertySettings(500),
  );
});

test("no prefix starts another, so that a pattern finds one tenant", () => {
  fc.assert(
    fc.property(fc.tuple(name, name), fc.tuple(name, name), (one, other) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(other));
      expect(tenantPrefix(...one).startsWith(tenantPrefix(...other))).toBe(false);
    }),
    propertySettings(500),
  );
});

test("row keys give their entity key back, and are never meta keys", () => {
  fc.assert(
    fc.property(name, name, entityKey, (project, tenant, entity) => {
      const prefix = tenantPrefix(project, tenant);
      expect(entityKeyOf(prefix, rowKey(prefix, entity))).toBe(entity);
      expect(rowKey(prefix, entity).startsWith("l::")).toBe(false);
    }),
    propertySettings(500),
  );
  expect(entityKeyOf("l:p:t:", "l:p:t:1")).toBeUndefined();
});

test("two views that would share a field are refused by name", () => {
  const fields = new ViewFields((view) => view.slice(0, 1));
  expect([fields.fieldOf("apple"), fields.fieldOf("beet"), fields.fieldOf("apple")]).toEqual(["a", "b", "a"]);
  expect(() => fields.fieldOf("avocado")).toThrow(expect.objectContaining({ code: "STORE_MISCONFIGURED" }));
  expect(() => fields.fieldOf("avocado")).toThrow(/"apple" and "avocado"/);
  expect(fields.fieldOf("apple")).toBe("a");
  expect([fields.viewOf("a"), fields.viewOf("z")]).toEqual(["apple", "field:z"]);
});
