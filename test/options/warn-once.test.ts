import { beforeEach, expect, test, vi, type MockInstance } from 'vitest';
import { createResilientClient, type ClientOptions } from '../../src/index.js';

let emitWarning: MockInstance<typeof process.emitWarning>;
beforeEach(() => {
  emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

function paths(): string[] {
  return emitWarning.mock.calls.map(([message]) => String(message).split(': ')[0] ?? '');
}

/** Its delay comes too late. */
const late: ClientOptions = { timeout: 10, hedge: { delay: 10 } };

test('a client warns when it is made, with a type and a code', () => {
  createResilientClient(late);
  expect(emitWarning.mock.calls).toEqual([
    [
      'hedge.delay: 10 ms are never over in time, since timeout.total ends the call after 10 ms',
      { type: 'OutriggerWarning', code: 'OUTRIGGER_HEDGE_CANNOT_HAPPEN' },
    ],
  ]);
});

test('an update warns of what is new, and of nothing twice', () => {
  const client = createResilientClient(late);
  client.update({ retry: { attempts: 1 } });
  expect(emitWarning).toHaveBeenCalledTimes(1);
  client.update({ timeout: 5 });
  expect(emitWarning).toHaveBeenCalledTimes(2);
  client.update({ timeout: 10 });
  expect(emitWarning).toHaveBeenCalledTimes(2);
});

test('each client warns', () => {
  createResilientClient(late);
  createResilientClient(late);
  expect(emitWarning).toHaveBeenCalledTimes(2);
});

test('options that are refused warn of nothing', () => {
  expect(() => createResilientClient({ ...late, name: 'x' })).toThrow();
  expect(emitWarning).not.toHaveBeenCalled();
});

test('the policy of a service is said at its path, the common one once', () => {
  createResilientClient({
    ...late,
    services: {
      'http://a': {},
      'http://b': {},
      'http://c': { retry: { attempts: 1 } },
      'http://d': { hedge: { delay: 20 } },
      'http://e': { hedge: false },
    },
  });
  expect(paths()).toEqual(['hedge.delay', "services['http://d'].hedge.delay"]);
});

test('a policy that holds nowhere is not warned of', () => {
  const services = { 'http://a': { hedge: false } } as const;
  createResilientClient({ ...late, services });
  expect(paths()).toEqual([]);
  createResilientClient({ ...late, services, otherOrigins: 'default-policy' });
  expect(paths()).toEqual(['hedge.delay']);
});

test('the one service of a client has the path of the client', () => {
  createResilientClient({ ...late, service: 'http://a' });
  expect(paths()).toEqual(['hedge.delay']);
});
