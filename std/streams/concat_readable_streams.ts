/**
 * Several streams as one, each read to its end before the next is begun.
 *
 * @module
 */

/** The streams one after another; cancelling the result cancels all that are not yet read. */
export function concatReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T> {
  let index = 0;
  let reader: ReadableStreamDefaultReader<T> | undefined;
  return new ReadableStream<T>({
    async pull(controller): Promise<void> {
      for (; index < streams.length; index++, reader = undefined) {
        reader ??= streams[index]?.getReader();
        const next = await reader?.read();
        if (next?.done === false) return controller.enqueue(next.value);
        reader?.releaseLock();
      }
      controller.close();
    },
    async cancel(reason): Promise<void> {
      const later = streams.slice(reader === undefined ? index : index + 1);
      await Promise.all([reader?.cancel(reason), ...later.map((one) => one.cancel(reason))]);
    },
  });
}
