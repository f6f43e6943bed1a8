import type { Features, NumberName, TextName } from "./telco.ts";

/** One row of one view, as it was published. Times are milliseconds since the epoch. */
export interface PublishedRow {
  readonly customerId: number;
  readonly eventTime: number;
  /** When the row became known; never before the event and never after the as-of date. */
  readonly created: number;
  /** Came days after its event, alone or as a correction of an earlier row. */
  readonly late: boolean;
  /** What the customer was like; undefined: a deletion. */
  readonly features: Features | undefined;
}

/** A column of a view's Parquet files. */
export type ViewColumn =
  | { readonly name: NumberName; readonly type: "FLOAT" }
  | { readonly name: TextName; readonly type: "VARCHAR" }
  | { readonly name: "last_invoice"; readonly type: "BIGINT" };

export type ViewName = "churn_features" | "billing" | "services";

/** How one feature view of feature_store.yaml is filled. */
export interface ChurnView {
  readonly name: ViewName;
  readonly columns: readonly ViewColumn[];
  /** What a clerk might have entered wrongly at first; absent where nobody types anything. */
  mistake?(features: Features): Features;
}

/** The three views, in the order of feature_store.yaml. */
export const VIEWS: readonly ChurnView[] = [
  {
    name: "churn_features",
    columns: [
      ...numbers("tenure_months", "female", "senior_citizen", "partner", "dependents", "paperless_billing"),
      ...texts("contract", "payment_method"),
    ],
    mistake: (features) => ({
      ...features,
      payment_method: features.payment_method === "Mailed check" ? "Electronic check" : "Mailed check",
    }),
  },
  {
    name: "billing",
    columns: [...numbers("monthly_charges", "total_charges"), { name: "last_invoice", type: "BIGINT" }],
    mistake: (features) => ({ ...features, monthly_charges: (features.monthly_charges ?? 0) + 10 }),
  },
  {
    name: "services",
    columns: [
      ...numbers("phone_service"),
      ...texts("internet_service", "multiple_lines", "online_security", "online_backup"),
      ...texts("device_protection", "tech_support", "streaming_tv", "streaming_movies"),
    ],
  },
];

/** The row's value in a column; null in a deletion. */
export function columnValue(column: ViewColumn, row: PublishedRow): number | string | null {
  if (row.features === undefined) return null;
  return column.name === "last_invoice" ? invoiceNumber(row) : row.features[column.name];
}

/** Year, month and customer in one number: 2026-10, customer 42 is 20261000042. */
export function invoiceNumber(row: PublishedRow): number {
  const date = new Date(row.eventTime);
  return (date.getUTCFullYear() * 100 + date.getUTCMonth() + 1) * 100_000 + row.customerId;
}

function numbers(...names: readonly NumberName[]): readonly ViewColumn[] {
  return names.map((name) => ({ name, type: "FLOAT" }));
}

function texts(...names: readonly TextName[]): readonly ViewColumn[] {
  return names.map((name) => ({ name, type: "VARCHAR" }));
}
