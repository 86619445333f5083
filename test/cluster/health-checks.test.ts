/** Active health checks: what makes an endpoint healthy or not, when it is asked, and that nothing is left behind. */
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import type { HealthCheckPolicy } from '../../src/cluster/health-check-policy.js';
import { Checked, POLICY, type CheckedOptions, type Step } from './checked.js';

/** Lets so many checks of the first endpoint come to their result. */
async function checksDone(checked: Checked, count: number): Promise<void> {
  while (resultsOf(checked) < count) await checked.runtime.advance(100);
}

function resultsOf(checked: Checked): number {
  const stats = checked.checks.stats();
  return (stats['health_check.success'] ?? 0) + (stats['health_check.failure'] ?? 0);
}

/** Whether the endpoint is healthy after each check of the script. */
async function courseOf(script: readonly Step[], policy: Partial<HealthCheckPolicy> = {}) {
  const checked = new Checked({ script, policy });
  const course: boolean[] = [];
  for (let count = 1; count <= script.length; count++) {
    await checksDone(checked, count);
    course.push(...checked.health);
  }
  return course;
}

describe('what the results make of an endpoint', () => {
  const rows: [string, readonly Step[], readonly boolean[]][] = [
    ['one good check is enough at first', [200], [true]],
    ['one bad check is enough at first', ['refused'], [false]],
    ['one timeout is enough at first', ['hangs'], [false]],
    ['a retriable status is enough at first', [429], [false]],
    ['failed connections count', [200, 'refused', 'refused', 'refused'], [true, true, true, false]],
    ['timeouts count', [200, 'hangs', 'hangs', 'hangs'], [true, true, true, false]],
    ['retriable statuses count', [200, 429, 429, 429], [true, true, true, false]],
    ['all kinds of them together', [200, 429, 'hangs', 'refused'], [true, true, true, false]],
    [
      'a good check begins the count anew',
      [200, 'hangs', 'hangs', 200, 'hangs', 'hangs', 'hangs'],
      [true, true, true, true, true, true, false],
    ],
    ['any other status takes out at once', [200, 503], [true, false]],
    ['so does one that is nearly right', [200, 204], [true, false]],
    [
      'it returns after two good ones in a row',
      [200, 503, 200, 200, 200],
      [true, false, false, true, true],
    ],
    [
      'a bad one between begins that count anew',
      [503, 200, 'hangs', 200, 200],
      [false, false, false, false, true],
    ],
    [
      'after its return it takes the whole count again',
      [503, 200, 200, 'hangs', 'hangs', 'hangs'],
      [false, false, true, true, true, false],
    ],
  ];

  test.each(rows)('%s', async (_what, script, course) => {
    expect(await courseOf(script)).toEqual(course);
  });

  test('ranges of statuses have both ends, and an expected status is expected where it is retriable, too', async () => {
    const probe = {
      ...POLICY.probe,
      expectedStatuses: [{ from: 200, to: 299 }],
      retriableStatuses: [{ from: 299, to: 300 }],
    } as HealthCheckPolicy['probe'];
    const policy = { probe, unhealthyThreshold: 2 };
    expect(await courseOf([200, 299, 300, 299, 300, 300], policy)).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(await courseOf([250, 199], policy)).toEqual([true, false]);
    expect(await courseOf([250, 301], policy)).toEqual([true, false]);
  });
});

