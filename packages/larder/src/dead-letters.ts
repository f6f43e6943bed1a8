import {
  createRecordDecoder,
  type LetterParts,
  openRecordSink,
  openStreamAdmin,
  type RecordSink,
  streamOf,
} from "@larder/materializer/stream";
import { loadDefinitions, systemClock } from "@larder/schema";

/** What the verbs of dead letters work with; closes with `await using`. */
export interface OpenedLetters extends LetterParts, AsyncDisposable {
  readonly sink: RecordSink;
}

/**
 * Opens the brokers that the definitions name; nothing is asked of them yet.
 * @throws CONFIG_INVALID where no view reads a stream; STREAM_MISCONFIGURED, see createRecordDecoder; MISSING_DEPENDENCY
 */
export async function openDeadLetters(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<OpenedLetters> {
  const definitions = await loadDefinitions(file, { env });
  const stream = streamOf(definitions);
  const decoder = createRecordDecoder(definitions);
  await using opening = new AsyncDisposableStack();
  const admin = opening.use(await openStreamAdmin(stream));
  const sink = opening.use(await openRecordSink(stream));
  const opened = opening.move();
  const close = () => opened.disposeAsync();
  return { definitions, decoder, clock: systemClock, admin, sink, [Symbol.asyncDispose]: close };
}
