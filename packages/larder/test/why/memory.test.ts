import { whyRules } from "./why-rules.ts";

whyRules({ store: () => "{ type: memory }", outside: undefined });
