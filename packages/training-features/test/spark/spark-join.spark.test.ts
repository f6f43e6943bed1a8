import { startSpark } from "@larder/testkit";
import { sparkSuite } from "./spark-suite.ts";

sparkSuite(startSpark);