describe('the pace', () => {
  /** From the result of one check, which comes 5 ms after its start or with its timeout, to the next one. */
  async function pauses(script: readonly Step[], options: CheckedOptions = {}): Promise<number[]> {
    const checked = new Checked({ script, ...options });
    while (checked.times.length <= script.length) await checked.runtime.advance(1000);
    return script.map((step, index) => {
      const [from = 0, to = 0] = checked.times.slice(index, index + 2);
      return to - from - (step === 'hangs' ? POLICY.timeout : 5);
    });
  }

  test('is the usual one while it is healthy', async () => {
    expect(await pauses([200, 200, 200])).toEqual([10_000, 10_000, 10_000]);
  });

  test('is that of unhealthy ones while it is not, from the first moment on', async () => {
    expect(await pauses([503, 503, 'hangs'])).toEqual([5000, 5000, 5000]);
    expect(await pauses([200, 503])).toEqual([10_000, 5000]);
  });

  test('is that of the edge while a change is pending', async () => {
    expect(await pauses([200, 'hangs', 429, 'refused', 'refused'])).toEqual([
      10_000, 3000, 3000, 5000, 5000,
    ]);
    expect(await pauses([503, 200, 200, 200])).toEqual([5000, 2000, 10_000, 10_000]);
  });

  test('is slower while nobody has used the cluster', async () => {
    expect(await pauses([200, 'hangs', 'hangs', 'hangs', 200, 200], { used: false })).toEqual([
      70_000, 60_000, 60_000, 60_000, 60_000, 70_000,
    ]);
  });

  test('a slower pace that is quicker is the one that holds, too', async () => {
    const policy = { noTrafficInterval: 50, noTrafficHealthyInterval: 70 };
    expect(await pauses([200, 503], { used: false, policy })).toEqual([70, 50]);
  });

  test('a cluster that is used at last is asked at the next usual time', async () => {
    const checked = new Checked({ used: false });
    await checked.runtime.advance(25_000);
    expect(checked.times).toEqual([0]);
    checked.counters.upstream_cx_total = 1;
    await checked.runtime.advance(20_000);
    expect(checked.times).toEqual([0, 30_005, 40_010]);
  });

  test('has no end, and no check follows another without a pause', async () => {
    const checked = new Checked({ latency: 0, policy: { interval: 1e-6 } });
    await checked.runtime.advance(10);
    expect(checked.times).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('jitter lengthens a wait, within its bounds and evenly', async () => {
    const script = Array<Step>(400).fill(200);
    const policy = { intervalJitter: 1000, intervalJitterPercent: 20 };
    const found = (await pauses(script, { policy, seed: 7 })).map((pause) => pause - 10_000);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...found)).toBeLessThan(3000);
    // Of the sum of two, one from 0 to 2000 and one from 0 to 1000.
    expect(Math.min(...found)).toBeLessThan(300);
    expect(Math.max(...found)).toBeGreaterThan(2700);
    expect(found.reduce((sum, one) => sum + one) / found.length).toBeCloseTo(1500, -2);
  });

  test('a percentage is one of the pace that holds', async () => {
    const script = Array<Step>(200).fill(503);
    const found = await pauses(script, { policy: { intervalJitterPercent: 20 } });
    expect(Math.min(...found)).toBeGreaterThanOrEqual(5000);
    expect(Math.max(...found)).toBeLessThan(6000);
    expect(Math.max(...found)).toBeGreaterThan(5900);
  });

  test('the first check comes at once, or within the initial jitter', async () => {
    const atOnce = new Checked({ endpoints: 3 });
    expect([...atOnce.asked.values()]).toEqual([[0], [0], [0]]);
    const spread = new Checked({ endpoints: 200, policy: { initialJitter: 400 } });
    await spread.runtime.advance(400);
    const first = [...spread.asked.values()].map(([time = -1]) => time);
    expect(first).toHaveLength(200);
    expect(Math.min(...first)).toBeLessThan(20);
    expect(Math.max(...first)).toBeGreaterThan(380);
    expect(first.reduce((sum, one) => sum + one) / 200).toBeCloseTo(200, -2);
  });

  test('one check at a time: a slow one is not joined by the next', async () => {
    const checked = new Checked({ script: ['hangs'], policy: { timeout: 30_000 } });
    await checked.runtime.advance(29_999);
    expect(checked.times).toEqual([0]);
    await checked.runtime.advance(5001);
    expect(checked.times).toEqual([0, 35_000]);
    expect(checked.cancelled).toBe(1);
  });
});

describe('before the first result', () => {
  test('endpoints that were there from the beginning count as healthy', () => {
    expect(new Checked({ endpoints: 2, script: ['hangs'] }).health).toEqual([true, true]);
  });

  test('one that joins others waits for its first good check', async () => {
    const checked = new Checked();
    await checked.runtime.advance(5);
    const newcomer = checked.endpoint(1);
    checked.setEndpoints([...checked.endpoints, newcomer]);
    expect(checked.health).toEqual([true, false]);
    expect(checked.refreshed).toBe(1);
    await checked.runtime.advance(5);
    expect(checked.health).toEqual([true, true]);
    expect(newcomer.warmsFrom).toBe(10);
    expect(checked.told).toEqual([
      { service: 'shop', endpoint: newcomer.url, healthy: true, degraded: false, reason: '200' },
    ]);
    expect(checked.drained).toEqual([]);
  });

  test('one that joins where nobody is well counts as healthy', async () => {
    const checked = new Checked({ script: [503] });
    await checked.runtime.advance(5);
    checked.setEndpoints([...checked.endpoints, checked.endpoint(1)]);
    expect(checked.health).toEqual([false, true]);
    await checked.runtime.advance(5);
    expect(checked.health).toEqual([false, false]);
  });

  test('nor does an ejected one stand in for it', async () => {
    const checked = new Checked();
    await checked.runtime.advance(5);
    for (const endpoint of checked.endpoints) endpoint.ejected = true;
    checked.setEndpoints([...checked.endpoints, checked.endpoint(1)]);
    expect(checked.health).toEqual([false, true]);
  });
});

