import { defineVerb } from "../verb.ts";

/** `larder import-feast`: definitions from a Feast registry. */
export const importFeastVerb = defineVerb<{
  readonly out?: string;
  readonly project?: string;
  readonly connectionString?: string;
  readonly yes?: boolean;
}>({
  usage: "import-feast <REGISTRY>",
  summary: "write a feature_store.yaml from a Feast registry",
  description: `REGISTRY is the file that \`feast apply\` writes, or the folder of a Feast repository, whose feature_store.yaml then says where the
registry and Redis are. Entities, feature views, their sources and feature services are carried over, with layout: feast, so that Larder reads the
rows that Feast writes. The file is valid: it is loaded before it is written.

What could not be carried over, or is not as in Feast, is listed with the reason: as the result, and as comments in the file. A file that was not
imported, or was changed since, is overwritten only with --yes.`,
  examples: [
    "import-feast feature_repo --out feature_store.yaml",
    "import-feast data/registry.db --project telco --connection-string redis:6379 --out feature_store.yaml --json",
  ],
  standalone: true,
  required: ["--out"],
  options: (command) =>
    command
      .option("--out <file>", "the file to write (required)")
      .option("--project <name>", "which project (default: the repository's, or the only one)")
      .option("--connection-string <text>", "Feast's Redis (default: the repository's, or localhost:6379)")
      .option("--yes", "overwrite a file that is not as an import wrote it"),
  async run({ args, options, path, terminal }) {
    const { importFeast } = await import("../../import-feast/import-feast.ts");
    const { renderTable } = await import("../render/table.ts");
    const report = await importFeast({
      from: path(args[0] ?? ""),
      out: path(options.out ?? ""),
      project: options.project,
      connectionString: options.connectionString,
      confirmed: options.yes,
      env: terminal.env,
    });
    const { out, project, entities, feature_views, feature_services, notes } = report;
    const counts = `${entities} entities, ${feature_views} feature views, ${feature_services} feature services`;
    const table = renderTable(
      ["", "what", "why"],
      notes.map(({ kind, subject, reason }) => [kind.replace("_", " "), subject, reason]),
    );
    return { json: report, text: `wrote ${out}: project ${project}, ${counts}\n${notes.length === 0 ? "" : table}` };
  },
});
