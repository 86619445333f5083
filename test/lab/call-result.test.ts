import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createResilientClient } from '../../src/index.js';
import { timeCall } from '../../src/lab/call-result.js';

/** Answers never, or with a reset. */
const server = createServer((request) => {
  if (request.url === '/reset') request.socket.resetAndDestroy();
});
let origin = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const clock = (...times: number[]) => {
  return () => times.shift() ?? NaN;
};

it('tells status and time of a call, and which statuses are failures', async () => {
  const answered = (status: number) => timeCall(() => Promise.resolve(status), clock(100, 130));
  expect(await answered(200)).toEqual({ latency: 30, outcome: '200', ok: true });
  expect(await answered(399)).toMatchObject({ outcome: '399', ok: true });
  expect(await answered(400)).toMatchObject({ outcome: '400', ok: false });
});

it.each([
  { path: '/reset', options: { retry: false }, outcome: 'ECONNRESET', flag: 'UC' },
  { path: '/', options: { timeout: 10 }, outcome: 'TimeoutError', flag: 'UT' },
  { path: '/', options: { endpoints: [] }, outcome: 'NoHealthyEndpointError', flag: 'UH' },
] as const)('has a word for a call without an answer: $outcome', async (given) => {
  const client = createResilientClient({ service: origin, ...given.options });
  const call = () => client.fetch(given.path).then(({ status }) => status);
  const result = await timeCall(call, clock(100, 130));
  const { outcome, flag } = given;
  expect(result).toMatchObject({ latency: 30, outcome, flag, ok: false });
  expect(result.message).not.toBe('');
  await client.close();
});

it('says what else was thrown', async () => {
  const failing = (error: unknown) =>
    timeCall(() => Promise.reject(error as Error), clock(0, 1)).then(({ outcome }) => outcome);
  expect(await failing(new RangeError('too far'))).toBe('RangeError: too far');
  expect(await failing('enough')).toBe('enough');
});
