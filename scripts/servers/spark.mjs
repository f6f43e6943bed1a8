import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { providePython } from "./python-environment.mjs";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);

/** Spark with its Connect server, some 500 MB; not what its Python client needs, since only the server is wanted. */
export async function provideSpark(options) {
  await run("java", ["-version"], { timeout: 30_000 }).catch((error) => {
    throw new RemedyError("There is no java on PATH, which Spark needs", "Install Java 17 or newer", error);
  });
  const distribution = "pyspark";
  return providePython({
    ...options,
    name: "spark",
    title: "Spark",
    requirement: distribution,
    distribution,
    pip: ["--no-deps"],
  });
}
