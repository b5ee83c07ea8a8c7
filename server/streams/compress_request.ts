/**
 * What is said between the server's thread and the worker that compresses.
 *
 * @module
 */

/** What the worker is told. */
export interface CompressRequest {
  readonly from: string;
  readonly to: string;
}

/** What the worker says when it is done. */
export interface CompressAnswer {
  readonly done: boolean;
}
