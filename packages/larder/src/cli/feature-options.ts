import type { Command } from "commander";

/** `--features` and `--service`, of which a verb needs one. */
export function selectionOptions(command: Command): Command {
  return command
    .option("--features <list>", "view:feature, separated by commas")
    .option("--service <name>", "all features of this feature service");
}
