/** Installing a client and taking it out again, whoever else has been there before, after, or in between. */
import { Agent, getGlobalDispatcher, MockAgent, request, setGlobalDispatcher } from 'undici';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { InstallError } from '../../src/index.js';
import { certificateAuthority } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';
import { installed, MARK, places, restoredAfterwards } from '../support/installed.js';
import { proxy } from '../support/proxy.js';
import { serve, type TestServer } from '../support/server.js';

async function marking(): Promise<TestServer> {
  return serve((request, response) => response.end(request.headers[MARK] ?? 'untouched'));
}

const Plain = Agent;

const text = async (url: string): Promise<string> => (await fetch(url)).text();

test('global fetch is the client, and is not any more', async () => {
  const { url } = await marking();
  const before = places();
  const client = clientFor();
  const installation = client.install();
  for (const [index, place] of places().entries()) expect(place).not.toBe(before[index]);
  const { name, length } = globalThis.fetch;
  expect({ name, length }).toEqual({ name: 'fetch', length: 1 });
  const response = await fetch(url);
  expect(client.explain(response)?.attempts).toHaveLength(1);
  expect(await response.text()).toBe('1');
  installation[Symbol.dispose]();
  expect(places()).toEqual(before);
  expect(await text(url)).toBe('untouched');
  installation[Symbol.dispose]();
  expect(places()).toEqual(before);
});

test('one client is installed once at a time', async () => {
  const { url } = await marking();
  const before = places();
  const client = clientFor();
  const first = client.install();
  const during = places();
  expect(client.install()).toBe(first);
  expect(places()).toEqual(during);
  first[Symbol.dispose]();
  expect(places()).toEqual(before);
  const second = client.install();
  expect(await text(url)).toBe('1');
  first[Symbol.dispose]();
  expect(await text(url)).toBe('1');
  second[Symbol.dispose]();
  expect(places()).toEqual(before);
});

test.each(['close', 'destroy'] as const)('%s takes it out at once', async (end) => {
  const { url } = await marking();
  const before = places();
  const client = clientFor();
  client.install();
  const ended = client[end]();
  expect(places()).toEqual(before);
  expect(await text(url)).toBe('untouched');
  await ended;
  expect(() => client.install()).toThrow('the client has been closed');
  expect(places()).toEqual(before);
});

test.each([
  ['the later one first', [1, 0]],
  ['the earlier one first', [0, 1]],
])('two clients, of which %s is taken out', async (_what, order) => {
  const one = await marking();
  const other = await marking();
  const before = places();
  const services = { [one.url]: {} };
  const clients = [clientFor({ services: { [other.url]: {} } }), clientFor({ services })] as const;
  const installations = clients.map((client) => client.install());
  const own = await fetch(one.url);
  expect(clients.map((client) => client.explain(own) !== undefined)).toEqual([false, true]);
  const others = await fetch(other.url);
  expect(clients.map((client) => client.explain(others) !== undefined)).toEqual([true, false]);
  installations[order[0] as number]?.[Symbol.dispose]();
  expect(await text([other, one][order[0] as number]?.url ?? '')).toBe('untouched');
  expect(await text([other, one][order[1] as number]?.url ?? '')).toBe('1');
  installations[order[1] as number]?.[Symbol.dispose]();
  expect(places()).toEqual(before);
});

test('calls go to a service through one client, not through two', async () => {
  const { url, seen } = await marking();
  const lower = installed();
  const upper = installed();
  expect(await text(url)).toBe('1');
  expect(seen).toHaveLength(1);
  expect(upper.endpoints()).toHaveLength(1);
  expect(lower.endpoints()).toHaveLength(0);
});

test('what others put in its place stays theirs, and passes through', async () => {
  restoredAfterwards();
  const { url } = await marking();
  const [platform] = places();
  const installation = clientFor().install();
  const ours = globalThis.fetch;
  const theirs = vi.fn((...args: Parameters<typeof fetch>) => ours(...args));
  globalThis.fetch = theirs;
  const dispatcher = new Agent();
  setGlobalDispatcher(dispatcher);
  installation[Symbol.dispose]();
  expect(globalThis.fetch).toBe(theirs);
  expect(getGlobalDispatcher()).toBe(dispatcher);
  expect(await text(url)).toBe('untouched');
  expect(theirs).toHaveBeenCalledOnce();
  expect(theirs).not.toBe(platform);
});

/** What answers `http://mocked/` with 503, and then with 200. */
function mock(): MockAgent {
  const agent = new MockAgent();
  const at = agent.get('http://mocked');
  at.intercept({ path: '/' }).reply(503, 'refused');
  at.intercept({ path: '/' }).reply(200, 'mocked').persist();
  return agent;
}

