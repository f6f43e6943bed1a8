import { RATE_HELP } from "../rate-option.ts";
import { runSync, type SyncOptions } from "../run-sync.ts";
import { defineVerb } from "../verb.ts";

/** `larder sync`: Kafka into the online store until a signal comes, or a window of it. */
export const syncVerb = defineVerb<SyncOptions>({
  usage: "sync",
  summary: "copy the topics that feature views name into the online store",
  description: `Reads the topics of every view with a stream as one member of the consumer group stream.group_id: run as many processes as you like. Each
record becomes rows; of a batch the newest row of each entity is written, if it is newer than what is stored; then the record's offset is committed. So a
process may be killed anywhere and started again. Records that cannot be used go to the dead-letter topic, which has to exist.

Prints one line with the address of its probes (/livez, /readyz) and of /metrics and /status when it begins to read; logs are JSON lines on stderr. While
the store or the brokers are away it holds offsets and tries again. SIGTERM or Ctrl-C: finishes and commits what is under way and exits 0. It exits 1 with
STREAM_POISONED when more of the last records cannot be used than stream.poison allows.

--from moves the group before it reads, for all processes and for good: to a time (the first record of that time or later; ISO 8601, without a zone UTC), to
the earliest or latest record, or to offsets of single partitions, with the others left where they are. A group with running members is not moved: exit 1
with STREAM_GROUP_ACTIVE, which names them. With --until as well it replays that window, beside a running sync, and ends: in a group of its own, whose
commits are the checkpoint, so that the same command goes on where a killed one was. It serves no probes. --dry-run prints the offsets and changes nothing.`,
  examples: [
    "sync",
    "sync --host 0.0.0.0 --port 8081",
    "sync --port 0 --json",
    "sync --from earliest --dry-run",
    "sync --from churn-features:0:1500,churn-features:1:1480",
    "sync --from 2024-01-01T00:00:00Z --until 2024-01-02T00:00:00Z --max-rows-per-second 2000",
  ],
  tenant: "unset",
  options: (command) =>
    command
      .option("--host <address>", "address of probes and metrics (default: server.host of the yaml, else 127.0.0.1)")
      .option("--port <number>", "port of probes and metrics, 0 for a free one (default: 6567)")
      .option("--from <position>", "a time, earliest, latest, or topic:partition:offset,…: begin there")
      .option("--until <position>", "with --from: end there, without the record itself")
      .option("--dry-run", "with --from: print each partition's offsets, and do nothing")
      .option("--max-rows-per-second <number>", RATE_HELP),
  run: runSync,
});
