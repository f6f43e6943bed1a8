import { checkApplied } from "../check-applied.ts";
import type { OpenedStore } from "./open-store.ts";
import type { VerbContext } from "./verb.ts";

/** Before a verb writes rows: says on stderr when its definitions are not the applied ones. */
export async function warnOfDifference(
  opened: OpenedStore,
  { terminal, signal }: Pick<VerbContext<object>, "terminal" | "signal">,
): Promise<void> {
  const warning = await checkApplied(opened, { refuseBreaking: false, signal });
  if (warning !== undefined) terminal.talk(`${terminal.paintTalk.yellow("warning")}: ${warning}\n`);
}
