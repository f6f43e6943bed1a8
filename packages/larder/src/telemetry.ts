import { type Definitions, LarderError } from "@larder/schema";
import { type ServedRequest, STAGES, servedRequests } from "@larder/serving";

/** What telemetry is made of. */
export interface TelemetryParts {
  readonly definitions: Pick<Definitions, "project">;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told what OpenTelemetry has to complain of, such as a collector that does not answer. */
  readonly onProblem: (text: string) => void;
}

/** Traces that are being sent. */
export interface Telemetry {
  /** Sends what is left, within {@link FLUSH_MS}. */
  close(): Promise<void>;
}

/** Longest wait for a collector when the process ends, in milliseconds: it may be the reason why the process ends. */
const FLUSH_MS = 2_000;

/** Any of these turns tracing on; what they and the others mean is OpenTelemetry's to say. */
const SWITCHES = [
  "OTEL_TRACES_EXPORTER",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_CONFIG_FILE",
];

/**
 * Sends a trace per sampled request, with a span per stage, where OpenTelemetry's variables in the environment ask for it; nothing is loaded where
 * they do not. Spans are made when a request has ended, from its stages, so that serving knows nothing of tracing.
 * @throws MISSING_DEPENDENCY
 */
export async function openTelemetry({ definitions, env, onProblem }: TelemetryParts): Promise<Telemetry | undefined> {
  if (!isOn(env)) return undefined;
  const [{ startNodeSdk }, api] = await importSdk();
  // The exporter's own default is 10 s, in which its retries would keep a process alive that has ended.
  if (!env["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"]) process.env["OTEL_EXPORTER_OTLP_TIMEOUT"] ||= String(FLUSH_MS);
  const named =
    Boolean(env["OTEL_SERVICE_NAME"]) || /(?:^|,)\s*service\.name=/.test(env["OTEL_RESOURCE_ATTRIBUTES"] ?? "");
  const sdk = startNodeSdk({
    // Metrics are Prometheus's, logs are lines on stderr.
    metricReaders: [],
    logRecordProcessors: [],
    ...(named ? {} : { resourceAttributes: { "service.name": "larder" } }),
  });
  const complain = (text: string) => onProblem(text);
  const silent = () => {};
  const { diag, DiagLogLevel } = api;
  diag.setLogger(
    { error: complain, warn: complain, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const trace = traceRequest(api);
  const onServed = (message: unknown): void => {
    const served = message as ServedRequest;
    if (served.project === definitions.project) trace(served);
  };
  servedRequests.subscribe(onServed);
  return {
    close: async () => {
      servedRequests.unsubscribe(onServed);
      await flushed(sdk, onProblem);
    },
  };
}

type Api = typeof import("@opentelemetry/api");

/** Routes that are asked every few seconds by machines, and are of no use in a trace. */
const UNTRACED: ReadonlySet<string> = new Set(["/livez", "/readyz", "/health", "/metrics"]);

function traceRequest({ trace, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode }: Api) {
  const tracer = trace.getTracer("larder");
  return (served: ServedRequest): void => {
    const { route, method, status, tenant, requestId, headers, endedAt, milliseconds, stages } = served;
    if (UNTRACED.has(route)) return;
    const endTime = endedAt / 1000;
    const startTime = endTime - milliseconds;
    const span = tracer.startSpan(
      `${method} ${route}`,
      { kind: SpanKind.SERVER, startTime },
      propagation.extract(ROOT_CONTEXT, headers),
    );
    if (span.isRecording()) {
      span.setAttributes({
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        "larder.request_id": requestId,
        ...(tenant === undefined ? {} : { "larder.tenant": tenant }),
      });
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      const inside = trace.setSpan(ROOT_CONTEXT, span);
      let at = startTime;
      for (const stage of STAGES) {
        const spent = stages?.[stage];
        if (spent === undefined) continue;
        tracer.startSpan(stage, { startTime: at }, inside).end(at + spent);
        at += spent;
      }
    }
    span.end(endTime);
  };
}

function isOn(env: TelemetryParts["env"]): boolean {
  if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || env["OTEL_TRACES_EXPORTER"] === "none") return false;
  return SWITCHES.some((name) => Boolean(env[name]));
}

async function importSdk() {
  try {
    return await Promise.all([import("@opentelemetry/sdk-node"), import("@opentelemetry/api")]);
  } catch (cause) {
    throw new LarderError("MISSING_DEPENDENCY", {
      what: "The environment asks for OpenTelemetry traces, and its packages could not be loaded",
      remedy:
        "Run `npm install @opentelemetry/api@1.10.0 @opentelemetry/sdk-node@0.301.0`, or set OTEL_SDK_DISABLED=true",
      facts: { package: "@opentelemetry/sdk-node" },
      cause,
    });
  }
}

async function flushed(sdk: { shutdown(): Promise<void> }, onProblem: (text: string) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    onProblem("traces were left unsent: the collector did not take them in time");
    resolve();
  }, FLUSH_MS);
  try {
    await Promise.race([promise, sdk.shutdown()]);
  } catch (error) {
    onProblem(`traces were left unsent: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearTimeout(timer);
  }
}
