import { spawn } from "node:child_process";

/** Runs a command with our own input and output and passes signals on. Resolves with `{ code, signal }`; rejects when it can't be started. */
export function runForeground(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", ...options });
    const stopForwarding = forwardSignals(child);
    child.once("error", (error) => {
      stopForwarding();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      stopForwarding();
      resolve({ code, signal });
    });
  });
}

/** Runs a command whose output is shown on stderr if `shown`, and kept. Resolves with `{ code, output }`. */
export function runCaptured(command, args, { shown = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    const stopForwarding = forwardSignals(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output = (output + text).slice(-64 * 1024);
        if (shown) process.stderr.write(text);
      });
    }
    child.once("error", (error) => {
      stopForwarding();
      reject(error);
    });
    child.once("close", (code, signal) => {
      stopForwarding();
      if (signal === null) resolve({ code, output });
      else endAs({ code, signal });
    });
  });
}

/** Ends this process as a child ended: by its exit code, or by its signal. */
export function endAs({ code, signal }) {
  if (signal !== null) process.kill(process.pid, signal);
  process.exitCode = code ?? 1;
}

/**
 * Ctrl-C in a terminal reaches the child by itself, as it reaches every process of the foreground group; passing it on as well would make it a
 * second one, which servers take for "at once". All other signals reach only us.
 */
function forwardSignals(child) {
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const handlers = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => {
    const handler = () => {
      if (!(signal === "SIGINT" && onTerminal)) child.kill(signal);
    };
    process.on(signal, handler);
    return () => process.removeListener(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}
