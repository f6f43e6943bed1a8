import { isLarderError, parseJson, stringifyJson } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { findJsonFault } from "../../src/json/json-fault.ts";
import { MARK } from "../../src/json/scan-json.ts";

/** An integer beyond 2^53. */
const LONG = "12345678901234567";

test("integers stay exact: beyond 2^53 they are bigint", () => {
  const text = `[9007199254740991, 9007199254740992, 9007199254740993, -9007199254740993, 9223372036854775807, 123456789012345678901234567890]`;
  expect(parseJson(text)).toEqual([
    9007199254740991,
    9007199254740992n,
    9007199254740993n,
    -9007199254740993n,
    9223372036854775807n,
    123456789012345678901234567890n,
  ]);
});

test("long integers are only taken where a value may stand", () => {
  for (const text of [
    `{${LONG}: 1}`,
    `{${LONG}: "${MARK}${LONG}"}`,
    `${LONG}"a"`,
    `-"${LONG}`,
    `--${LONG}`,
    `0${LONG}`,
    `.${LONG}`,
  ]) {
    expect(() => parseJson(text)).toThrow("The JSON ");
  }
  expect(parseJson(`{"a": ${LONG}, "b": "${LONG}"}`)).toEqual({ a: BigInt(LONG), b: LONG });
});

test("text that looks like Larder's own mark stays what it is", () => {
  const text = `${MARK}${LONG}`;
  expect(parseJson(JSON.stringify([text, { [text]: text }]))).toEqual([text, { [text]: text }]);
  expect(parseJson(`["${text}", ${LONG}, {"${text}": ${LONG}, "x": "${MARK}"}]`)).toEqual([
    text,
    BigInt(LONG),
    { [text]: BigInt(LONG), x: MARK },
  ]);
});

test("numbers with a point or an exponent stay numbers, integers in value or not", () => {
  expect(parseJson("[1.0, 1e3, 1E+3, 1e20, 12345678901234567890.0, 0.1234567890123456789, 1e-400, -0, 1e308]")).toEqual(
    [1, 1000, 1000, 1e20, 12345678901234567000, 0.12345678901234568, 0, -0, 1e308],
  );
});

test.each<readonly [text: string, offset: number, what: string]>([
  ["1e400", 0, "The JSON has the number 1e400, which overflows"],
  ['{"a": [1, -1E+0400]}', 10, "The JSON has the number -1E+0400, which overflows"],
  [`[${"9".repeat(400)}]`, 1, "The JSON has the number 9999"],
  ['{"a": 1, "b": {"a": 1}, "a": 2}', 24, 'The JSON has the key "a" twice in one object'],
  ['{"a": 1, "\\u0061": 2}', 9, 'The JSON has the key "\\u0061" twice in one object'],
  ['[{"a": 1}, {"": 1, "": 2}]', 19, 'The JSON has the key "" twice in one object'],
  ['{"__proto__": 1}', 1, 'The JSON has the key "__proto__"'],
  ['{"a": {"constructor": 1}}', 7, 'The JSON has the key "constructor"'],
  ['{"\\u005f_proto__": 1}', 1, 'The JSON has the key "__proto__"'],
  ['[{"prototype": 1}]', 2, 'The JSON has the key "prototype"'],
  ["", 0, "The JSON ends too early"],
  ["  ", 2, "The JSON ends too early"],
  ["[1, 2", 5, "The JSON ends too early"],
  ['{"a"', 4, "The JSON ends too early"],
  ['"abc', 4, "The JSON ends too early"],
  ["[1,]", 3, 'The JSON breaks at "]"'],
  ["{a: 1}", 1, 'The JSON breaks at "a"'],
  ["[01]", 2, 'The JSON breaks at "1"'],
  ["[1.]", 2, 'The JSON breaks at "."'],
  ["[+1]", 1, 'The JSON breaks at "+"'],
  ["[NaN]", 1, 'The JSON breaks at "N"'],
  ["[Infinity]", 1, 'The JSON breaks at "I"'],
  ["nul", 0, 'The JSON breaks at "n"'],
  ["1 2", 2, 'The JSON breaks at "2"'],
  ["'a'", 0, "The JSON breaks at"],
  ['"a\nb"', 2, 'The JSON breaks at "\\n"'],
  ['"a\\x"', 2, 'The JSON breaks at "\\\\"'],
  ['"\\u12g4"', 1, 'The JSON breaks at "\\\\"'],
  ["\ufeff{}", 0, "The JSON breaks at"],
  ["[1]]", 3, 'The JSON breaks at "]"'],
  ["// no\n1", 0, 'The JSON breaks at "/"'],
])("refused with its offset: %s", (text, offset, what) => {
  const error = errorOf(() => parseJson(text));
  expect(isLarderError(error, "MALFORMED_REQUEST")).toBe(true);
  expect(error).toMatchObject({ what: expect.stringContaining(what), facts: { offset } });
});

test("an error names line and column", () => {
  expect(errorOf(() => parseJson('{\n  "a": 1,\n  "b": x\n}'))).toMatchObject({
    message: 'The JSON breaks at "x" (line 3, column 8). Send valid JSON.',
    facts: { offset: 19, line: 3, column: 8 },
  });
});

