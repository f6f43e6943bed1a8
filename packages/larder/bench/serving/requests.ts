import { postRequest } from "@larder/testkit/load";
import { CUSTOMERS } from "./world.ts";

/** Requests of one kind, for other customers each. */
export interface Kind {
  readonly name: string;
  readonly requests: readonly Buffer[];
  /** The floor only predicts. */
  readonly byFloor: boolean;
}

/** `POST /predict` of so many rows, of a tenant where one is named. */
export function predictions(rows: number, tenant?: string): Kind {
  const path = tenant === undefined ? "/predict" : `/t/${tenant}/predict`;
  const requests = customers(rows).map((ids) =>
    postRequest(path, { entity_rows: ids.map((customer_id) => ({ customer_id })) }),
  );
  return { name: `predict, ${many(rows)}`, requests, byFloor: true };
}

/** `POST /get-online-features` of so many rows. */
export function features(rows: number): Kind {
  const requests = customers(rows).map((ids) =>
    postRequest("/get-online-features", { feature_service: "churn_v1", entities: { customer_id: ids } }),
  );
  return { name: `features, ${many(rows)}`, requests, byFloor: false };
}

function customers(rows: number): readonly (readonly number[])[] {
  return Array.from({ length: 97 }, (_, turn) =>
    Array.from({ length: rows }, (_, i) => 1 + ((turn * 1009 + i * 53) % CUSTOMERS)),
  );
}

function many(rows: number): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}
