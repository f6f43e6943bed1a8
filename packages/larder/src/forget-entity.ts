import { open, rm } from "node:fs/promises";
import { type Clock, type Definitions, findTenant, formatTime, LarderError } from "@larder/schema";
import {
  type ErasedView,
  type EraseReport,
  type EraseRequest,
  type ErasureSettings,
  eraseEntity,
  type OnlineStore,
} from "@larder/store-core";
import type { ForgottenServed, FoundTrainingSet } from "@larder/training-features";

/** What {@link forgetEntity} works with. */
export interface ForgetParts {
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly clock: Clock;
  /** Those that the store's processes were opened with. Default: the store's own. */
  readonly settings?: ErasureSettings | undefined;
}

/** Whom to forget, and what to say about it. */
export interface ForgetRequest extends EraseRequest {
  /** Folder below which to look for training sets. Default: that of the definitions. */
  readonly trainingSets?: string | undefined;
  /** File to write the receipt to; it must not exist. */
  readonly receipt?: string | undefined;
  /** Write the entity's key into the receipt. Default false. */
  readonly showKey?: boolean | undefined;
}

/** What was erased, when, and what remains for others to delete. Without the entity's key, unless it was asked for. */
export interface ErasureReceipt {
  readonly format: "larder.erasure/1";
  readonly project: string;
  readonly tenant: string;
  readonly join_keys: readonly string[];
  readonly entity?: Readonly<Record<string, unknown>>;
  /** Rows with an event time up to this are not written any more. */
  readonly erased_at: string;
  readonly markers: readonly string[];
  readonly rows: number;
  readonly views: readonly ErasedView[];
  /** Sources of these views: what they have of the entity is not deleted, and not loaded again. */
  readonly offline: readonly { readonly view: string; readonly source: string }[];
  /** Topics that these views read, and of their dead letters: Kafka deletes no single record, so they may hold the entity until their retention ends. */
  readonly streams: readonly { readonly view: string; readonly topics: readonly string[] }[];
  readonly training_sets: readonly FoundTrainingSet[];
  readonly unread_training_sets: readonly { readonly manifest: string; readonly reason: string }[];
  /** What was removed from the files of `server.served_log`, as this machine sees them; undefined where there is no such log. */
  readonly served_log?: ForgottenServed;
}

/**
 * Erases an entity ({@link eraseEntity}), looks for it in training sets, and answers a receipt. It goes from the log of served vectors as well. Sources are not changed: they
 * are their owner's to delete, and the receipt names them.
 * @throws what eraseEntity throws; OUTPUT_UNWRITABLE for the receipt, before anything is changed; MISSING_DEPENDENCY, SOURCE_NOT_FOUND, UNSUPPORTED for
 * the training sets, before anything is changed as well
 */
export async function forgetEntity(parts: ForgetParts, request: ForgetRequest): Promise<ErasureReceipt> {
  if (!request.confirmed) await eraseEntity(parts, request);
  const { definitions } = parts;
  findTenant(definitions, request.tenant);
  const { tenant, entity, signal, trainingSets: folder = definitions.folder } = request;
  const { findInTrainingSets, forgetServed, requireServedLogAccess } = await import("@larder/training-features");
  const log = definitions.server.servedLog?.path;
  if (log !== undefined) await requireServedLogAccess(log);
  const receipt = request.receipt === undefined ? undefined : await claimReceipt(request.receipt);
  try {
    const { found, unread } = await findInTrainingSets({ definitions, tenant, entity, folder, signal });
    const streams = await streamsOf(definitions);
    const report = await eraseEntity(parts, request);
    // Every server knows by now: what waits to be written there is left out, and what had been begun before is a file.
    const { project } = definitions;
    const servedLog =
      log === undefined ? undefined : await forgetServed({ project, tenant, entity, folder: log, signal });
    const shown = request.showKey === true ? entity : undefined;
    const written: ErasureReceipt = {
      ...receiptOf(definitions, report, streams, found, unread, shown),
      ...(servedLog === undefined ? {} : { served_log: servedLog }),
    };
    await receipt?.write(`${JSON.stringify(written, plain, 2)}\n`);
    return written;
  } catch (error) {
    await receipt?.discard();
    throw error;
  }
}

function receiptOf(
  definitions: Definitions,
  report: EraseReport,
  streams: ErasureReceipt["streams"],
  found: ErasureReceipt["training_sets"],
  unread: ErasureReceipt["unread_training_sets"],
  entity: ForgetRequest["entity"] | undefined,
): ErasureReceipt {
  const { project, tenant, joinKeys, erasedAt, markers, views } = report;
  const sources = views.flatMap(({ view }) => {
    const path = definitions.views.get(view)?.source?.path;
    return path === undefined ? [] : [{ view, source: path }];
  });
  return {
    format: "larder.erasure/1",
    project,
    tenant,
    join_keys: joinKeys,
    ...(entity === undefined ? {} : { entity }),
    erased_at: formatTime(erasedAt),
    markers,
    rows: views.reduce((sum, { rows }) => sum + rows, 0),
    views,
    offline: sources,
    streams: streams.filter((each) => views.some(({ view }) => view === each.view)),
    training_sets: found,
    unread_training_sets: unread,
  };
}

/** Topics of every view and of their dead letters. */
async function streamsOf({ views, stream }: Definitions): Promise<ErasureReceipt["streams"]> {
  if (stream === undefined) return [];
  const { deadLetterTopic } = await import("@larder/materializer/stream");
  return [...views.values()].flatMap(({ name: view, stream: { topics } = { topics: [] } }) => {
    const letters = topics.map((topic) => deadLetterTopic(stream.poison.topic, topic));
    return topics.length === 0 ? [] : [{ view, topics: [...new Set([...topics, ...letters])] }];
  });
}

/** Join-key values that JSON has no form for. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

/** Makes the file now, so that nothing is erased without its receipt. */
async function claimReceipt(path: string) {
  const file = await open(path, "wx").catch((cause: unknown) => {
    throw new LarderError("OUTPUT_UNWRITABLE", {
      what: `The receipt ${path} cannot be written (${cause instanceof Error && "code" in cause ? String(cause.code) : "error"}); nothing was erased`,
      remedy: "Name a file that does not exist, in a folder that does",
      facts: { file: path },
      cause,
    });
  });
  return {
    write: async (text: string) => {
      await file.writeFile(text);
      await file.sync();
      await file.close();
    },
    discard: async () => {
      await file.close();
      await rm(path, { force: true });
    },
  };
}
