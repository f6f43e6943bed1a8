import { createHash } from "node:crypto";
import type { Json } from "./value-schema.ts";

const STYLE =
  "body{font:15px/1.4 sans-serif;margin:2em auto;max-width:60em;padding:0 1em}pre{background:#f4f4f4;overflow:auto;padding:.5em}code{font-size:14px}";

/** What a browser may do with the page: show it in its own style, and nothing else. */
export const DOCS_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: { readonly [media: string]: { readonly schema: Json; readonly example?: unknown } };
  };
  readonly responses: {
    readonly [status: string]: { readonly content?: { readonly [media: string]: { readonly schema?: Json } } };
  };
}

/** The OpenAPI document as one HTML page, which needs nothing but itself: routes, then their parameters, examples and schemas. */
export function docsPage(document: Json): string {
  const { info, paths, components } = document as {
    readonly info: { readonly title: string };
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: { readonly schemas: Json };
  };
  const routes = Object.entries(paths)
    .filter(([path]) => !path.startsWith("/t/{tenant}"))
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, each]) => route(method, path, each)));
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details id="${htmlText(name)}"><summary><code>${htmlText(name)}</code></summary>${json(schema)}</details>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${htmlText(info.title)}</title><style>${STYLE}</style></head><body>
<h1>${htmlText(info.title)}</h1>
<p>All of this for machines: <a href="openapi.json">openapi.json</a>. Routes that take the header <code>x-larder-tenant</code> are below <code>/t/{tenant}</code>, too.</p>
${routes.join("\n")}
<h2>Schemas</h2>
${schemas.join("\n")}
</body></html>
`;
}

function route(method: string, path: string, { summary, parameters = [], requestBody, responses }: Operation): string {
  const [body] = Object.values(requestBody?.content ?? {});
  const [answer] = Object.values(responses["200"]?.content ?? {});
  const names = parameters.map(({ name, in: place }) => `<code>${htmlText(name)}</code> (${htmlText(place)})`);
  const parts = [
    names.length === 0 ? "" : `<p>Parameters: ${names.join(", ")}</p>`,
    body === undefined
      ? ""
      : `<p>Body</p>${body.example === undefined ? "" : json(body.example)}${schemaText(body.schema)}`,
    answer?.schema === undefined ? "" : `<p>Answer</p>${schemaText(answer.schema)}`,
    `<p>Statuses: ${Object.keys(responses).join(", ")}</p>`,
  ];
  return `<details><summary><code>${method.toUpperCase()} ${htmlText(path)}</code> ${htmlText(summary)}</summary>${parts.join("")}</details>`;
}

/** A component is shown once, at the end. */
function schemaText(schema: Json): string {
  const { $ref } = schema;
  if (typeof $ref !== "string") return json(schema);
  const name = $ref.slice($ref.lastIndexOf("/") + 1);
  return `<p><a href="#${htmlText(name)}">${htmlText(name)}</a></p>`;
}

function json(value: unknown): string {
  return `<pre>${htmlText(JSON.stringify(value, undefined, 2))}</pre>`;
}

function htmlText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
