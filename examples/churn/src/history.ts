import { customerMonths, MONTHS } from "./customer-months.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";
import type { Customer, Features } from "./telco.ts";
import { type PublishedRow, VIEWS, type ViewName } from "./views.ts";

/** One entity row of the training set. */
export interface LabelRow {
  readonly customerId: number;
  readonly eventTime: number;
  /** Whether the customer left before the next billing day. */
  readonly churn: boolean;
}

/** Everything the generator makes. */
export interface History {
  readonly rows: ReadonlyMap<ViewName, readonly PublishedRow[]>;
  readonly labels: readonly LabelRow[];
}

/** Accounts besides the sample's that were closed: the last row of each is a deletion. */
export const CLOSED_ACCOUNTS = 20;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Billing days are early in the month, so that even the latest row (9 days and some hours on) is known before the month ends. */
const LAST_BILLING_DAY = 17;
const LATE_SHARE = 0.04;
const CORRECTED_SHARE = 0.02;

/**
 * The history of all customers as somebody would find it on `asOf`, the first of a month (UTC): the last rows are of the month before and hold
 * the sample's values. A pure function of its arguments.
 */
export function makeHistory(customers: readonly Customer[], seed: number, asOf: Date): History {
  const rows = new Map<ViewName, PublishedRow[]>(VIEWS.map((view) => [view.name, []]));
  const labels: LabelRow[] = [];
  for (const customer of customers) {
    const random = seededRandom(seed, customer.id);
    const months = customerMonths(customer.features, random);
    const days = billingDays(months.length, asOf, random);
    publish(rows, customer.id, months, days, random);
    labels.push(...labelsOf(customer, days, asOf, random));
  }
  for (let i = 1; i <= CLOSED_ACCOUNTS; i++) {
    const random = seededRandom(seed, customers.length + i);
    const like = customers[random.int(0, customers.length - 1)];
    if (like === undefined) continue;
    const months = [undefined, ...customerMonths(like.features, random)].slice(0, MONTHS);
    publish(rows, customers.length + i, months, billingDays(months.length, asOf, random), random);
  }
  for (const list of rows.values()) list.sort(byTime);
  labels.sort((a, b) => a.eventTime - b.eventTime || a.customerId - b.customerId);
  return { rows, labels };
}

/** The customer's billing times, newest first, `count` months back from the month before `asOf`. */
function billingDays(count: number, asOf: Date, random: SeededRandom): readonly number[] {
  const offset = random.int(0, LAST_BILLING_DAY - 1) * DAY + random.int(0, 23) * HOUR;
  return Array.from(
    { length: count },
    (_, ago) => Date.UTC(asOf.getUTCFullYear(), asOf.getUTCMonth() - 1 - ago, 1) + offset,
  );
}

/** Publishes one customer's months (undefined: a deletion) in every view, some rows late and some wrong at first. */
function publish(
  into: ReadonlyMap<ViewName, PublishedRow[]>,
  customerId: number,
  months: readonly (Features | undefined)[],
  days: readonly number[],
  random: SeededRandom,
): void {
  for (const view of VIEWS) {
    const list = into.get(view.name) ?? [];
    for (const [ago, eventTime] of days.entries()) {
      const features = months[ago];
      const prompt = eventTime + random.int(1, 12 * 60) * 60_000;
      const delayed = prompt + random.int(1, 9) * DAY;
      if (features !== undefined && view.mistake !== undefined && random.chance(CORRECTED_SHARE)) {
        list.push({ customerId, eventTime, created: prompt, late: false, features: view.mistake(features) });
        list.push({ customerId, eventTime, created: delayed, late: true, features });
      } else {
        const late = random.chance(LATE_SHARE);
        list.push({ customerId, eventTime, created: late ? delayed : prompt, late, features });
      }
    }
  }
}

/** One label in the last month, which says what the sample says, and one in an earlier month, when every customer stayed. */
function labelsOf(customer: Customer, days: readonly number[], asOf: Date, random: SeededRandom): readonly LabelRow[] {
  const within = (from: number, to: number): number => from + Math.floor((random.next() * (to - from)) / HOUR) * HOUR;
  const last = days[0] ?? asOf.getTime();
  const labels = [{ customerId: customer.id, eventTime: within(last, asOf.getTime()), churn: customer.churned }];
  const ago = random.int(1, MONTHS - 1);
  const from = days[ago];
  const to = days[ago - 1];
  if (from !== undefined && to !== undefined) {
    labels.push({ customerId: customer.id, eventTime: within(from, to), churn: false });
  }
  return labels;
}

function byTime(a: PublishedRow, b: PublishedRow): number {
  return a.eventTime - b.eventTime || a.created - b.created || a.customerId - b.customerId;
}
