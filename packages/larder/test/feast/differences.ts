import { type Answer, differsInStatuses, hasNothing, isFeastError } from "./compare-answers.ts";
import type { Pair } from "./golden.ts";

/** A difference as docs/feast.md has it: the names of its requests with Larder's status, and what else must hold. */
export interface Difference {
  readonly pairs: Readonly<Record<string, number>>;
  holds(pair: Pair, answer: Answer): boolean;
}

/** By their names in docs/feast.md. */
export type Differences = Readonly<Record<string, Difference>>;

const refused = (pairs: Difference["pairs"]): Difference => ({ pairs, holds: (_, answer) => isFeastError(answer) });

/** Every difference between Feast's answers and Larder's, by its name in docs/feast.md. What is not here is equal. */
export const DIFFERENCES: Differences = {
  "what is not there says why": {
    pairs: {
      "get-found-and-missing": 200,
      "get-null-feature": 200,
      "get-composite": 200,
      "get-entity-big-int64": 200,
      "push-readback": 200,
      "a service of two views": 200,
      "aliases and join key maps": 200,
      "an int32 key": 200,
    },
    holds: differsInStatuses,
  },
  "infinities and NaN are null": {
    pairs: { "every type": 200 },
    holds: (pair, answer) => differsInStatuses({ ...pair, body: pair.body.replaceAll('"Infinity"', "null") }, answer),
  },
  "a caller's mistake is 4xx": {
    pairs: {
      "get-duplicate-features": 422,
      "two views with the same names": 422,
      "aliases without full names": 422,
      "err-unknown-feature": 404,
      "err-bad-ref": 422,
      "err-no-features": 422,
      "err-empty-features": 422,
      "err-empty-entities": 422,
      "get-empty-entity-list": 422,
      "err-unequal-lengths": 422,
      "err-missing-join-key": 422,
      "err-null-entity": 422,
      "err-null-entity-mixed": 422,
      "err-entity-as-text": 422,
      "err-entity-over-int64": 422,
      "err-push-unix-timestamp-feature-as-iso": 422,
      "push-offline": 422,
      "err-push-bad-to": 422,
      "err-push-missing-feature-column": 422,
      "err-push-missing-timestamp": 422,
      "err-push-missing-join-key": 422,
      "err-push-bad-type": 422,
      "err-push-bad-timestamp": 422,
      "err-push-unequal-columns": 422,
      "err-write-missing-column": 422,
      "err-write-no-timestamp": 422,
      "err-materialize-start-after-end": 422,
      "err-materialize-no-window": 422,
      "err-materialize-bad-ts": 422,
    },
    holds: (pair, answer) => pair.status === 500 && isFeastError(answer),
  },
  "the words of an error": {
    pairs: {
      "err-unknown-view": 404,
      "err-unknown-service": 404,
      "err-no-entities": 422,
      "err-entity-scalar": 422,
      "get-entities-row-form": 422,
      "err-array-body": 422,
      "err-method": 405,
      "err-push-unknown-source": 422,
      "err-push-no-df": 422,
      "err-write-unknown-view": 404,
      "err-write-no-df": 422,
      "err-materialize-unknown-view": 404,
      "err-materialize-incremental-no-end": 422,
      "materialize-async-again": 409,
    },
    holds: (pair, answer) => pair.status === answer.status && isFeastError(answer),
  },
  "a body that is no JSON": refused({ "err-malformed-json": 400, "get-no-content-type": 415 }),
  "values are taken as they are": refused({
    "get-entity-as-fractional-float": 422,
    "get-entity-as-bool": 422,
    "push-int-for-double": 422,
    "push-epoch-ms-ts": 422,
    "push-empty-df": 422,
  }),
  "what was refused is not there": {
    pairs: { "push-int-for-double-readback": 200, "push-epoch-ms-ts-readback": 200 },
    holds: hasNothing,
  },
  "a composite key is whole": refused({ "get-composite-partial-key": 422 }),
  "views have no versions": refused({ "get-collision": 404, "get-versioned-ref": 404 }),
  "a write says what became of its rows": {
    pairs: {
      "push-online": 200,
      "push-list-feature": 200,
      "push-older": 200,
      "push-equal-ts": 200,
      "push-naive-ts": 200,
      "push-offset-ts": 200,
      "push-two-rows": 200,
      "push-extra-column": 200,
      "err-push-missing-created": 200,
      "push-all-null": 200,
      write: 200,
      "write-churn": 200,
    },
    holds: (pair, { body }) => ["", "null"].includes(pair.body) && body.startsWith('{"views":[{"feature_view":'),
  },
  "more can be pushed": {
    pairs: { "push-bytes-feature-base64-string": 200, "err-push-no-created-column": 200 },
    holds: (pair, { body }) => pair.status === 500 && body.startsWith('{"views":[{"feature_view":'),
  },
  "a job has a name": {
    pairs: { "materialize-async": 202 },
    holds: (_, { body }) => body.startsWith('{"status":"accepted","feature_views":["churn_features"],"job_id":'),
  },
  "reads go on during materialize": {
    pairs: { "get-while-materializing": 200 },
    holds: (_, { body }) => body.includes('"values":[1],"statuses":["PRESENT"]'),
  },
  "other routes": {
    pairs: { "err-404": 404, "search-redis": 404, "vector-stores": 404, "metrics-on-main-port": 200 },
    holds: ({ name }, { body }) => body.includes(name.startsWith("metrics") ? "# HELP" : "UNKNOWN_ROUTE"),
  },
};

/** What is left of them on strict routes, by its name in docs/feast.md. */
export const STRICT_DIFFERENCES: Differences = {
  "a composite key is whole": refused({ "get-composite-partial-key": 422 }),
  "reads go on during materialize": {
    pairs: { "get-while-materializing": 200 },
    holds: (_, { body }) => body.includes('"values":[1],"statuses":["PRESENT"]'),
  },
  "nothing is pushed offline": refused({ "push-offline": 422 }),
  "the words for broken JSON": {
    pairs: { "err-malformed-json": 422 },
    holds: (pair, { status, body }) => {
      const [start = "", words] = pair.body.split('"ctx"');
      return pair.status === status && words !== undefined && body.startsWith(start);
    },
  },
  "no vector search": {
    pairs: { "search-redis": 404, "vector-stores": 404 },
    holds: (_, { body }) => body === '{"detail":"Not Found"}',
  },
};
