import type { Judged } from "./verdict.ts";

/** A table of all figures, and a line for each regression. */
export function reportText(judged: readonly Judged[], limit: number): string {
  const head = ["figure", "base", "head", "head is worse by the factor", "interval", "verdict"];
  const lines = judged.map(({ name, base, head: own, ratio, low, high, verdict }) => [
    ...[name, short(base), short(own), ratio.toFixed(3)],
    ...[`${low.toFixed(3)} to ${high.toFixed(3)}`, verdict],
  ]);
  const table = [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  const regressions = judged
    .filter(({ verdict }) => verdict === "regression")
    .map(
      ({ name, ratio, low, high }) =>
        `REGRESSION ${name}: ${ratio.toFixed(2)} > ${(1 + limit).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})\n`,
    );
  return `${table}\n${regressions.join("")}`;
}

function short(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
