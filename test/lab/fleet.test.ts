import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createResilientClient } from '../../src/index.js';
import { Fleet, FleetError } from '../../src/lab/fleet.js';
import { fleetEntry } from './built-command.js';

/** A process in the fleet's place. */
async function standIn(source: string): Promise<URL> {
  const file = new URL('stand-in.mjs', fleetEntry);
  await writeFile(file, source);
  return file;
}

describe('the fleet', () => {
  it('starts backends, counts what each received, and stops', async () => {
    const fleet = await Fleet.start(fleetEntry);
    const backends = await fleet.startBackends([{ name: 'a' }, { name: 'b', message: 'hi' }]);
    expect(backends.map(({ name }) => name)).toEqual(['a', 'b']);
    const url = backends[1]?.url ?? '';
    for (let i = 0; i < 2; i++) {
      expect(await fetch(url).then((res) => res.json())).toMatchObject({ name: 'b', body: 'hi' });
    }
    expect(await fleet.received()).toEqual([0, 2]);

    await fleet.clear();
    expect(await fleet.received()).toEqual([]);
    await expect(fetch(url)).rejects.toThrow('fetch failed');

    await fleet.stop();
    await fleet.stop();
    expect(fleet.lost.aborted).toBe(false);
    await expect(fleet.received()).rejects.toThrow('the fleet was stopped');
  });

  it('changes a running backend, counts anew, and halts one of several', async () => {
    const fleet = await Fleet.start(fleetEntry);
    const [a, b] = await fleet.startBackends([{ name: 'a' }, { name: 'b' }]);
    const status = (url = '') => fetch(url).then((response) => response.status);
    expect(await status(a?.url)).toBe(200);
    await fleet.change('a', { errorRate: 1, errorCode: 408 });
    expect(await status(a?.url)).toBe(408);
    expect(await status(b?.url)).toBe(200);
    expect(await fleet.received()).toEqual([2, 1]);
    await fleet.resetCounts();
    expect(await status(b?.url)).toBe(200);
    expect(await fleet.received()).toEqual([0, 1]);

    await fleet.halt('b');
    await expect(status(b?.url)).rejects.toThrow('fetch failed');
    expect(await status(a?.url)).toBe(408);
    expect(await fleet.received()).toEqual([1, 1]);

    await expect(fleet.change('c', {})).rejects.toThrow("no backend is called 'c'; they are a, b");
    await expect(fleet.halt('c')).rejects.toThrow("no backend is called 'c'; they are a, b");
    await fleet.clear();
    await fleet.stop();
  });

  it('tells how many connections are open', async () => {
    const fleet = await Fleet.start(fleetEntry);
    const [a, b] = await fleet.startBackends([{ name: 'a' }, { name: 'b' }]);
    expect(await fleet.connections()).toEqual([0, 0]);
    const client = createResilientClient({ service: 'http://b', endpoints: [b?.url ?? ''] });
    await client.fetch('/').then((response) => response.text());
    expect(await fleet.connections()).toEqual([0, 1]);
    await client.close();
    await expect.poll(() => fleet.connections()).toEqual([0, 0]);

    await fetch(a?.url ?? '').then((response) => response.text());
    expect(await fleet.connections()).toEqual([1, 0]);
    await fleet.halt('a');
    expect(await fleet.connections()).toEqual([0, 0]);
    await fleet.stop();
  });

  it('lets a backend call another through a client', async () => {
    const fleet = await Fleet.start(fleetEntry);
    const [behind] = await fleet.startBackends([{ name: 'behind' }]);
    const [front] = await fleet.startBackends([
      { name: 'front', upstreamUris: [behind?.url ?? ''], upstreamOptions: { timeout: '5s' } },
    ]);
    const answer: unknown = await fetch(front?.url ?? '').then((response) => response.json());
    expect(answer).toMatchObject({ upstream_calls: { [behind?.url ?? '']: { name: 'behind' } } });
    expect(await fleet.received()).toEqual([1, 1]);
    await fleet.stop();
  });

  it('that does not start says why', async () => {
    const entry = await standIn(`process.stderr.write('out of rope\\n'); process.exitCode = 3;`);
    const failure = await Fleet.start(entry).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FleetError);
    expect((failure as Error).message).toBe(
      'the fleet process failed: it ended with code 3\nout of rope',
    );
  });

  it('that is lost tells so, and fails what was asked of it', async () => {
    const entry = await standIn(`
      process.send({ ready: true });
      process.on('message', () => process.exit(4));
    `);
    const fleet = await Fleet.start(entry);
    await expect(fleet.received()).rejects.toThrow('it ended with code 4');
    expect(fleet.lost.reason).toBeInstanceOf(FleetError);
    await expect(fleet.clear()).rejects.toThrow('it ended with code 4');
    await fleet.stop();
  });

  it('passes on what a backend says that cannot be started', async () => {
    const entry = await standIn(`
      process.send({ ready: true });
      process.on('message', ({ id }) => process.send({ id, error: 'no port is free' }));
      process.on('disconnect', () => process.exit(0));
    `);
    const fleet = await Fleet.start(entry);
    await expect(fleet.startBackends([{ name: 'a' }])).rejects.toThrow('no port is free');
    await fleet.stop();
  });
});
