import { defineVerb } from "../verb.ts";

interface Options {
  readonly entities: string;
  readonly rps: string;
  readonly views?: string;
  readonly tenants: string;
  readonly rows: string;
  readonly nodeMemory: string;
  readonly seconds: string;
}

/** `larder capacity`: what so many entities and requests take. */
export const capacityVerb = defineVerb<Options>({
  usage: "capacity",
  summary: "say how many Redis nodes, servers and cores so many entities and requests take, by measuring here",
  description: `Weighs a sample of the rows that are in Redis, as redis explain does, and asks a larder serve that it starts on loopback for their features for a few
seconds, to know the CPU time of a request in the server and in Redis. From these it works out memory, primaries, replicas, servers and cores, and shows the formulas.
It writes nothing, but keeps a core of this machine and Redis busy while it measures: use a Redis that nobody waits for.

Rows must be there that are like those to come. CPU times are of this machine. Where the yaml has server.auth, LARDER_API_KEY needs a key with the scopes read and admin.`,
  examples: [
    "capacity --entities 16M --rps 1000",
    "capacity --entities 1.5G --views churn_features --rps 20k --tenants 4 --node-memory 64GiB --json",
  ],
  required: ["--entities", "--rps"],
  options: (command) =>
    command
      .option("--entities <count>", "entities of a tenant, as in 250000, 16M or 1.5G (required)")
      .option("--rps <count>", "lookups per second, of all tenants together (required)")
      .option("--views <names>", "their rows alone, by commas; views of one entity (default: all)")
      .option("--tenants <count>", "tenants with so many entities each", "1")
      .option("--rows <count>", "rows of one lookup", "1")
      .option("--node-memory <size>", "memory of a Redis node", "16GiB")
      .option("--seconds <count>", "how long to measure requests", "3"),
  async run({ file, options, signal, terminal }) {
    const { findTenant, loadDefinitions, systemClock } = await import("@larder/schema");
    const { countOption, sizeOption } = await import("../amount-options.ts");
    const { capacityJson, capacityText } = await import("../render/capacity-report.ts");
    const { forecastCapacity } = await import("../../capacity/capacity.ts");
    const wanted = {
      views: options.views?.split(",").map((name) => name.trim()),
      entities: countOption("--entities", options.entities),
      tenants: countOption("--tenants", options.tenants),
      requestsPerSecond: countOption("--rps", options.rps),
      rows: countOption("--rows", options.rows),
      nodeMemory: sizeOption("--node-memory", options.nodeMemory),
      seconds: countOption("--seconds", options.seconds),
    };
    const definitions = await loadDefinitions(file, { env: terminal.env });
    findTenant(definitions, options.tenant);
    const parts = { definitions, clock: systemClock, tenant: options.tenant, env: terminal.env, signal };
    const found = await forecastCapacity({ ...parts, ...wanted });
    return { json: capacityJson(found), text: capacityText(found) };
  },
});