test("depth is counted outside strings, and bounded", () => {
  const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  expect(() => parseJson(nested(32))).not.toThrow();
  expect(errorOf(() => parseJson(nested(33)))).toMatchObject({
    message: "The JSON has more than 32 levels (line 1, column 33). Send a flatter value.",
  });
  expect(() => parseJson(nested(3), { maxDepth: 2 })).toThrow("more than 2 levels");
  expect(parseJson(`"${"[{".repeat(100)}"`)).toBe("[{".repeat(100));
  expect(parseJson(`["\\"", "[\\\\"]`)).toEqual(['"', "[\\"]);
  expect(parseJson(`[${"[[]],".repeat(1000)}1]`)).toHaveLength(1001);
});

test("hostile megabytes end in bounded time", () => {
  const texts = [
    "[".repeat(1e6),
    `"${"\\".repeat(1e6)}`,
    `"${'\\"'.repeat(5e5)}`,
    `[${"9".repeat(1e6)}]`,
    `{${'"a":1,'.repeat(2e5)}"b":1}`,
    `["${"x".repeat(1e6)}", 1e999]`,
    `["${"x".repeat(1e6)}`,
    `[${"1e5,".repeat(3e5)}`,
  ];
  for (const text of texts) {
    const start = process.cpuUsage();
    expect(
      isLarderError(
        errorOf(() => parseJson(text)),
        "MALFORMED_REQUEST",
      ),
    ).toBe(true);
    // The processor's time, in microseconds: a busy machine does not lengthen it.
    expect(process.cpuUsage(start).user).toBeLessThan(10_000_000);
  }
});

test("what JSON.parse reads, parseJson reads equally, apart from long integers and what it refuses", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(4), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      expect(parsed(text)).toEqual(reference(text));
    }),
    propertySettings(1000),
  );
});

test("a mutated text is read or refused as JSON.parse does", () => {
  let refused = 0;
  let taken = 0;
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 4 }),
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.constantFrom(
            ...'[]{}:,"\\0123456789.eE+-tfn u'.split(""),
            "",
            "1e400",
            '"a":1,',
            LONG,
            `"${MARK}${LONG}"`,
            MARK,
          ),
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      (value, changes) => {
        let text = JSON.stringify({ a: value, b: [1234567890123456, 'x\\"y', { c: -0.5e-7 }] });
        for (const [position, piece] of changes) {
          const at = position % (text.length + 1);
          text = text.slice(0, at) + piece + text.slice(at + (piece === "" ? 1 : 0));
        }
        const expected = reference(text);
        if (expected === REFUSED) refused++;
        else taken++;
        expect(parsed(text)).toEqual(expected);
      },
    ),
    propertySettings(2000),
  );
  expect(refused).toBeGreaterThan(100);
  expect(taken).toBeGreaterThan(100);
}, 120_000);

test("integers of any length come back exact", () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })), (integers) => {
      const text = stringifyJson(integers);
      const values = parseJson(text) as (number | bigint)[];
      expect(values.map(BigInt)).toEqual(integers);
      for (const value of values) if (typeof value === "number") expect(Number.isSafeInteger(value)).toBe(true);
      expect(stringifyJson(values)).toBe(text);
    }),
    propertySettings(500),
  );
});

test("stringifyJson: bigint as a number, bytes as base64, what JSON cannot hold as null", () => {
  expect(
    stringifyJson({
      a: 2n ** 63n,
      b: [Number.NaN, Infinity, -0],
      c: new Uint8Array([255]),
      d: Buffer.from("hi"),
      e: undefined,
    }),
  ).toBe('{"a":9223372036854775808,"b":[null,null,-0],"c":"/w==","d":"aGk="}');
  expect(stringifyJson([1n], 2)).toBe("[\n  1\n]");
});

const REFUSED = Symbol("refused");

function parsed(text: string): unknown {
  const error = errorOf(() => parseJson(text));
  if (error === undefined) return parseJson(text);
  expect(isLarderError(error, "MALFORMED_REQUEST")).toBe(true);
  const { offset } = findJsonFault(text);
  expect(offset).toBeLessThanOrEqual(text.length);
  return REFUSED;
}

/** What parseJson ought to answer, found the slow way: JSON.parse for the syntax, a second reader for keys and numbers. */
function reference(text: string): unknown {
  let seen = 0;
  let bad = false;
  try {
    const value: unknown = JSON.parse(text, (key, each: unknown, context?: { source?: string }) => {
      if (typeof each === "object" && each !== null && !Array.isArray(each)) seen += Object.keys(each).length;
      if (["__proto__", "constructor", "prototype"].includes(key)) bad = true;
      if (typeof each !== "number") return each;
      if (!Number.isFinite(each)) bad = true;
      const source = context?.source ?? "";
      return /^-?\d+$/.test(source) && !Number.isSafeInteger(each) && Number.isFinite(each) ? BigInt(source) : each;
    });
    const colons = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, "").split(":").length - 1;
    return bad || seen !== colons ? REFUSED : value;
  } catch {
    return REFUSED;
  }
}

function errorOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
