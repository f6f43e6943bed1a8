import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { thisMachine } from "../../src/machine.ts";
import { loadBaseline, saveBaseline } from "../../src/regression/baseline.ts";
import { figuresOfReport } from "../../src/regression/figures-of-report.ts";

const MACHINE = thisMachine("7.0.15");
const SERIES = [{ name: "x: p50", better: "lower", values: [1, 2, 3, 4] }] as const;

test("a baseline is read again on the machine that made it, and refused on any other", async () => {
  await using folder = await temporaryFolder();
  const baseline = { format: 1, bench: "redis-read", commit: "c", machine: MACHINE, series: SERIES } as const;
  await expect(loadBaseline("redis-read", MACHINE, folder.path)).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  const file = await saveBaseline(baseline, folder.path);
  expect(await loadBaseline("redis-read", MACHINE, folder.path)).toEqual(baseline);
  for (const other of [
    { cpu: "another" },
    { cores: 99 },
    { memoryGib: 1 },
    { kernel: "0" },
    { node: "1" },
    { redis: "8" },
  ]) {
    const [[key, value]] = Object.entries(other) as [[string, unknown]];
    await expect(loadBaseline("redis-read", { ...MACHINE, ...other }, folder.path)).rejects.toMatchObject({
      code: "MACHINE_MISMATCH",
      facts: { differences: [`${key}: ${MACHINE[key as keyof typeof MACHINE]} there, ${value} here`] },
    });
  }
  await writeFile(file, "{}");
  await expect(loadBaseline("redis-read", MACHINE, folder.path)).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
});

test("figures of training sets are those of Larder's plans", () => {
  const figures = ["bare_exact", "feast", "event_time"].map((plan) => ({
    plan,
    size: "3 views",
    rowsPerSecond: 5,
    cpuSeconds: 2,
  }));
  expect(figuresOfReport({ figures, shares: [{ plan: "event_time", size: "3 views", rate: 0.4 }] })).toEqual([
    { name: "event_time, 3 views: rowsPerSecond", better: "higher", value: 5 },
    { name: "event_time, 3 views: cpuSeconds", better: "lower", value: 2 },
  ]);
});

test("figures are found in the reports of benches, wherever they are, without those of others", () => {
  expect(figuresOfReport({ compared: [{ name: "Larder", p50: 0.8 }] })).toEqual([]);
  const figures = { p50: 70, p99: 90, callsPerSecond: 1000, clientCpu: 5, serverCpu: 0 };
  expect(figuresOfReport({ machine: "m", rounds: 60, figures: [{ name: "Larder OnlineStore", ...figures }] })).toEqual([
    { name: "Larder OnlineStore: p50", better: "lower", value: 70 },
    { name: "Larder OnlineStore: p99", better: "lower", value: 90 },
    { name: "Larder OnlineStore: callsPerSecond", better: "higher", value: 1000 },
    { name: "Larder OnlineStore: clientCpu", better: "lower", value: 5 },
  ]);
  expect(
    figuresOfReport({
      reads: [
        {
          entities: 1,
          views: 3,
          figures: [
            { name: "by hand", p50: 1 },
            { name: "Larder", p50: 2 },
          ],
        },
      ],
      tables: { expiring: [{ name: "Larder", p50: 3 }] },
      fast: [
        { kind: "predict", server: "floor", perSecond: [1] },
        { kind: "predict", server: "Larder", perSecond: [3, 1, 2], cpu: { server: 9 } },
      ],
      goals: [{ goal: "x", measured: 1 }],
    }).map(({ name, value }) => [name, value]),
  ).toEqual([
    ["1 entities, 3 views, Larder: p50", 2],
    ["expiring, Larder: p50", 3],
    ["predict, Larder: perSecond", 2],
    ["predict, Larder: cpu", 9],
  ]);
  for (const nothing of [null, [], {}, "text", { figures: [{ name: "x", p50: null }] }])
    expect(figuresOfReport(nothing)).toEqual([]);
});

test.each([
  [["--bench", "nothing", "--save"], "USAGE"],
  [["--base", "HEAD", "--baseline"], "USAGE"],
])("bench:regression %j is refused with a code before anything is measured", async (args, code) => {
  const main = join(import.meta.dirname, "../../src/regression/main.ts");
  const end = await runProcess(process.execPath, ["--conditions=@larder/source", main, ...args]);
  expect([end.code, end.stderr]).toEqual([2, expect.stringContaining(`error ${code}: `)]);
});
