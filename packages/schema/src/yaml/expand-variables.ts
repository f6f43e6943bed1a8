import { Fault } from "../fault.ts";

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

const OPEN = "$\u007b";

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
  if (inner === undefined)
    return new Fault(`has ${OPEN} without }`, `Close it, or write $${OPEN} for a literal ${OPEN}`);
  const [, name = "", fallback] = VARIABLE.exec(inner) ?? [];
  if (name === "") {
    const remedy = `Write ${OPEN}NAME} or ${OPEN}NAME:-default}, or $${OPEN} for a literal ${OPEN}`;
    return new Fault(`has ${OPEN}…} around what is no variable's name`, remedy);
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value !== undefined && (value !== "" || fallback === undefined)) return value;
  if (fallback !== undefined) return fallback;
  const remedy = `Set ${name}, or write ${OPEN}${name}:-default}`;
  return new Fault(`needs the environment variable ${name}, which is not set`, remedy);
}
