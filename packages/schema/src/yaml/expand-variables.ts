import { Fault } from "../fault.ts";

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const VARIABLE = /^([A-Za-z_]\w*)(?::-(.*))?$/s;

/**
 * Replaces `${VAR}` and `${VAR:-default}` (the default also stands in for an empty variable, as in a shell); `$${` is a literal `${`.
 * Answers undefined where there is nothing to replace. A variable's text is not expanded again.
 */
export function expandVariables(text: string, env: Environment): string | Fault | undefined {
  if (!text.includes("${")) return undefined;
  let fault: Fault | undefined;
  const expanded = text.replace(REFERENCE, (whole: string, inner: string | undefined) => {
    if (whole === "$${") return "${";
    const value = expandOne(inner, env);
    if (typeof value === "string") return value;
    fault ??= value;
    return "";
  });
  return fault ?? expanded;
}

function expandOne(inner: string | undefined, env: Environment): string | Fault {
  if (inner === undefined) return new Fault("has ${ without }", "Close the reference, or write $${ for a literal ${");
  const [, name = "", fallback] = VARIABLE.exec(inner) ?? [];
  if (name === "") {
    return new Fault("has a ${…} that names no variable", "Write ${NAME} or ${NAME:-default}, or $${ for a literal ${");
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value !== undefined && (value !== "" || fallback === undefined)) return value;
  return (
    fallback ??
    new Fault(`needs the environment variable ${name}, which is not set`, `Set ${name}, or write \${${name}:-default}`)
  );
}
