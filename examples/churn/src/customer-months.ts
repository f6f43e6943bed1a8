import type { SeededRandom } from "./seeded-random.ts";
import type { Features, TextName } from "./telco.ts";

/** No history reaches further back than this many months. */
export const MONTHS = 12;

/** Services a customer may add for about {@link ADD_ON_PRICE} a month. */
const ADD_ONS: readonly TextName[] = [
  "multiple_lines",
  "online_security",
  "online_backup",
  "device_protection",
  "tech_support",
  "streaming_tv",
  "streaming_movies",
];
const ADD_ON_PRICE = 5;
const LOWEST_CHARGE = 18.25;

/**
 * A customer's features as of each month, newest first: element k is k months before the last. Element 0 is `last` itself. Tenure grows by one
 * a month, so a customer of tenure t has at most t + 1 months; before them total charges accumulate, contracts become longer, payments
 * automatic, services are added and prices rise.
 */
export function customerMonths(last: Features, random: SeededRandom): readonly Features[] {
  const tenure = last.tenure_months ?? 0;
  const changes = drawChanges(random);
  const months: Features[] = [last];
  for (let ago = 1; ago < MONTHS && ago <= tenure; ago++) months.push(monthsAgo(last, tenure, ago, changes));
  return months;
}

/** For each thing that may have changed inside the window: how many months ago the older value still held. Infinity: it did not change. */
interface Changes {
  readonly contract: number;
  readonly payment: number;
  readonly paperless: number;
  readonly partner: number;
  readonly dependents: number;
  readonly price: number;
  /** What the older price was, as a share of the newer. */
  readonly olderPrice: number;
  readonly addOns: ReadonlyMap<TextName, number>;
}

function drawChanges(random: SeededRandom): Changes {
  const when = (probability: number): number => {
    const changed = random.chance(probability);
    const ago = random.int(1, MONTHS - 1);
    return changed ? ago : Number.POSITIVE_INFINITY;
  };
  return {
    contract: when(0.2),
    payment: when(0.15),
    paperless: when(0.1),
    partner: when(0.04),
    dependents: when(0.03),
    price: when(0.5),
    olderPrice: 1 - random.int(1, 6) / 100,
    addOns: new Map(ADD_ONS.map((name) => [name, when(0.12)])),
  };
}

function monthsAgo(last: Features, tenure: number, ago: number, changes: Changes): Features {
  const features: { -readonly [Name in keyof Features]: Features[Name] } = { ...last };
  features.tenure_months = tenure - ago;
  if (ago >= changes.contract) features.contract = shorterContract(last.contract);
  if (ago >= changes.payment && last.payment_method.endsWith("(automatic)"))
    features.payment_method = "Electronic check";
  if (ago >= changes.paperless) features.paperless_billing = 0;
  if (ago >= changes.partner) features.partner = 0;
  if (ago >= changes.dependents) features.dependents = 0;
  let charge = last.monthly_charges ?? 0;
  if (ago >= changes.price) charge *= changes.olderPrice;
  for (const [name, since] of changes.addOns) {
    if (ago < since || last[name] !== "Yes") continue;
    features[name] = "No";
    charge -= ADD_ON_PRICE;
  }
  features.monthly_charges = Math.max(LOWEST_CHARGE, Math.round(charge * 20) / 20);
  // A customer of tenure 0 has not been billed yet: no total, as in the sample.
  const total =
    last.total_charges === null ? null : Math.round((last.total_charges * 100 * (tenure - ago)) / tenure) / 100;
  features.total_charges = tenure === ago ? null : total;
  return features;
}

function shorterContract(contract: string): string {
  return contract === "Two year" ? "One year" : "Month-to-month";
}
