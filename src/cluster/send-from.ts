/** Sends an attempt whose body is opened for it: from a stream that is kept, or by a function of the caller's. */
import type { Attempt } from '../core/attempt.js';
import type { BodySource, OpenedBody } from '../core/body.js';
import type { Call } from '../core/call.js';
import * as drive from '../core/drive.js';
import { failure } from '../core/failure.js';
import type { Sender } from './endpoint.js';

export function sendFrom(source: BodySource, attempt: Attempt, sender: Sender): void {
  if (!source.replayable) {
    // It has failed since the attempt was planned.
    fail(attempt, source.error ?? new Error('the body has been read, and was not kept'));
    return;
  }
  try {
    const opened = source.open();
    if (opened instanceof Promise) void sendLate(opened, attempt, sender);
    else sendOpened(opened, attempt, sender);
    if (isLast(attempt.call)) source.stopKeeping();
  } catch (error) {
    fail(attempt, error);
  }
}

async function sendLate(
  opening: Promise<OpenedBody>,
  attempt: Attempt,
  sender: Sender,
): Promise<void> {
  try {
    const opened = await opening;
    if (attempt.phase === 'sent') sendOpened(opened, attempt, sender);
    else opened.end();
  } catch (error) {
    fail(attempt, error);
  }
}

export function sendOpened(opened: OpenedBody, attempt: Attempt, sender: Sender): void {
  attempt.body = opened;
  const { type, length } = opened;
  if (type !== undefined) addHeader(attempt, 'content-type', type);
  // Without any bytes there is a length of 0 for the methods that have one at all: undici knows which.
  if (length !== undefined && length > 0) addHeader(attempt, 'content-length', String(length));
  sender.send(attempt);
}

function addHeader(attempt: Attempt, name: string, value: string): void {
  const { headers } = attempt;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === name) return;
  }
  attempt.headers = [...headers, name, value];
}

/** No attempt will be made beyond those that have the body. */
function isLast(call: Call): boolean {
  return (
    !call.mayGoOn &&
    call.rounds?.planned !== true &&
    call.attempts.every(({ phase }) => phase !== 'starting')
  );
}

/** What code of the caller's threw is the failure of the call, as it is. */
function fail(attempt: Attempt, error: unknown): void {
  drive.fail(attempt, failure('invalid', undefined, error, false));
}
