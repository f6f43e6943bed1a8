import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { whyRules } from "./why-rules.ts";

whyRules({
  store: () => "{ type: sqlite, path: online.db }",
  outside: {
    async breakRow({ project }, view, customer) {
      using file = new DatabaseSync(project.path("online.db"));
      const update = file.prepare("UPDATE rows SET bytes = x'00' WHERE view = ? AND entity_key = ?");
      expect(update.run(view, String(customer)).changes).toBe(1);
    },
    async loseSchemas({ project }) {
      using file = new DatabaseSync(project.path("online.db"));
      expect(file.prepare("DELETE FROM meta WHERE name LIKE 'schema-%'").run().changes).toBeGreaterThan(0);
    },
  },
});
