/** The limit on requests under way, on real sockets: who is refused although there is a connection for him. */
import { describe, expect, test } from 'vitest';
import type { OverflowEvent } from '../../src/index.js';
import { hold } from '../../src/testing/index.js';
import { shop } from '../support/fleet.js';
import { callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

describe('maxRequests', () => {
  // Seen on a real Envoy with `http2MaxRequests: 4`: 4 served, 8 refused, although 12 connections were opened first.
  test('twelve calls at once with four places', async () => {
    const gate = hold();
    const { fleet, client } = await shop(
      { endpoints: 1, plan: gate.step },
      { connectionPool: { maxRequests: 4 } },
    );
    const refused: OverflowEvent[] = [];
    client.onOverflow((event) => refused.push(event));
    const calls = callsAtOnce(client, 12);
    for (let call = 0; call < 4; call++) await fleet.requestReceived();
    await expect.poll(() => stat(client, 'upstream_rq_active_overflow')).toBe(8);
    expect(stat(client, 'upstream_rq_pending_overflow')).toBe(0);
    expect(stat(client, 'upstream_rq_active')).toBe(4);
    expect(stat(client, 'circuit_breakers.default.rq_open')).toBe(1);
    expect(stat(client, 'circuit_breakers.default.remaining_rq')).toBe(0);
    gate.release();
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((outcome) => outcome === 200)).toHaveLength(4);
    expect(outcomes.filter((outcome) => outcome === 'OverflowError')).toHaveLength(8);
    expect(stat(client, 'upstream_cx_total')).toBeGreaterThan(4);
    expect(refused).toHaveLength(8);
    expect(refused[0]).toMatchObject({ limit: 'connectionPool.maxRequests', value: 4 });
    await expectNothingHeld(client, { maxRequests: 4 });
  });

  test('one more is refused where a connection is free, and says so', async () => {
    const gate = hold();
    const { fleet, client } = await shop({ endpoints: 1 }, { connectionPool: { maxRequests: 2 } });
    await Promise.all(callsAtOnce(client, 2));
    fleet.plan(gate.step);
    const calls = callsAtOnce(client, 2);
    await expect.poll(() => stat(client, 'upstream_rq_active')).toBe(2);
    const error = await client.fetch('/').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message:
        'shop: overflow, the limit of 2 is reached on requests under way (connectionPool.maxRequests)',
      limit: 'connectionPool.maxRequests',
      value: 2,
    });
    gate.release();
    expect(await Promise.all(calls)).toEqual([200, 200]);
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
  });

  test('its place is held until the body has been read', async () => {
    const { client } = await shop(
      { endpoints: 1, plan: { body: { size: 3_000_000 } } },
      { connectionPool: { maxRequests: 1 } },
    );
    const response = await client.fetch('/');
    expect(await outcomeOf(client.fetch('/'))).toBe('OverflowError');
    await response.text();
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    await expectNothingHeld(client, { maxRequests: 1 });
  });
});
