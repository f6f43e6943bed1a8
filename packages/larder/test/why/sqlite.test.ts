import { DatabaseSync } from "node:sqlite";
import { whyRules } from "./why-rules.ts";

whyRules({
  store: () => "{ type: sqlite, path: online.db }",
  breakRow: async ({ project }, view, customer) => {
    using file = new DatabaseSync(project.path("online.db"));
    file.prepare("UPDATE rows SET bytes = x'00' WHERE view = ? AND entity_key = ?").run(view, String(customer));
  },
});
