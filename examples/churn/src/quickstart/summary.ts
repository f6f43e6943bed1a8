/** The line that each step ends with, out of what the verb said in JSON. */
export const summaryOf = {
  validate: (said: unknown): string =>
    `${list(said, "feature_views")} views, ${list(said, "feature_services")} service, ${list(said, "models")} model`,
  trainingSet: (said: unknown): string => {
    const matched = field(first(field(said, "views")), "matched");
    const share = (name: string): string =>
      `${((100 * Number(field(matched, name))) / Number(field(said, "rows"))).toFixed(1)} %`;
    return `${number(said, "rows")} rows, ${share("bitemporal")} with features known then (${share("event_time")} by event time)`;
  },
  materialize: (said: unknown): string =>
    ["applied", "duplicate", "stale"]
      .map((outcome) => `${number(field(said, "totals"), outcome)} ${outcome}`)
      .join(", "),
};

function field(said: unknown, name: string): unknown {
  return typeof said === "object" && said !== null ? Reflect.get(said, name) : undefined;
}

function first(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}

function list(said: unknown, name: string): number {
  const value = field(said, name);
  return Array.isArray(value) ? value.length : 0;
}

function number(said: unknown, name: string): string {
  return Number(field(said, name)).toLocaleString("en-US");
}
