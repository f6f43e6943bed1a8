import type { EntityAnswers } from "../entity-answers.ts";
import { renderTable } from "./table.ts";

/** One entity as an object, several as `rows` of such objects. */
export function entitiesJson(answers: EntityAnswers): unknown {
  const { degraded } = answers.answer;
  const rows = entitiesOf(answers);
  return rows.length === 1 ? { ...rows[0], degraded } : { rows, degraded };
}

/** A table; with several entities it says whose features they are. */
export function entitiesText(answers: EntityAnswers): string {
  const rows = entitiesOf(answers);
  const several = rows.length > 1;
  const cells = rows.flatMap(({ entity, features }) =>
    features.map(({ name, value, status, event_timestamp }) => [
      ...(several ? [shown(entity)] : []),
      ...[name, value, status, event_timestamp ?? ""],
    ]),
  );
  return renderTable([...(several ? ["entity"] : []), "feature", "value", "status", "event_timestamp"], cells);
}

function entitiesOf({ rows, answer }: EntityAnswers) {
  const values = answer.toRows();
  return rows.map((entity, row) => ({
    entity,
    features: Object.entries(answer.statuses).map(([name, statuses]) => ({
      name,
      value: values[row]?.[name],
      status: statuses[row],
      event_timestamp: answer.eventTimestamps[name]?.[row] ?? null,
    })),
  }));
}

function shown(entity: Readonly<Record<string, unknown>>): string {
  return Object.entries(entity)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");
}
