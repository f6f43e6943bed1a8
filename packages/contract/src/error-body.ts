import { type Static, Type } from "typebox";

/** One of several problems of a request, such as one bad row. */
export const RequestProblem = Type.Object({
  place: Type.String({ description: "Where: `row 3`." }),
  field: Type.String({ description: "The column or field at fault." }),
  what: Type.String(),
  remedy: Type.String(),
});
export type RequestProblem = Static<typeof RequestProblem>;

/** Most problems one error body lists; `problems_total` says how many there are. */
export const MAX_LISTED_PROBLEMS = 100;

/** What every error body says, besides its outer form. */
const errorFacts = {
  code: Type.String({ description: "One of the closed list of error codes; branch on this." }),
  field: Type.Optional(Type.String({ description: "The field of the request at fault." })),
  remedy: Type.String({ description: "What the caller can do about it." }),
  request_id: Type.String(),
  problems: Type.Optional(Type.Array(RequestProblem)),
  problems_total: Type.Optional(Type.Integer()),
};

/** An RFC 9457 body, `application/problem+json`: every route but Feast's. */
export const ProblemBody = Type.Object(
  {
    type: Type.String({ description: "`urn:larder:error:` and the code." }),
    title: Type.String({ description: "The status in words." }),
    status: Type.Integer(),
    detail: Type.String({ description: "What is wrong, as a fact." }),
    ...errorFacts,
  },
  { description: "RFC 9457 problem details" },
);
export type ProblemBody = Static<typeof ProblemBody>;

/** The body of an error below `/v2`: the Open Inference Protocol's `error`, and Larder's facts beside it. */
export const InferenceErrorBody = Type.Object(
  { error: Type.String({ description: "What is wrong, and what the caller can do about it." }), ...errorFacts },
  { description: "The Open Inference Protocol's error object" },
);
export type InferenceErrorBody = Static<typeof InferenceErrorBody>;

/**
 * What Feast's routes say inside a JSON string: the body is `JSON.stringify(JSON.stringify(detail))`. Feast's client reads module, class and
 * message; the rest is Larder's.
 */
export const FeastErrorDetail = Type.Object({
  module: Type.String(),
  class: Type.String(),
  message: Type.String(),
  ...errorFacts,
});
export type FeastErrorDetail = Static<typeof FeastErrorDetail>;

/** The body of an error on one of Feast's routes. */
export const FeastErrorBody = Type.String({
  description: "JSON text of {module, class, message, code, field, remedy}",
});
export type FeastErrorBody = Static<typeof FeastErrorBody>;
