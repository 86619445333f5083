import { afterEach, describe, expect, it } from 'vitest';
import type { FakeServiceOptions } from '../../../src/lab/fake-service/options.js';
import { type FakeService, startFakeService } from '../../../src/lab/fake-service/service.js';

describe('a service that runs', () => {
  it('answers over HTTP, counts, and stops with connections open', async () => {
    const service = await startFakeService({ name: 'c', errorRate: 1, errorCode: 503 });
    const url = `http://127.0.0.1:${service.port}/path`;
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({ name: 'c', uri: '/path', code: 503 });
    expect(service.received).toBe(1);
    await service.stop();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('never answers before its time', async () => {
    const service = await startFakeService({ name: 'd', timing50Percentile: 20 });
    try {
      const answer = await fetch(`http://127.0.0.1:${service.port}/`).then((res) => res.json());
      const { duration } = answer as { duration: string };
      expect(duration).toMatch(/ms$/);
      expect(Number.parseFloat(duration)).toBeGreaterThanOrEqual(20);
    } finally {
      await service.stop();
    }
  });

  it('can be changed, and counts anew', async () => {
    const service = await startFakeService({ name: 'e', message: 'hi' });
    const url = `http://127.0.0.1:${service.port}/`;
    const statusAndName = async () => {
      const response = await fetch(url);
      const { name, body } = (await response.json()) as { name: string; body?: string };
      return { status: response.status, name, body };
    };
    try {
      expect(await statusAndName()).toEqual({ status: 200, name: 'e', body: 'hi' });
      service.change({ errorRate: 1, errorCode: 503 });
      service.resetCount();
      expect(await statusAndName()).toEqual({ status: 503, name: 'e', body: undefined });
      expect(service.received).toBe(1);
      // What is not mentioned has stayed.
      service.change({ errorRate: 0 });
      expect(await statusAndName()).toEqual({ status: 200, name: 'e', body: 'hi' });
    } finally {
      await service.stop();
    }
  });

  it('receives and counts a request in full before it resets the connection', async () => {
    const service = await startFakeService({ name: 'f', errorRate: 1, errorType: 'reset' });
    try {
      const body = 'x'.repeat(100_000);
      const failure = await fetch(`http://127.0.0.1:${service.port}/`, {
        method: 'POST',
        body,
      }).then(
        () => undefined,
        (error: Error) => error.cause as { code: string },
      );
      // Node says either, depending on what it reads first.
      expect(['ECONNRESET', 'UND_ERR_SOCKET']).toContain(failure?.code);
      expect(service.received).toBe(1);
    } finally {
      await service.stop();
    }
  });

  it('may be stopped twice', async () => {
    const service = await startFakeService({ name: 'g' });
    await service.stop();
    await service.stop();
  });
});

describe('a service that calls others', () => {
  const services: FakeService[] = [];
  const start = async (options: FakeServiceOptions) => {
    const service = await startFakeService(options);
    services.push(service);
    return `http://127.0.0.1:${service.port}/`;
  };
  afterEach(async () => {
    for (const service of services.splice(0)) await service.stop();
  });

  it('tells what they answered, and takes no longer than they do', async () => {
    const first = await start({ name: 'first', timing50Percentile: 500 });
    const second = await start({ name: 'second' });
    const front = await start({
      name: 'front',
      upstreamUris: [first, second],
      timing50Percentile: 500,
    });
    const response = await fetch(front);
    expect(response.status).toBe(200);
    const answer = (await response.json()) as { duration: string };
    expect(answer).toMatchObject({
      name: 'front',
      upstream_calls: { [first]: { name: 'first', code: 200 }, [second]: { name: 'second' } },
    });
    // Its own time has passed while it waited for the first one.
    expect(Number.parseFloat(answer.duration)).toBeGreaterThanOrEqual(500);
    expect(Number.parseFloat(answer.duration)).toBeLessThan(990);
  });

  it("passes an upstream's failure on with its status, and calls nobody after it", async () => {
    const failing = await start({ name: 'failing', errorRate: 1, errorCode: 503 });
    const other = await start({ name: 'other' });
    const front = await start({
      name: 'front',
      upstreamUris: [failing, other],
      upstreamOptions: { retry: false },
    });
    const response = await fetch(front);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      name: 'front',
      upstream_calls: { [failing]: { name: 'failing', code: 503 } },
      code: 503,
      error: 'An upstream failed',
    });
    expect(services.map(({ received }) => received)).toEqual([1, 0, 1]);
  });

  it('holds its calls to the options it is given', async () => {
    const failing = await start({ name: 'failing', errorRate: 1, errorCode: 503 });
    const front = await start({
      name: 'front',
      upstreamUris: [failing],
      upstreamOptions: { retry: { attempts: 3, backoff: { baseInterval: 1 } } },
    });
    expect((await fetch(front)).status).toBe(503);
    expect(services[0]?.received).toBe(4);
  });

  it('answers for an upstream that is gone as a gateway would', async () => {
    const gone = await start({ name: 'gone' });
    const slow = await start({ name: 'slow', timing50Percentile: 500 });
    await services[0]?.stop();
    const lost = await start({ name: 'lost', upstreamUris: [gone] });
    expect((await fetch(lost)).status).toBe(503);
    const hasty = await start({
      name: 'hasty',
      upstreamUris: [slow],
      upstreamOptions: { timeout: 20 },
    });
    expect((await fetch(hasty)).status).toBe(504);
  });

  it('fails of itself without a call', async () => {
    const behind = await start({ name: 'behind' });
    const front = await start({ name: 'front', upstreamUris: [behind], errorRate: 1 });
    expect((await fetch(front)).status).toBe(500);
    expect(services[0]?.received).toBe(0);
  });
});