test.each(['before', 'afterwards'])(
  'a dispatcher that the application has set %s is what the client sends through',
  async (when) => {
    restoredAfterwards();
    const { url, seen } = await marking();
    const agent = mock();
    const proxied = new Agent({ connections: 3 });
    const client = clientFor({ retry: { backoff: { baseInterval: 1, maxInterval: 1 } } });
    if (when === 'before') setGlobalDispatcher(agent);
    const installation = client.install();
    if (when === 'afterwards') setGlobalDispatcher(agent);
    const response = await fetch('http://mocked/');
    expect(await response.text()).toBe('mocked');
    expect(client.explain(response)?.attempts).toHaveLength(2);
    // Another one, and one that is as good as none.
    const dispatch = vi.spyOn(proxied, 'dispatch');
    setGlobalDispatcher(proxied);
    expect(await text(url)).toBe('1');
    expect(dispatch).toHaveBeenCalledOnce();
    setGlobalDispatcher(new Agent());
    expect(await text(url)).toBe('1');
    expect(dispatch).toHaveBeenCalledOnce();
    expect(seen).toHaveLength(2);
    setGlobalDispatcher(agent);
    expect(await text('http://mocked/')).toBe('mocked');
    agent.disableNetConnect();
    await expect(client.fetch(url)).rejects.toThrow('fetch failed');
    installation[Symbol.dispose]();
    expect(getGlobalDispatcher()).toBe(agent);
    // What it sends itself goes its own way again.
    expect(await (await client.fetch(url)).text()).toBe('1');
  },
);

test('the dispatcher that was there before comes back', async () => {
  restoredAfterwards();
  const agent = mock();
  setGlobalDispatcher(agent);
  const before = places();
  const client = clientFor();
  const installation = client.install();
  expect(await (await request('http://mocked/')).body.text()).toBe('mocked');
  installation[Symbol.dispose]();
  expect(places()).toEqual(before);
  expect(await text('http://mocked/')).toBe('mocked');
});

test("what the client's own options say about connections stands", async () => {
  restoredAfterwards();
  const { url } = await marking();
  const own = new Agent();
  const dispatch = vi.spyOn(own, 'dispatch');
  setGlobalDispatcher(new MockAgent());
  const client = installed({ dispatcher: own });
  expect(await text(url)).toBe('1');
  expect(dispatch).toHaveBeenCalledOnce();
  await client.close();
});

test('so does what a service says of its own: certificates, a socket in the file system, a proxy', async () => {
  restoredAfterwards();
  const ca = await certificateAuthority();
  const secure = await fleetOf({ endpoints: 1, tls: await ca.issue({ names: ['shop'] }) });
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-'));
  const local = createServer((_, response) => response.end('local'));
  local.listen(join(folder, 'socket'));
  await once(local, 'listening');
  const far = await marking();
  const between = await proxy();
  onTestFinished(async () => {
    local.close();
    await rm(folder, { recursive: true });
  });
  const agent = new MockAgent();
  agent.disableNetConnect();
  setGlobalDispatcher(agent);
  installed({
    retry: false,
    services: {
      'https://shop': { endpoints: secure.endpoints, tls: { ca: ca.cert } },
      'http://local': { endpoints: [`unix:${join(folder, 'socket')}`] },
      'http://far': { endpoints: [far.url], proxy: between.url },
      'http://mocked': {},
    },
  });
  expect((await fetch('https://shop/')).status).toBe(200);
  expect(await text('http://local/')).toBe('local');
  expect(await text('http://far/')).toBe('1');
  expect(between.asked).toHaveLength(1);
  await expect(fetch('http://mocked/')).rejects.toThrow('fetch failed');
});

test('what is composed around the installed dispatcher has its part in global fetch', async () => {
  restoredAfterwards();
  const { url } = await marking();
  installed();
  const asked: string[] = [];
  setGlobalDispatcher(
    getGlobalDispatcher().compose((dispatch) => (options, handler) => {
      asked.push(options.path);
      return dispatch(options, handler);
    }),
  );
  expect(await text(`${url}/composed`)).toBe('1');
  expect(asked).toEqual(['/composed']);
});

test.each([
  ['an agent with options', () => new Agent({ connections: 3 })],
  ['a composed one', () => new Agent().compose((dispatch) => dispatch)],
  ['a class of somebody’s', () => new (class Agent extends Plain {})()],
])('%s is not taken for the usual one', async (_what, make) => {
  restoredAfterwards();
  const { url } = await marking();
  const agent = make();
  const connected = vi.fn();
  agent.on('connect', connected);
  setGlobalDispatcher(agent);
  installed();
  expect(await text(url)).toBe('1');
  expect(connected).toHaveBeenCalledOnce();
});

test('a plain agent that was set before is as good as none', async () => {
  restoredAfterwards();
  const { url } = await marking();
  const agent = new Agent();
  const connected = vi.fn();
  agent.on('connect', connected);
  setGlobalDispatcher(agent);
  const before = places();
  const installation = clientFor().install();
  expect(await text(url)).toBe('1');
  expect(connected).not.toHaveBeenCalled();
  installation[Symbol.dispose]();
  expect(places()).toEqual(before);
});

test('a fetch that cannot be replaced', () => {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'fetch') as PropertyDescriptor;
  onTestFinished(() => void Object.defineProperty(globalThis, 'fetch', descriptor));
  const before = places();
  const client = clientFor();
  Object.defineProperty(globalThis, 'fetch', { ...descriptor, writable: false });
  expect(() => client.install()).toThrow(InstallError);
  expect(places()).toEqual(before);
  Object.defineProperty(globalThis, 'fetch', { ...descriptor, value: undefined });
  expect(() => client.install()).toThrow('there is no global fetch');
});
