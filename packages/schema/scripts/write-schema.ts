// Writes what follows from the TypeBox schema, feature_store.schema.json and the tables of docs/feature_store.md:
// `pnpm --filter @larder/schema schema`.
import { readFileSync, writeFileSync } from "node:fs";
import { schemaJson } from "../src/schema-json.ts";
import { withReference } from "./reference.ts";

const page = new URL("../../../docs/feature_store.md", import.meta.url);
writeFileSync(new URL("../feature_store.schema.json", import.meta.url), schemaJson());
writeFileSync(page, withReference(readFileSync(page, "utf8")));
