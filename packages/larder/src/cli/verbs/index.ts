import type { Verb } from "../verb.ts";
import { getVerb } from "./get.ts";
import { materializeVerb } from "./materialize.ts";
import { materializeIncrementalVerb } from "./materialize-incremental.ts";
import { pushVerb } from "./push.ts";
import { resetVerb } from "./reset.ts";
import { serveVerb } from "./serve.ts";
import { trainingSetVerb } from "./training-set.ts";
import { validateVerb } from "./validate.ts";

/** Every verb, in the order a newcomer meets them. What a verb works with is imported when it runs, so that `--help` is quick. */
export const VERBS: readonly Verb[] = [
  validateVerb,
  materializeVerb,
  materializeIncrementalVerb,
  pushVerb,
  getVerb,
  trainingSetVerb,
  serveVerb,
  resetVerb,
];