describe('a change', () => {
  test('is told, drains, restarts the warm-up, and holds for the next pick', async () => {
    const checked = new Checked({ script: [200, 503, 200, 200, 200] });
    const [endpoint] = checked.endpoints;
    await checksDone(checked, 1);
    expect([checked.told, checked.drained, checked.refreshed]).toEqual([[], [], 0]);
    expect(endpoint?.warmsFrom).toBe(0);
    await checksDone(checked, 2);
    expect([checked.drained, checked.refreshed]).toEqual([['http://10.0.0.0'], 1]);
    expect(endpoint?.lastCheck).toBe('503');
    await checksDone(checked, 3);
    expect([checked.told.length, checked.refreshed]).toEqual([1, 1]);
    await checksDone(checked, 5);
    const told = { service: 'shop', endpoint: 'http://10.0.0.0', degraded: false };
    expect(checked.told).toEqual([
      { ...told, healthy: false, reason: '503' },
      { ...told, healthy: true, reason: '200' },
    ]);
    expect([checked.drained.length, checked.refreshed]).toEqual([1, 2]);
    expect(endpoint?.warmsFrom).toBe((checked.times[3] ?? 0) + 5);
  });

  test.each<[Step, string]>([
    ['hangs', 'timeout'],
    ['refused', 'connection refused'],
    [429, '429'],
  ])('has its reason: %s', async (step, reason) => {
    const checked = new Checked({ script: [step] });
    await checksDone(checked, 1);
    expect(checked.told[0]?.reason).toBe(reason);
    expect(checked.endpoints[0]?.lastCheck).toBe(reason);
  });

  test('a good check is told to outlier detection, unless more of them are needed', async () => {
    const checked = new Checked({ script: [200, 200, 503, 200, 200] });
    for (const [count, passed] of [1, 2, 2, 2, 3].entries()) {
      await checksDone(checked, count + 1);
      expect(checked.passed).toHaveLength(passed);
    }
  });

  test('the two flags stay apart', async () => {
    const checked = new Checked({ script: [503, 200, 200] });
    const [endpoint] = checked.endpoints;
    if (endpoint !== undefined) endpoint.ejected = true;
    await checksDone(checked, 3);
    expect(endpoint).toMatchObject({ ejected: true, failedCheck: false, healthy: false });
  });

  test('a listener may switch the checks off', async () => {
    const checked = new Checked({ script: [503], endpoints: 2 });
    checked.events.health.add(({ healthy }) => {
      if (!healthy) checked.checks.setPolicy(undefined);
    });
    await checked.runtime.advance(100_000);
    expect(checked.health).toEqual([true, true]);
    expect(checked.times).toEqual([0]);
    expect(checked.runtime.pendingTimers).toBe(0);
  });
});

