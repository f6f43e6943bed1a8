// The quick start: `npm run quickstart` at the root installs everything and comes here. Node 24, nothing but the public command and HTTP.
import { runQuickstart } from "../src/quickstart/quickstart.ts";

process.exitCode = await runQuickstart();
