/**
 * Chunks of text into lines, wherever the chunks were cut.
 *
 * @module
 */

/** Options of {@linkcode TextLineStream}. */
export interface TextLineStreamOptions {
  /** A carriage return alone ends a line too. */
  allowCR?: boolean;
  writableStrategy?: QueuingStrategy<string>;
  readableStrategy?: QueuingStrategy<string>;
}

/**
 * Splits text at `\n` and `\r\n` (and `\r`, with `allowCR`). The ends are not part of the lines,
 * and an end at the very last does not make an empty line.
 */
export class TextLineStream extends TransformStream<string, string> {
  constructor(options: TextLineStreamOptions = { allowCR: false }) {
    const allowCR = options.allowCR === true;
    const end = allowCR ? /\r\n|\n|\r/ : /\r?\n/;
    let pending = "";
    super(
      {
        transform(chunk, controller): void {
          // A last \r may be the first half of \r\n: it waits for the next chunk.
          const text = pending + chunk;
          const held = allowCR && text.endsWith("\r") ? "\r" : "";
          const lines = (held === "" ? text : text.slice(0, -1)).split(end);
          pending = (lines.pop() ?? "") + held;
          for (const line of lines) controller.enqueue(line);
        },
        flush(controller): void {
          const last = allowCR && pending.endsWith("\r") ? pending.slice(0, -1) : pending;
          if (pending !== "") controller.enqueue(last);
        },
      },
      options.writableStrategy,
      options.readableStrategy,
    );
  }
}