describe('an endpoint that says that it is degraded', () => {
  const PASSES = { healthy: true, degraded: false, reason: '200' };
  const DEGRADED = { healthy: true, degraded: true, reason: '200, degraded' };
  const FAILS = { healthy: false, degraded: false, reason: '503' };

  /** What the endpoint is after each check of the script, and what was told of it in the end. */
  async function courseOf(script: readonly Step[]) {
    const checked = new Checked({ script });
    const [endpoint] = checked.endpoints;
    const course: string[] = [];
    for (let count = 1; count <= script.length; count++) {
      await checksDone(checked, count);
      course.push(...checked.states);
    }
    const told = checked.told.map(({ healthy, degraded, reason }) => ({
      healthy,
      degraded,
      reason,
    }));
    return { checked, endpoint, course, told };
  }

  test('is so with the first such answer, and not any more with the first other one', async () => {
    const { checked, endpoint, course, told } = await courseOf([200, 'degraded', 'degraded', 200]);
    expect(course).toEqual(['healthy', 'degraded', 'degraded', 'healthy']);
    expect(told).toEqual([DEGRADED, PASSES]);
    expect([checked.refreshed, checked.drained]).toEqual([2, []]);
    // It has been well all the time.
    expect(endpoint?.warmsFrom).toBe(0);
    expect(endpoint?.lastCheck).toBe('200');
  });

  test('from its first check on', async () => {
    const { endpoint, course, told } = await courseOf(['degraded']);
    expect([course, told]).toEqual([['degraded'], [DEGRADED]]);
    expect(endpoint?.lastCheck).toBe('200, degraded');
  });

  test('which is a good check, at the usual pace', async () => {
    const { checked } = await courseOf(['degraded', 'degraded', 200]);
    expect(checked.times.slice(0, 4)).toEqual([0, 10_005, 20_010]);
    expect(checked.passed).toHaveLength(3);
  });

  test('and then fails is out, and comes back as what the last check has found', async () => {
    const back = await courseOf(['degraded', 503, 200, 200]);
    expect(back.course).toEqual(['degraded', 'out', 'out', 'healthy']);
    expect(back.told).toEqual([DEGRADED, FAILS, PASSES]);
    expect(back.checked.drained).toHaveLength(1);
    expect(back.endpoint?.warmsFrom).toBe((back.checked.times[3] ?? 0) + 5);
    // The one between says nothing to anybody: the endpoint is still out.
    const still = await courseOf([503, 'degraded', 'degraded', 200]);
    expect(still.course).toEqual(['out', 'out', 'degraded', 'healthy']);
    expect(still.told).toEqual([FAILS, DEGRADED, PASSES]);
  });

  test('and does not answer once or twice is still degraded', async () => {
    const { course, told } = await courseOf(['degraded', 'hangs', 'refused', 'degraded']);
    expect(course).toEqual(['degraded', 'degraded', 'degraded', 'degraded']);
    expect(told).toEqual([DEGRADED]);
  });

  test('is not degraded once the checks are over, which is told', async () => {
    const { checked, endpoint } = await courseOf(['degraded']);
    checked.checks.setPolicy(undefined);
    expect(endpoint).toMatchObject({ healthy: true, degraded: false, warmsFrom: 0 });
    expect(checked.told.at(-1)).toMatchObject({ ...PASSES, reason: 'switched-off' });
    expect(checked.refreshed).toBe(2);
  });

  test('can take the share of one that is new, which waits for its own first check', async () => {
    const checked = new Checked({ script: ['degraded'], scripts: { 1: ['hangs'] } });
    await checksDone(checked, 1);
    const [first] = checked.endpoints as [Endpoint];
    const second = checked.endpoint(1);
    checked.setEndpoints([first, second]);
    expect(second).toMatchObject({ failedCheck: true, healthy: false });
  });

  test('is degraded by both words, and by either of them', () => {
    const endpoint = new Checked().endpoint(0);
    const state = (hint: Endpoint['hint'], degradedCheck: boolean) => {
      Object.assign(endpoint, { hint, degradedCheck });
      return [endpoint.healthy, endpoint.degraded];
    };
    expect(state('healthy', false)).toEqual([true, false]);
    expect(state('degraded', false)).toEqual([false, true]);
    expect(state('healthy', true)).toEqual([false, true]);
    expect(state('degraded', true)).toEqual([false, true]);
    for (const hint of ['unhealthy', 'draining'] as const) {
      expect(state(hint, false)).toEqual([false, false]);
      expect(state(hint, true)).toEqual([false, false]);
    }
    for (const out of ['ejected', 'failedCheck'] as const) {
      endpoint[out] = true;
      expect(state('degraded', true)).toEqual([false, false]);
      expect(state('healthy', false)).toEqual([false, false]);
      endpoint[out] = false;
    }
  });
});

test('the counters are those of Envoy', async () => {
  const script: Step[] = [200, 429, 'hangs', 'refused', 200, 'degraded', 'degraded', 503, 200, 200];
  const checked = new Checked({ script });
  const read = () =>
    Object.fromEntries(
      Object.entries(checked.checks.stats()).map(([name, value]) => [
        name.replace('health_check.', ''),
        value,
      ]),
    );
  const none = { success: 0, failure: 0, network_failure: 0, healthy: 0, degraded: 0 };
  expect(read()).toEqual({ ...none, attempt: 1 });
  await checksDone(checked, 1);
  expect(read()).toEqual({ ...none, attempt: 1, success: 1, healthy: 1 });
  await checksDone(checked, 4);
  const failed = { ...none, failure: 3, network_failure: 2 };
  expect(read()).toEqual({ ...failed, attempt: 4, success: 1 });
  await checksDone(checked, 6);
  expect(read()).toEqual({ ...failed, attempt: 6, success: 3, healthy: 1, degraded: 1 });
  await checksDone(checked, 8);
  expect(read()).toEqual({ ...failed, attempt: 8, success: 4, failure: 4 });
  await checksDone(checked, 10);
  expect(read()).toEqual({ ...failed, attempt: 10, success: 6, failure: 4, healthy: 1 });
});

