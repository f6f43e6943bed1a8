import { startSail } from "@larder/testkit";
import { sparkSuite } from "./spark-suite.ts";

sparkSuite(startSail, { writesUnordered: true, noLambdas: true });
