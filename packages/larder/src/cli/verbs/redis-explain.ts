import { defineVerb } from "../verb.ts";

/** `larder redis explain`: what the memory goes to. */
export const redisExplainVerb = defineVerb<{
  readonly tenant?: string;
  readonly entities?: string;
  readonly sample: string;
}>({
  usage: "explain",
  summary: "show what the rows take in Redis, what they would take otherwise, and how much memory more of them need",
  description: `Counts entities by SCAN and weighs a sample of them, in small steps that leave three quarters of the time to others; it changes nothing.
On a server with more than a million keys it looks at a hundred thousand of them, at random places. Shows per tenant and view the bytes of an entity and a feature, what they are for, rows that expire and rows that are dead, the biggest
entities by their join keys, what another hash-max-listpack-value or another layout would take, and the memory that --entities need.

Needs the rights to INFO, MEMORY USAGE, OBJECT ENCODING and PEXPIRETIME, beside those of every reader.`,
  examples: ["redis explain", "redis explain --tenant acme --entities 50000000 --sample 5000 --json"],
  tenant: "all",
  options: (command) =>
    command
      .option(
        "--entities <number>",
        "forecast for so many entities, like those that are there (default: as many as there are)",
      )
      .option("--sample <number>", "most entities of a tenant to weigh", "1000"),
  async run({ file, options, signal, terminal }) {
    const { loadDefinitions, systemClock } = await import("@larder/schema");
    const { explainRedis } = await import("@larder/store-core");
    const { explanationJson, explanationText } = await import("../render/explain-report.ts");
    const { tenant } = options;
    const entities = options.entities === undefined ? undefined : Number(options.entities);
    const sample = Number(options.sample);
    const definitions = await loadDefinitions(file, { env: terminal.env });
    const found = await explainRedis(definitions, { clock: systemClock, tenant, entities, sample, signal });
    return { json: explanationJson(found), text: explanationText(found) };
  },
});
