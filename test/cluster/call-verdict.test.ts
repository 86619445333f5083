import { expect, test } from 'vitest';
import type { Attempt } from '../../src/core/attempt.js';
import { hasFailed } from '../../src/cluster/call-verdict.js';
import { failure, type FailureKind } from '../../src/core/failure.js';

const answered = (status: number, headAt = 10) =>
  ({ status, headAt }) as Partial<Attempt> as Attempt;

function verdict(kind?: FailureKind, answer?: Attempt, slowCallDuration = 0) {
  const reason = kind && failure(kind, undefined, undefined, true);
  const call = { answer, failure: reason, readyAt: 0, endedAt: 100 };
  return hasFailed(call, slowCallDuration);
}

const FAILED: readonly FailureKind[] = [
  'connect-failure',
  'reset',
  'protocol-error',
  'refused-stream',
  'timeout',
  'try-timeout',
  'no-healthy-endpoint',
];
const SILENT: readonly FailureKind[] = [
  'aborted',
  'closed',
  'refused',
  'overflow',
  'circuit-open',
  'unsendable',
  'invalid',
];

test.each(FAILED)('%s is a failure', (kind) => expect(verdict(kind)).toBe(true));

test.each(SILENT)('%s says nothing', (kind) => expect(verdict(kind)).toBeUndefined());

test('an answer of its own making says nothing', () => {
  expect(verdict()).toBeUndefined();
});

test.each([
  [200, false],
  [404, false],
  [429, false],
  [499, false],
  [500, true],
  [503, true],
  [599, true],
])('an answer with %i: failed %s', (status, failed) => {
  expect(verdict(undefined, answered(status))).toBe(failed);
});

test('a body that is cut is a failure, one that nobody wants is as its head was', () => {
  expect(verdict('body-cut', answered(200))).toBe(true);
  expect(verdict('timeout', answered(200))).toBe(true);
  expect(verdict('aborted', answered(200))).toBe(false);
  expect(verdict('closed', answered(200))).toBe(false);
  expect(verdict('aborted', answered(500))).toBe(true);
});

test('a head that takes longer than it may is a failure', () => {
  expect(verdict(undefined, answered(200, 50), 50)).toBe(false);
  expect(verdict(undefined, answered(200, 50.1), 50)).toBe(true);
  expect(verdict('aborted', answered(200, 50), 50)).toBe(false);
});

test('a caller who has given up after that time says that it was slow', () => {
  expect(verdict('aborted', undefined, 99)).toBe(true);
  expect(verdict('aborted', undefined, 100)).toBeUndefined();
  expect(verdict('closed', undefined, 99)).toBeUndefined();
});
