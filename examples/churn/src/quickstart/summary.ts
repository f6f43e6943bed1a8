/** The line that each step ends with, out of what the verb said in JSON. */
export const summaryOf = {
  validate: (said: unknown): string =>
    `${list(said, "feature_views")} views, ${list(said, "feature_services")} service, ${list(said, "models")} model`,
  trainingSet: (said: unknown): string => `${number(said, "rows")} rows`,
  materialize: (said: unknown): string =>
    ["applied", "duplicate", "stale"]
      .map((outcome) => `${number(field(said, "totals"), outcome)} ${outcome}`)
      .join(", "),
};

function field(said: unknown, name: string): unknown {
  return typeof said === "object" && said !== null ? Reflect.get(said, name) : undefined;
}

function list(said: unknown, name: string): number {
  const value = field(said, name);
  return Array.isArray(value) ? value.length : 0;
}

function number(said: unknown, name: string): string {
  return Number(field(said, name)).toLocaleString("en-US");
}
