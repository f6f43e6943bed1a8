import { readFileSync } from "node:fs";

/** The commands that docs/redis.md says a user of the project `churn` needs, as ACL words; the documentation is what is tested. */
export function documentedRule(): string {
  const text = readFileSync(new URL("../../../../../docs/redis.md", import.meta.url), "utf8");
  const rule = /^user larder on >secret ~l:churn:\* ~l::churn:\* &l::churn:\* (-@all .+)$/m.exec(text)?.[1];
  if (rule === undefined) throw new Error("docs/redis.md has no rule for an ACL user.");
  return rule;
}
