import { providePython } from "./python-environment.mjs";

/** Sail, a Spark Connect server without Java: one package, small enough to be installed unasked. */
export function provideSail(options) {
  return providePython({
    ...options,
    install: true,
    name: "sail",
    title: "Sail",
    requirement: "pysail",
    distribution: "pysail",
  });
}
