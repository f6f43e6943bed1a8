// Events through Kafka into the online store, while predictions change: `npm run -s demo:stream` at the root comes here.
import { runStreamDemo } from "../src/stream-demo/stream-demo.ts";

process.exitCode = await runStreamDemo(process.argv.slice(2));
