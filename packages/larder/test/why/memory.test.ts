import { whyRules } from "./why-rules.ts";

whyRules({ store: () => "{ type: memory }", breakRow: undefined });
