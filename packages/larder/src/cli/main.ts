#!/usr/bin/env node
import { runCli } from "./program.ts";
import { systemTerminal } from "./terminal.ts";

// A reader that went away (`larder get … | head -1`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.exitCode = await runCli(process.argv.slice(2), systemTerminal());
