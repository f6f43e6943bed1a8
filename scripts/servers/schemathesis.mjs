import { providePython } from "./python-environment.mjs";

/** Schemathesis, which asks a server what its OpenAPI document says that it may be asked: some 80 MB, installed where it is missing. */
export function provideSchemathesis(options) {
  const names = { name: "schemathesis", requirement: "schemathesis", distribution: "schemathesis" };
  return providePython({ ...options, ...names, title: "Schemathesis", install: true });
}
