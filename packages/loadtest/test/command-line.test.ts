import { expect, test } from "vitest";
import { helpText, readCommandLine } from "../src/command-line.ts";
import { SCENARIOS } from "../src/scenarios.ts";
import { TESTED_STORES } from "../src/world/online-stores.ts";

test("reads a scenario with its options", () => {
  expect(readCommandLine(["soak", "--store", "sqlite", "--duration", "5m", "--rate", "300"])).toEqual({
    ...{ name: "soak", store: "sqlite", seconds: 300, rate: 300, inject: false },
  });
  expect(readCommandLine(["gate", "--inject", "latency"])).toMatchObject({ name: "gate", inject: true });
});

test("help names every scenario and store", () => {
  expect(readCommandLine([])).toBe("help");
  expect(readCommandLine(["gate", "--help"])).toBe("help");
  for (const name of Object.keys(SCENARIOS)) expect(helpText()).toContain(`  ${name} `);
  for (const { name } of TESTED_STORES) expect(helpText()).toContain(name);
});

test.for([
  [["gates"], /"gates" is no load test\. Use one of gate, stores, lookup/],
  [["gate", "predict"], /"predict" is too much/],
  [["gate", "--inject", "errors"], /--inject errors is unknown/],
  [["predict", "--rate", "1.5"], /--rate 1\.5 is no whole number/],
  [["predict", "--duration", "0s"], /--duration 0s is no time/],
  [["predict", "--duration", "5 minutes"], /--duration 5 minutes is no time/],
  [["predict", "--store"], /--help lists the options/],
  [["predict", "--stores", "x"], /--help lists the options/],
] as const)("refuses %j", ([args, message]) => {
  expect(() => readCommandLine([...args])).toThrow(
    expect.objectContaining({ code: "USAGE", message: expect.stringMatching(message) }),
  );
});
