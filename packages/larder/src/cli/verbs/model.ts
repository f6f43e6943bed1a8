import { defineGroup } from "../verb.ts";
import { modelAddVerb } from "./model-add.ts";
import { modelListVerb } from "./model-list.ts";

/** `larder model …`: models on disk, and what they were trained on. */
export const modelVerbs = defineGroup("model", "record what models were trained on, and list them", [
  modelAddVerb,
  modelListVerb,
]);
