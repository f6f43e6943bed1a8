import type { KafkaRecord } from "@larder/testkit";
import type { Features } from "../telco.ts";
import { VIEWS, type ViewName } from "../views.ts";

/** Something that happens to a customer. */
export interface ChurnEvent {
  readonly what: string;
  /** What the customer is like afterwards. */
  readonly features: Features;
}

/** What may happen, in turn; the model weighs each of it. */
const HAPPENINGS: readonly { readonly what: string; readonly change: (features: Features) => Partial<Features> }[] = [
  { what: "signs for two years", change: () => ({ contract: "Two year" }) },
  {
    what: "the bill goes up by $15",
    change: ({ monthly_charges }) => ({ monthly_charges: (monthly_charges ?? 0) + 15 }),
  },
  { what: "falls back to month-to-month", change: () => ({ contract: "Month-to-month" }) },
  {
    what: "the bill goes down by $20",
    change: ({ monthly_charges }) => ({ monthly_charges: (monthly_charges ?? 0) - 20 }),
  },
  { what: "signs for one year", change: () => ({ contract: "One year" }) },
  { what: "pays by electronic check", change: () => ({ payment_method: "Electronic check" }) },
  { what: "pays by bank transfer", change: () => ({ payment_method: "Bank transfer (automatic)" }) },
];

/** The first thing from `turn` on that changes anything for the customer. */
export function nextEvent(features: Features, turn: number): ChurnEvent {
  for (let i = 0; i < HAPPENINGS.length; i++) {
    const happening = HAPPENINGS[(turn + i) % HAPPENINGS.length];
    const changed: Features = { ...features, ...happening?.change(features) };
    if (happening !== undefined && !isSame(changed, features)) return { what: happening.what, features: changed };
  }
  throw new Error("Nothing can happen to this customer.");
}

/** A record for each view of which something is new; for all views where nothing was known before. */
export function recordsOf(
  customer: number,
  features: Features,
  before: Features | undefined,
  at: Date,
): ReadonlyMap<ViewName, KafkaRecord> {
  const records = new Map<ViewName, KafkaRecord>();
  for (const { name, columns } of VIEWS) {
    const values = Object.fromEntries(
      columns.map((column) => [column.name, column.name === "last_invoice" ? null : features[column.name]]),
    );
    const known = columns.every(({ name: of }) => of === "last_invoice" || before?.[of] === features[of]);
    if (before !== undefined && known) continue;
    const times = { event_timestamp: at.toISOString(), created: at.toISOString() };
    records.set(name, { key: String(customer), value: JSON.stringify({ customer_id: customer, ...values, ...times }) });
  }
  return records;
}

function isSame(a: Features, b: Features): boolean {
  return (Object.keys(a) as (keyof Features)[]).every((name) => a[name] === b[name]);
}
