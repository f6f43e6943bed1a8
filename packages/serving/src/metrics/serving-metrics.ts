import type { ErrorCode } from "@larder/schema";
import {
  type NearCacheUse,
  nearCacheUses,
  type ReadPlan,
  type RowFault,
  rowFaults,
  STATUS_NAMES,
  type StoreSignal,
  storeSignals,
  type WriteResult,
} from "@larder/store-core";
import { Counter, Gauge, Registry } from "prom-client";
import type { ModelState, ModelUse } from "../registry/model-state.ts";
import { ProcessMetrics } from "./process-metrics.ts";
import { type Series, SeriesHistogram } from "./series-histogram.ts";
import { STAGES, type StageTimes } from "./stage-times.ts";
import type { StatusCounts } from "./status-counts.ts";

/** Seconds. The edges make the budgets visible: lookup at 5 and 10 ms, predict at 50 ms. */
const EDGES = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1];

const WRITE_OUTCOMES = ["applied", "duplicate", "stale", "expired", "conflict"] as const;

/**
 * What serving counts and times. Labels are names from the definitions (model, view, tenant), statuses and codes: bounded, and never an entity.
 */
export class ServingMetrics {
  readonly registry = new Registry();
  readonly #project: string;

  readonly #requests = this.#histogram("larder_request_duration_seconds", "Whole requests", ["route", "status"]);
  readonly #lookups = this.#histogram("larder_lookup_duration_seconds", "Store reads of requests", ["tenant"]);
  readonly #models = this.#histogram("larder_model_duration_seconds", "Runs of a model", ["model"]);
  readonly #stageTimes = this.#histogram("larder_stage_duration_seconds", "Stages of requests that read", ["stage"]);
  readonly #stages = STAGES.map((stage): Series => this.#stageTimes.series(stage, () => ({ stage })));
  readonly #process = new ProcessMetrics(this.registry);
  readonly #errors = this.#counter("larder_errors_total", "Errors answered, by code", ["code"]);
  readonly #values = this.#counter("larder_feature_values_total", "Values read, by status", [
    "view",
    "tenant",
    "status",
  ]);
  readonly #written = this.#counter(
    "larder_written_rows_total",
    "Rows written, by outcome; conflict counts rows that are also one of the others",
    ["view", "tenant", "status"],
  );
  readonly #predictions = this.#counter("larder_predictions_total", "Rows predicted or refused", [
    "model",
    "tenant",
    "status",
  ]);
  readonly #joins = this.#counter("larder_historical_joins_total", "Joins of /historical-features that have ended", [
    "tenant",
    "status",
  ]);
  readonly #faults = this.#counter("larder_row_faults_total", "Stored rows that could not be used", [
    "view",
    "tenant",
    "status",
  ]);

  readonly #degraded = this.#counter("larder_degraded_answers_total", "Answers made while the store failed", [
    "tenant",
  ]);

  readonly #signals = this.#counter(
    "larder_signals_total",
    "Freshness signals of writes, sent or, by the error's code, not; without a view: of the near cache, not heard",
    ["view", "tenant", "status"],
  );
  readonly #nearRows = this.#counter("larder_near_cache_rows_total", "Entity rows read: hit or miss; evicted rows", [
    "tenant",
    "status",
  ]);
  readonly #nearFlushes = this.#counter("larder_near_cache_flushes_total", "Views forgotten as a whole", ["tenant"]);
  readonly #nearBytes = new Gauge({
    name: "larder_near_cache_bytes",
    help: "Bytes that the near cache holds, estimated",
    registers: [this.registry],
  });

  readonly #limited = this.#counter(
    "larder_limited_requests_total",
    "Requests refused because their tenant was above its rate, or above its share of those under way",
    ["tenant", "status"],
  );

  constructor(project: string) {
    this.#project = project;
    rowFaults.subscribe(this.#onRowFault);
    storeSignals.subscribe(this.#onSignal);
    nearCacheUses.subscribe(this.#onNearCacheUse);
  }

  observeRequest(route: string, status: number, milliseconds: number): void {
    const series = this.#requests.series(`${status} ${route}`, () => ({ route, status: String(status) }));
    series.count(milliseconds / 1000);
  }

  observeLookup(tenant: string, milliseconds: number): void {
    this.#lookups.series(tenant, () => ({ tenant })).count(milliseconds / 1000);
  }

  observeModel(model: string, milliseconds: number): void {
    this.#models.series(model, () => ({ model })).count(milliseconds / 1000);
  }

  observeStages(times: StageTimes): void {
    for (let stage = 0; stage < STAGES.length; stage++) {
      const milliseconds = times[STAGES[stage] as (typeof STAGES)[number]];
      if (milliseconds !== undefined) (this.#stages[stage] as Series).count(milliseconds / 1000);
    }
  }

  countLimited(tenant: string, status: "rate" | "share"): void {
    this.#limited.inc({ tenant, status });
  }

  /** Shows how many requests are under way, as `ask` tells when metrics are read. */
  watchUnderWay(ask: () => ReadonlyMap<string, number>): void {
    new Gauge({
      name: "larder_requests_under_way",
      help: "Requests that were let in and are not answered yet",
      labelNames: ["tenant"],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [tenant, count] of ask()) this.set({ tenant }, count);
      },
    });
  }

  /** Shows how models stand, as `ask` tells when metrics are read. */
  watchModels(ask: () => readonly ModelState[]): void {
    const registers = [this.registry];
    new Gauge({
      name: "larder_model_ready",
      help: "1 for a version that answers, 0 for one whose files cannot be served",
      labelNames: ["model", "version"],
      registers,
      collect() {
        this.reset();
        for (const { definition, versions } of ask()) {
          for (const { version, model } of versions) {
            this.set({ model: definition.name, version }, model === undefined ? 0 : 1);
          }
        }
      },
    });
    new Counter({
      name: "larder_model_loads_total",
      help: "Versions of models that were loaded, or whose files could not be served",
      labelNames: ["model", "status"],
      registers,
      collect() {
        this.reset();
        for (const { definition, loads } of ask()) {
          this.inc({ model: definition.name, status: "loaded" }, loads.succeeded);
          this.inc({ model: definition.name, status: "failed" }, loads.failed);
        }
      },
    });
  }

  /** Shows what the model threads are at, and how many rows each model runs in place, as `ask` tells when metrics are read. */
  watchModelThreads(ask: () => ModelUse): void {
    new Gauge({
      name: "larder_model_queue_requests",
      help: "Requests for model threads: those that wait, and those of which a part runs",
      labelNames: ["status"],
      registers: [this.registry],
      collect() {
        const { waiting, running } = ask();
        this.set({ status: "waiting" }, waiting);
        this.set({ status: "running" }, running);
      },
    });
    new Counter({
      name: "larder_model_threads_ended_total",
      help: "Model threads that ended unasked and were replaced",
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(ask().ended);
      },
    });
    new Gauge({
      name: "larder_model_inline_rows",
      help: "Most rows that a model runs without a thread, as measured when it was loaded",
      labelNames: ["model"],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [model, rows] of ask().inlineRows) this.set({ model }, rows);
      },
    });
  }

  /** Shows how many joins are under way, as `ask` tells when metrics are read. */
  watchJoins(ask: () => number): void {
    new Gauge({
      name: "larder_historical_joins_under_way",
      help: "Requests of /historical-features that were let in and have not ended",
      registers: [this.registry],
      collect() {
        this.set(ask());
      },
    });
  }

  countJoin(tenant: string, status: "ok" | "failed" | "cancelled"): void {
    this.#joins.inc({ tenant, status });
  }

  countDegraded(tenant: string): void {
    this.#degraded.inc({ tenant });
  }

  countError(code: ErrorCode): void {
    this.#errors.inc({ code });
  }

  countStatuses(plan: ReadPlan, tenant: string, counts: StatusCounts): void {
    for (const [index, { view }] of plan.views.entries()) {
      for (const [number, status] of STATUS_NAMES.entries()) {
        const count = counts.get(index, number);
        if (count > 0) this.#values.inc({ view: view.name, tenant, status }, count);
      }
    }
  }

  countWrite(view: string, tenant: string, result: WriteResult): void {
    for (const status of WRITE_OUTCOMES) {
      if (result[status] > 0) this.#written.inc({ view, tenant, status }, result[status]);
    }
  }

  countPredictions(model: string, tenant: string, predicted: number, refused: number): void {
    if (predicted > 0) this.#predictions.inc({ model, tenant, status: "predicted" }, predicted);
    if (refused > 0) this.#predictions.inc({ model, tenant, status: "refused" }, refused);
  }

  /** Stops listening to the store. */
  close(): void {
    this.#process.close();
    rowFaults.unsubscribe(this.#onRowFault);
    storeSignals.unsubscribe(this.#onSignal);
    nearCacheUses.unsubscribe(this.#onNearCacheUse);
  }

  readonly #onRowFault = (message: unknown): void => {
    const { project, view, tenant, kind } = message as RowFault;
    if (project === this.#project) this.#faults.inc({ view, tenant, status: kind });
  };

  readonly #onSignal = (message: unknown): void => {
    const { project, view, tenant, failed } = message as StoreSignal;
    if (project === this.#project) this.#signals.inc({ view, tenant, status: failed ?? "sent" });
  };

  readonly #onNearCacheUse = (message: unknown): void => {
    const { project, tenant, hits, misses, evictions, flushes, bytes } = message as NearCacheUse;
    if (project !== this.#project) return;
    for (const [status, count] of [
      ["hit", hits],
      ["miss", misses],
      ["evicted", evictions],
    ] as const) {
      if (count > 0) this.#nearRows.inc({ tenant, status }, count);
    }
    if (flushes > 0) this.#nearFlushes.inc({ tenant }, flushes);
    this.#nearBytes.set(bytes);
  };

  #histogram<Label extends string>(name: string, help: string, labelNames: readonly Label[]): SeriesHistogram<Label> {
    return new SeriesHistogram({ name, help: `${help}, in seconds`, labelNames }, EDGES, this.registry);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
