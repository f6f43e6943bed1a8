import { defineGroup } from "../verb.ts";
import { keysCreateVerb } from "./keys-create.ts";
import { keysListVerb } from "./keys-list.ts";
import { keysRevokeVerb } from "./keys-revoke.ts";

/** `larder keys …`: API keys of `larder serve`. */
export const keysVerbs = defineGroup("keys", "make, list and revoke API keys", [
  keysCreateVerb,
  keysListVerb,
  keysRevokeVerb,
]);
