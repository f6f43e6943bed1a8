import { eventSourceSuite } from "./event-source-suite.ts";

eventSourceSuite("platformatic");
