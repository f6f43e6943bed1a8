import { type Verb, withVerbs } from "../verb.ts";
import { applyVerb } from "./apply.ts";
import { codegenVerb } from "./codegen.ts";
import { consistencyVerb } from "./consistency.ts";
import { dlqVerbs } from "./dlq.ts";
import { doctorVerb } from "./doctor.ts";
import { forgetVerb } from "./forget.ts";
import { getVerb } from "./get.ts";
import { importFeastVerb } from "./import-feast.ts";
import { initVerb } from "./init.ts";
import { keysVerbs } from "./keys.ts";
import { listVerb } from "./list.ts";
import { materializeVerb } from "./materialize.ts";
import { materializeIncrementalVerb } from "./materialize-incremental.ts";
import { modelVerbs } from "./model.ts";
import { planVerb } from "./plan.ts";
import { pushVerb } from "./push.ts";
import { redisVerbs } from "./redis.ts";
import { resetVerb } from "./reset.ts";
import { serveVerb } from "./serve.ts";
import { statusVerb } from "./status.ts";
import { sweepVerb } from "./sweep.ts";
import { syncVerb } from "./sync.ts";
import { syncStatusVerb } from "./sync-status.ts";
import { trainingSetVerb } from "./training-set.ts";
import { trainingSetDiffVerb } from "./training-set-diff.ts";
import { validateVerb } from "./validate.ts";
import { whyVerb } from "./why.ts";

/** Every verb, in the order a newcomer meets them. What a verb works with is imported when it runs, so that `--help` is quick. */
export const VERBS: readonly Verb[] = [
  initVerb,
  importFeastVerb,
  validateVerb,
  codegenVerb,
  listVerb,
  doctorVerb,
  planVerb,
  applyVerb,
  materializeVerb,
  materializeIncrementalVerb,
  pushVerb,
  getVerb,
  whyVerb,
  withVerbs(trainingSetVerb, [trainingSetDiffVerb]),
  consistencyVerb,
  modelVerbs,
  serveVerb,
  withVerbs(syncVerb, [syncStatusVerb]),
  dlqVerbs,
  keysVerbs,
  statusVerb,
  sweepVerb,
  redisVerbs,
  resetVerb,
  forgetVerb,
];
