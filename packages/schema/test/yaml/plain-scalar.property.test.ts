import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { Fault } from "../../src/fault.ts";
import { typePlainScalar, yaml11Fault } from "../../src/yaml/plain-scalar.ts";

const pieces = fc.constantFrom(
  ..."0123456789.-+_:eExobn".split(""),
  ..."yes,no,on,off,true,false,null,~,Y,N,True,NULL,.inf,.nan,-.inf,0x,0o,0b,a,f,T,Z".split(","),
  ..."2026-01-02,1:30,12,00,1e3,=".split(","),
);
const scalars = fc
  .array(pieces, { minLength: 0, maxLength: 5 })
  .map((parts) => parts.join(""))
  .filter((text) => isPlain(text));

/** True if YAML takes the text as one unquoted scalar. */
function isPlain(text: string): boolean {
  try {
    return parse(text, { schema: "failsafe" }) === text || text === "";
  } catch {
    return false;
  }
}

test("plain scalars are typed as YAML 1.2's core schema types them", () => {
  fc.assert(
    fc.property(scalars, (text) => {
      const typed = typePlainScalar(text);
      const expected: unknown = parse(text, { version: "1.2", schema: "core", intAsBigInt: true });
      if (typed instanceof Fault) expect([Infinity, -Infinity]).toContain(expected);
      else if (typeof expected === "bigint") expect(BigInt(typed as number | bigint)).toBe(expected);
      else expect(typed === 0 ? 0 : typed).toEqual(expected === 0 ? 0 : expected);
    }),
    propertySettings(3000),
  );
});

/** What 1.1 reads; a text that the library's 1.1 cannot read ("0_") is read differently as well. */
function parse11(text: string): unknown {
  try {
    return parse(text, { version: "1.1", schema: "yaml-1.1", intAsBigInt: true });
  } catch (error) {
    return error;
  }
}

test("a scalar that YAML 1.1 reads differently is always a fault", () => {
  let found = 0;
  fc.assert(
    fc.property(scalars, (text) => {
      const now: unknown = parse(text, { version: "1.2", schema: "core", intAsBigInt: true });
      const before = parse11(text);
      // The library's 1.1 sees numbers in "." and "e0" and answers NaN; PyYAML takes them for text.
      if (Number.isNaN(before) && !/nan/i.test(text)) return;
      if (Object.is(now, before) || (Number(now) === 0 && Number(before) === 0 && now !== "" && before !== "")) return;
      found++;
      expect(yaml11Fault(text), text).toBeInstanceOf(Fault);
    }),
    propertySettings(6000),
  );
  expect(found).toBeGreaterThan(50);
});

test.each([
  ..."yes No ON off y N 010 0o10 1_000 1:30 12:30:45 -0x1F 0b1 1e3 1.5e3 2026-01-31 = 1_0.5 +010 0123 09".split(" "),
  "2026-01-31T12:00:00Z",
  "2001-12-14 21:59:43.10 -5",
])("asks for quotes: %s", (text) => {
  expect(yaml11Fault(text)).toBeInstanceOf(Fault);
});

test.each([
  ..."true False null ~ 0 10 -1 +1 1.5 .5 1. 0x1F 1.5e+3 .inf -.inf .nan yesterday none nowhere v1_000 a:b".split(" "),
  "localhost:6379",
  "127.0.0.1",
  "2026-01",
  "30d",
  "churn_features/*.parquet",
  "::1",
])("needs no quotes: %s", (text) => {
  expect(yaml11Fault(text)).toBeUndefined();
});
