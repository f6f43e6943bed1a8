import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FeatureValue, ScalarValue } from "@larder/schema";
import { runProcess } from "@larder/testkit";
import type { ViewSpec } from "../../../../conformance/definitions.ts";
import type { GoldenValue } from "./golden.ts";

/** A command for the real Feast; see feast_peer.py. */
export type FeastCommand =
  | {
      readonly do: "open";
      readonly store: string;
      readonly project: string;
      readonly connection: string;
      readonly version: 2 | 3;
      readonly options: Readonly<Record<string, number | boolean>>;
      readonly views: readonly Pick<ViewSpec, "name" | "joinKeys" | "features">[];
    }
  | {
      readonly do: "write";
      readonly store: string;
      readonly view: string;
      readonly eventTime: string;
      readonly row: Readonly<Record<string, GoldenValue>>;
    }
  | {
      readonly do: "read";
      readonly store: string;
      readonly features: readonly string[];
      readonly entities: readonly Readonly<Record<string, string | number>>[];
    };

/** What a read answers: columns by name. */
export type FeastAnswer = string | Readonly<Record<string, readonly GoldenValue[]>>;

/** Longest that Python takes to load Feast, seconds on an idle machine, and do a test's commands. */
const MS = 240_000;

/**
 * Runs commands in a Feast of their own, from PyPI, that scripts/servers/feast.mjs keeps in the cache. `folder` holds its registries from one run
 * to the next.
 */
export async function runFeast(folder: string, commands: readonly FeastCommand[]): Promise<readonly FeastAnswer[]> {
  const cache = process.env["LARDER_CACHE"];
  if (cache === undefined) throw new Error("LARDER_CACHE is not set: run this by scripts/run-vitest.mjs");
  const file = join(folder, "commands.json");
  await writeFile(file, JSON.stringify(commands));
  const python = join(cache, "servers", "feast", "bin", "python");
  const peer = fileURLToPath(new URL("feast_peer.py", import.meta.url));
  const { code, stdout, stderr } = await runProcess(python, [peer, file], { cwd: folder, ms: MS });
  if (code !== 0) throw new Error(`Feast ended with ${code}: ${stderr.slice(-2_000)}`);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as FeastAnswer[];
}

/** A value of Larder's in the golden file's form; times as seconds. */
export function goldenOf(value: FeatureValue): GoldenValue {
  return Array.isArray(value) ? value.map(goldenScalar) : value === null ? null : goldenScalar(value as ScalarValue);
}

function goldenScalar(value: ScalarValue): GoldenValue {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  return value instanceof Uint8Array ? { hex: Buffer.from(value).toString("hex") } : value;
}
