// Makes the customer history of the example: `node scripts/generate.ts [--seed N] [--as-of YYYY-MM-01] [--out FOLDER]`.
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { makeHistory } from "../src/history.ts";
import { readTelco } from "../src/telco.ts";
import { writeHistory } from "../src/write-history.ts";

const EXAMPLE = join(import.meta.dirname, "..");
const USAGE = "Usage: node scripts/generate.ts [--seed 1] [--as-of 2026-11-01] [--out data]";

class UsageError extends Error {}

function readArguments(): { seed: number; asOf: Date; out: string } {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      "as-of": { type: "string" },
      out: { type: "string", default: join(EXAMPLE, "data") },
    },
  });
  const seed = Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
    throw new UsageError(
      `--seed ${values.seed} is not a whole number from 0 to 4294967295. Give one, or leave it out.`,
    );
  }
  const now = new Date();
  const given = values["as-of"];
  const asOf = new Date(given ?? Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  if (given !== undefined && (!/^\d{4}-\d{2}-01$/.test(given) || Number.isNaN(asOf.getTime()))) {
    throw new UsageError(`--as-of ${given} is not the first of a month. Write it as 2026-11-01.`);
  }
  return { seed, asOf, out: values.out };
}

try {
  const { seed, asOf, out } = readArguments();
  const customers = await readTelco(join(EXAMPLE, "data", "telco_churn.csv"));
  const files = await writeHistory(makeHistory(customers, seed, asOf), out);
  const width = Math.max(...files.map((file) => file.path.length));
  for (const file of files) {
    console.log(
      `${join(relative(process.cwd(), out), file.path).padEnd(width + 8)} ${String(file.rows).padStart(7)} rows`,
    );
  }
  console.log(`${customers.length} customers as of ${asOf.toISOString().slice(0, 10)}, seed ${seed}`);
} catch (error) {
  const usage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
  console.error(`generate: ${error instanceof Error ? error.message : String(error)}`);
  if (usage) console.error(USAGE);
  process.exitCode = usage ? 2 : 1;
}
