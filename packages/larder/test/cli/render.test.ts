import { LarderError } from "@larder/schema";
import { expect, test } from "vitest";
import { asLarderError, failureJson, failureText } from "../../src/cli/render/failure.ts";
import { createProgress } from "../../src/cli/render/progress.ts";
import { renderTable } from "../../src/cli/render/table.ts";
import { plainTerminal } from "./plain-terminal.ts";

test("a table aligns its columns, numbers to the right, and escapes control characters", () => {
  expect(
    renderTable(
      ["name", "rows"],
      [
        ["a", 5],
        ["long\u001b[31m name", 12_345n],
      ],
    ),
  ).toBe("name                  rows\na                        5\nlong\\u001b[31m name  12345\n");
  expect(renderTable(["name", "rows"], [])).toBe("name  rows\n");
});

test("an error tells code, problems with place, and remedy, and no stack trace", () => {
  const error = new LarderError("INVALID_ROWS", {
    what: "2 rows are bad",
    remedy: "Mend them",
    problems: [{ place: "line 3", field: "age", what: "is 1.5, not a whole number", remedy: "Send a whole number" }],
  });
  const { paint } = plainTerminal();
  expect(failureText(error, paint, false)).toBe(
    "error INVALID_ROWS: 2 rows are bad.\n  line 3: age: is 1.5, not a whole number. Send a whole number.\nremedy: Mend them.\n",
  );
  expect(failureText(error, paint, true)).toContain("render.test.ts");
  const once = new LarderError("INVALID_ROWS", {
    what: "1 row is bad",
    remedy: "Send a whole number",
    problems: error.problems,
  });
  expect(failureText(once, paint, false)).toBe(
    "error INVALID_ROWS: 1 row is bad.\n  line 3: age: is 1.5, not a whole number.\nremedy: Send a whole number.\n",
  );
  expect(JSON.parse(failureJson(error))).toMatchObject({ error: { code: "INVALID_ROWS", retryable: false } });
});

test("an error nobody expected becomes INTERNAL and keeps its cause", () => {
  const cause = new TypeError("x is not a function");
  expect(asLarderError(cause)).toMatchObject({ code: "INTERNAL", cause });
});

test("progress is a bar on a terminal, lines elsewhere, and silent for short work", () => {
  let now = 0;
  const lines = plainTerminal();
  const plain = createProgress("materialize", lines, () => now);
  now = 2_999;
  plain.update({ done: 10 });
  expect(lines.talked).toBe("");
  now = 4_000;
  plain.update({ done: 2_000, total: 10_000, what: "billing" });
  expect(lines.talked).toBe("materialize billing: 2,000 of 10,000 rows, 500/s, 16 s left\n");
  plain.stop();

  const wide = plainTerminal(80);
  const bar = createProgress("push", wide, () => now);
  now += 1_000;
  bar.update({ done: 5, total: 10 });
  expect(wide.talked).toBe("\r\u001b[2K[##########----------] push: 5 of 10 rows, 5/s, 1 s left");
  bar.stop();
  bar.update({ done: 10, total: 10 });
  expect(wide.talked.endsWith("\r\u001b[2K")).toBe(true);
});

test("progress of a share tells the time left once the share says something about it", () => {
  let now = 0;
  const terminal = plainTerminal();
  const progress = createProgress("training-set", terminal, () => now);
  now = 4_000;
  progress.update({ fraction: 0.04, what: "entity rows" });
  expect(terminal.talked).toBe("training-set entity rows: 4 %\n");
  now = 10_000;
  progress.update({ fraction: 0.25, what: "join billing" });
  expect(terminal.talked.endsWith("\ntraining-set join billing: 25 %, 30 s left\n")).toBe(true);
  progress.stop();
});
