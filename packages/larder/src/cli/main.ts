#!/usr/bin/env node
import { enableCompileCache } from "node:module";

// Keeps compiled code in the system's folder for temporary files, which halves the start; NODE_DISABLE_COMPILE_CACHE=1 turns it off. It counts for
// what is imported from here on.
enableCompileCache();
const { runCli } = await import("./program.ts");
const { systemTerminal } = await import("./terminal.ts");

// A reader that went away (`larder get … | head -1`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.exitCode = await runCli(process.argv.slice(2), systemTerminal());

// Whatever keeps the process alive now is a fault of ours, and must not keep the user waiting.
setTimeout(() => {
  process.stderr.write("larder: something was left open after the work was done; the process ends without it\n");
  process.exit();
}, 5_000).unref();
