/** The `timeout` option with a time for each part of a call. */

/**
 * Times for the parts of a call, each milliseconds or text such as `'2s'`; 0 and false are none. Whichever is over
 * first ends the call with `TimeoutError`.
 */
export interface TimeoutOptions {
  /**
   * From the start of the call to the head of its answer, every attempt and every wait included. The body may then
   * take as long as the other two allow.
   * @default 0 (none)
   */
  readonly response?: number | string | false | undefined;
  /**
   * The longest time without any progress: a connection, a piece of the request's body that is sent, a head, a piece
   * of the answer's. For bodies that go on for long, such as downloads and event streams. What the client itself waits
   * for between attempts does not count, nor does a reader that holds the body back.
   * @default 0 (none)
   */
  readonly idle?: number | string | false | undefined;
  /**
   * The whole call, as Envoy's route timeout: every attempt, every wait, and the body. A duration in place of the
   * object is short for it.
   * @default 0 (none)
   */
  readonly total?: number | string | false | undefined;
}
