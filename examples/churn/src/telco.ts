import { DuckDBInstance } from "@duckdb/node-api";

/** The model's number inputs, by name. */
export const NUMBERS = [
  "tenure_months",
  "monthly_charges",
  "total_charges",
  "female",
  "senior_citizen",
  "partner",
  "dependents",
  "phone_service",
  "paperless_billing",
] as const;

/** The model's text inputs, by name. */
export const TEXTS = [
  "contract",
  "payment_method",
  "internet_service",
  "multiple_lines",
  "online_security",
  "online_backup",
  "device_protection",
  "tech_support",
  "streaming_tv",
  "streaming_movies",
] as const;

export type NumberName = (typeof NUMBERS)[number];
export type TextName = (typeof TEXTS)[number];

/** What is known of a customer at one moment: the 19 inputs of the model. Only `total_charges` is ever null. */
export type Features = Readonly<Record<NumberName, number | null> & Record<TextName, string>>;

/** One row of the sample. */
export interface Customer {
  /** Row number, counted from 1. */
  readonly id: number;
  readonly churned: boolean;
  readonly features: Features;
}

/** Reads telco_churn.csv. @throws when the file is absent or a value is not of its column's type. */
export async function readTelco(file: string): Promise<readonly Customer[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    const numbers = NUMBERS.map((name) => `${source(name)}::DOUBLE AS ${name}`);
    const reader = await connection.runAndReadAll(
      `SELECT churn = 'Yes' AS churned, ${[...numbers, ...TEXTS].join(", ")} FROM read_csv($file, header = true)`,
      { file },
    );
    return reader.getRowObjectsJS().map(({ churned, ...row }, index) => ({
      id: index + 1,
      churned: churned === true,
      features: {
        ...record(NUMBERS, (name) => numberOrNull(row[name])),
        ...record(TEXTS, (name) => String(row[name])),
      },
    }));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** The sample's column for a model input. */
function source(name: NumberName): string {
  return name === "tenure_months" ? "tenure" : name;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function record<Name extends string, Value>(names: readonly Name[], value: (name: Name) => Value): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, Value>;
}
