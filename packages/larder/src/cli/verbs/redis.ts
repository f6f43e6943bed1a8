import { defineGroup } from "../verb.ts";
import { redisCheckVerb } from "./redis-check.ts";
import { redisExplainVerb } from "./redis-explain.ts";

/** `larder redis …`: what is about Redis alone. */
export const redisVerbs = defineGroup("redis", "look at the Redis behind the online store", [
  redisCheckVerb,
  redisExplainVerb,
]);