describe('the life of the checks', () => {
  test('all timers are background timers', async () => {
    const checked = new Checked({ script: [200, 'hangs'], used: false });
    for (let step = 0; step < 20; step++) {
      expect(checked.runtime.pendingBackgroundTimers).toBe(checked.runtime.pendingTimers);
      expect(checked.runtime.pendingTimers).toBeGreaterThan(0);
      await checked.runtime.advance(9999);
    }
  });

  test.each<[string, Step, number]>([
    ['a wait', 200, 6000],
    ['a check', 'hangs', 500],
  ])('stopping ends %s at once, and for good', async (_what, step, after) => {
    const checked = new Checked({ script: [step], endpoints: 2 });
    await checked.runtime.advance(after);
    checked.checks.stop();
    checked.checks.stop();
    expect(checked.runtime.pendingTimers).toBe(0);
    expect(checked.cancelled).toBe(step === 'hangs' ? 2 : 0);
    checked.checks.setPolicy({ ...POLICY, interval: 1 });
    checked.setEndpoints([...checked.endpoints, checked.endpoint(2)]);
    await checked.runtime.advance(100_000);
    expect(checked.asked.size).toBe(2);
    expect(checked.times).toEqual([0]);
  });

  test('an endpoint that leaves is asked no more, and takes nothing with it', async () => {
    const checked = new Checked({ endpoints: 3, script: ['hangs'] });
    const [first, second, third] = checked.endpoints;
    if (first === undefined || second === undefined || third === undefined) return;
    await checked.runtime.advance(500);
    checked.setEndpoints([first, third]);
    expect(checked.cancelled).toBe(1);
    await checked.runtime.advance(600);
    expect(checked.told.map(({ endpoint }) => endpoint)).toEqual([first.url, third.url]);
    checked.setEndpoints([]);
    expect(checked.runtime.pendingTimers).toBe(0);
  });

  test('one that stays keeps what is known of it, and its pace', async () => {
    const checked = new Checked({ endpoints: 2 });
    await checked.runtime.advance(7000);
    const [first] = checked.endpoints;
    if (first === undefined) return;
    checked.setEndpoints([first]);
    await checked.runtime.advance(5000);
    expect(checked.times).toEqual([0, 10_005]);
  });

  test('switching off forgets what was found, keeps the counters, and brings back who was out', async () => {
    const checked = new Checked({ endpoints: 2, script: [503], scripts: { 1: [200] } });
    await checked.runtime.advance(1000);
    expect(checked.health).toEqual([false, true]);
    checked.checks.setPolicy(undefined);
    expect(checked.health).toEqual([true, true]);
    expect(checked.endpoints.map(({ lastCheck }) => lastCheck)).toEqual([undefined, undefined]);
    expect(checked.told.at(-1)).toEqual({
      service: 'shop',
      endpoint: 'http://10.0.0.0',
      healthy: true,
      degraded: false,
      reason: 'switched-off',
    });
    expect(checked.told).toHaveLength(2);
    expect(checked.refreshed).toBe(2);
    expect(checked.runtime.pendingTimers).toBe(0);
    checked.checks.setPolicy(undefined);
    checked.setEndpoints([...checked.endpoints, checked.endpoint(2)]);
    await checked.runtime.advance(100_000);
    expect(checked.asked.size).toBe(2);
    expect(checked.checks.stats()).toMatchObject({
      'health_check.attempt': 2,
      'health_check.healthy': 0,
    });
  });

  test('switched on again they begin anew: one bad check is enough', async () => {
    const checked = new Checked({ script: [200, 'hangs'] });
    await checked.runtime.advance(1000);
    checked.checks.setPolicy(undefined);
    checked.checks.setPolicy(POLICY);
    await checked.runtime.advance(1000);
    expect(checked.health).toEqual([false]);
  });

  test('another policy checks anew at once, and what was found still counts', async () => {
    const checked = new Checked({ script: [200, 'refused', 'refused', 'refused'] });
    await checksDone(checked, 3);
    const now = checked.runtime.now();
    checked.checks.setPolicy({ ...POLICY, interval: 20_000 });
    expect(checked.times.at(-1)).toBe(now);
    await checked.runtime.advance(5);
    expect(checked.health).toEqual([false]);
  });
});
