import { defineGroup } from "../verb.ts";
import { dlqListVerb } from "./dlq-list.ts";
import { dlqPurgeVerb } from "./dlq-purge.ts";
import { dlqReplayVerb } from "./dlq-replay.ts";
import { dlqShowVerb } from "./dlq-show.ts";

/** `larder dlq …`: records that `larder sync` could not use. */
export const dlqVerbs = defineGroup("dlq", "look at, send back and delete the dead letters of larder sync", [
  dlqListVerb,
  dlqShowVerb,
  dlqReplayVerb,
  dlqPurgeVerb,
]);
