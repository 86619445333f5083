import { expect, it } from 'vitest';
import type { EjectionEvent, ResilientClient, ReturnEvent } from '../../src/index.js';
import { ejectionTable, logEjections } from '../../src/lab/ejections.js';

const backends = [{ name: 'simple-backend-1', url: 'http://127.0.0.1:8081' }];
const service = 'simple-backend';
const endpoint = 'http://127.0.0.1:8081/';

/** A client of which nothing is used but its two hooks. */
function hooks() {
  const ejected: ((event: EjectionEvent) => void)[] = [];
  const returned: ((event: ReturnEvent) => void)[] = [];
  const none = { [Symbol.dispose]: () => undefined };
  const client = {
    onEjection: (listener) => (ejected.push(listener), none),
    onReturn: (listener) => (returned.push(listener), none),
  } as Pick<ResilientClient, 'onEjection' | 'onReturn'>;
  return {
    log: logEjections(client, backends, { speedup: 5, seconds: 40 }),
    eject: (ejections: number) =>
      ejected[0]?.({
        service,
        endpoint,
        reason: 'consecutive_5xx',
        ejectionTime: ejections * 1000,
        ejections,
      }),
    bringBack: (ejectedFor: number) =>
      returned[0]?.({ service, endpoint, reason: 'time', ejectedFor }),
  };
}

it("logs who is out, why and for how long, in the chapter's scale", () => {
  const { log, eject, bringBack } = hooks();
  eject(1);
  expect(log.out).toBe(1);
  expect(log.ejections).toEqual([
    {
      endpoint: 'simple-backend-1',
      reason: 'consecutive_5xx',
      ejections: 1,
      at: expect.any(Number) as number,
      ejectionTime: 5,
      outFor: undefined,
    },
  ]);
  bringBack(1600);
  eject(2);
  expect(log.out).toBe(1);
  expect(log.ejections).toMatchObject([{ outFor: 8 }, { ejections: 2, ejectionTime: 10 }]);
});

it('tells when the next one returns', () => {
  const { log, eject, bringBack } = hooks();
  eject(1);
  const first = log.nextReturn();
  expect(first.aborted).toBe(false);
  bringBack(1000);
  expect(first.aborted).toBe(true);
  expect(log.nextReturn().aborted).toBe(false);
});

it('is a table', () => {
  const ejection = {
    endpoint: 'a',
    reason: 'consecutive_5xx',
    ejections: 1,
    at: 2,
    ejectionTime: 5,
  };
  const { rows } = ejectionTable(
    [
      { ...ejection, outFor: 8 },
      { ...ejection, outFor: undefined },
    ],
    [],
  );
  expect(rows).toEqual([
    ['a', 'consecutive_5xx', '1.', '2.00', '5.00', '8.00'],
    ['a', 'consecutive_5xx', '1.', '2.00', '5.00', 'still is'],
  ]);
});
