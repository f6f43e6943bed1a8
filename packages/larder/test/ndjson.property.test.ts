import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import { anyString } from "@larder/testkit/any-string";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readNdjson } from "../src/ndjson.ts";

/** A line: a record to be found again, or one that holds nothing. Long texts cross the chunks in which a file is read. */
const line = fc.oneof(
  { weight: 8, arbitrary: fc.record({ text: anyString(), n: fc.integer() }) },
  { weight: 1, arbitrary: fc.nat({ max: 150_000 }).map((length) => ({ text: "ä€😀".repeat(length / 3), n: length })) },
  { weight: 2, arbitrary: fc.constantFrom("", " ", "\t") },
);

test("whatever the lengths, line ends and blank lines, every record comes back once, in order, under its line's number", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "rows.ndjson");
  const ends = fc.constantFrom("\n", "\r\n");
  const property = fc.asyncProperty(fc.array(line, { maxLength: 30 }), ends, fc.boolean(), async (lines, end, last) => {
    const text = lines.map((item) => (typeof item === "string" ? item : JSON.stringify(item))).join(end);
    await writeFile(file, text + (last ? end : ""));
    const found: unknown[] = [];
    for await (const row of readNdjson(file)) found.push(row);
    const expected = lines.flatMap((item, index) =>
      typeof item === "string" ? [] : [{ place: `line ${index + 1}`, record: item }],
    );
    expect(found).toEqual(expected);
  });
  await fc.assert(property, propertySettings(40));
});

test("a line without end is refused before it fills the memory", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "long.ndjson");
  await writeFile(file, `{"n": 1}\n${"x".repeat(9 * 1024 * 1024)}`);
  const found: unknown[] = [];
  for await (const row of readNdjson(file)) found.push(row);
  expect(found).toMatchObject([
    { place: "line 1" },
    { problem: { place: "line 2", what: "is longer than 8388608 bytes" } },
  ]);
});

test("an aborted reading ends with the signal's own reason", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "rows.ndjson");
  await writeFile(file, "{}\n");
  const { LarderError } = await import("@larder/schema");
  const reason = new LarderError("ABORTED", { what: "Stopped", remedy: "Go on" });
  const rows = readNdjson(file, AbortSignal.abort(reason));
  await expect(rows.next()).rejects.toBe(reason);
});
