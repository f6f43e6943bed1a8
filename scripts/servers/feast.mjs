import { providePython } from "./python-environment.mjs";

/** Feast's Python SDK, several hundred megabytes. */
export function provideFeast(options) {
  const title = "Feast's Python SDK";
  return providePython({ ...options, name: "feast", title, requirement: "feast[duckdb,redis]", distribution: "feast" });
}
