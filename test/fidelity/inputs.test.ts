/** What fetch takes as its first argument and as its second, and what it makes of what it does not take. */
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { describe } from 'vitest';
import { sameAsPlatform, useServers, type Bench } from './differential.js';
import { called, outcome, thrown, whole } from './seen.js';

useServers();

/** Registers a check for each: what becomes of a call with these arguments. */
function sameCalls(table: Record<string, (bench: Bench) => unknown[]>): void {
  for (const [name, args] of Object.entries(table)) {
    sameAsPlatform(name, (bench) => called(bench.fetch, ...args(bench)));
  }
}

class OwnURL extends URL {
  override toString(): string {
    return 'http://elsewhere.invalid/';
  }
}
class OwnRequest extends Request {
  override readonly method = 'DELETE';
}

describe('the first argument', () => {
  sameCalls({
    'no argument': () => [],
    text: ({ url }) => [url],
    'text with spaces around': ({ url }) => [`  ${url}/a \n`],
    'a String object': ({ url }) => [new String(url)],
    'a String of another realm': ({ url }) => [runInNewContext(`new String('${url}')`) as object],
    'a URL': ({ url }) => [new URL('/path?q=1#part', url)],
    'a URL of a class of its own': ({ url }) => [new OwnURL('/own', url)],
    'a URL with an href of its own': ({ url }) => [
      Object.defineProperty(new URL(url), 'href', { value: `${url}/href` }),
    ],
    'an object that turns into text': ({ url }) => [{ toString: () => `${url}/text` }],
    'an object with an href': ({ url }) => [{ href: url }],
    'an object with a url': ({ url }) => [{ url, method: 'POST' }],
    'an object without toString': () => [Object.create(null) as object],
    'an object whose toString throws': () => [
      {
        toString() {
          throw new RangeError('no text');
        },
      },
    ],
    'an object by Symbol.toPrimitive': ({ url }) => [
      { [Symbol.toPrimitive]: (hint: string) => `${url}/${hint}` },
    ],
    'an array of one': ({ url }) => [[url]],
    undefined: () => [undefined],
    null: () => [null],
    'a number': () => [42],
    'a boolean': () => [true],
    'a bigint': () => [1n],
    'a symbol': () => [Symbol('url')],
    'a function': () => [() => 'url'],
    'empty text': () => [''],
    'a relative path': () => ['/orders'],
    'a relative path without a slash': () => ['orders'],
    'only a query': () => ['?a=b'],
    'text without a scheme': ({ url }) => [url.slice('http:'.length)],
    'a Response': () => [new Response('x')],
    'a lone surrogate': ({ url }) => [`${url}/\ud800`],
    'a very long path': ({ url }) => [`${url}/${'x'.repeat(4000)}`],
    'three arguments': ({ url }) => [url, { method: 'PUT' }, 'third'],
  });
});

describe('a Request', () => {
  const requests: Record<string, (bench: Bench) => Request> = {
    'a GET': ({ url }) => new Request(`${url}/a?b=c#d`),
    'of a class of its own': ({ url }) => new OwnRequest(url, { method: 'PUT', body: 'put' }),
    'with headers': ({ url }) => new Request(url, { headers: { 'X-A': '1', Accept: 'text/x' } }),
    'with text': ({ url }) => new Request(url, { method: 'POST', body: 'täxt' }),
    'with bytes': ({ url }) => new Request(url, { method: 'POST', body: new Uint8Array([1, 200]) }),
    'with a Blob': ({ url }) =>
      new Request(url, { method: 'POST', body: new Blob(['blob'], { type: 'text/x' }) }),
    'with URLSearchParams': ({ url }) =>
      new Request(url, { method: 'PUT', body: new URLSearchParams({ a: 'b c' }) }),
    'with a form': ({ url }) => {
      const form = new FormData();
      form.append('a', 'b');
      return new Request(url, { method: 'POST', body: form });
    },
    'with a stream': ({ url }) =>
      new Request(url, { method: 'POST', body: new Blob(['stream']).stream(), duplex: 'half' }),
    'with an empty body': ({ url }) => new Request(url, { method: 'POST', body: '' }),
    'that is a copy': ({ url }) =>
      new Request(new Request(url, { method: 'POST', body: 'copied', headers: { 'x-a': '1' } })),
    'that is a clone': ({ url }) => new Request(url, { method: 'POST', body: 'cloned' }).clone(),
    'whose clone remains': ({ url }) => {
      const request = new Request(url, { method: 'POST', body: 'cloned' });
      request.clone();
      return request;
    },
    'with a signal': ({ url }) => new Request(url, { signal: new AbortController().signal }),
    'with a signal that is aborted': ({ url }) =>
      new Request(url, { signal: AbortSignal.abort(new Error('enough')) }),
    'with text and a signal that is aborted': ({ url }) =>
      new Request(url, { method: 'POST', body: 'x', signal: AbortSignal.abort(new Error('no')) }),
    'with a stream of bytes': ({ url }) => {
      const pull = (controller: ReadableByteStreamController): void => {
        controller.enqueue(new TextEncoder().encode('bytes'));
        controller.close();
      };
      const body = new ReadableStream({ type: 'bytes', pull });
      return new Request(url, { method: 'POST', body, duplex: 'half' });
    },
    'with much text, PATCH': ({ url }) =>
      new Request(url, {
        ...{ method: 'PATCH', body: 'x'.repeat(400_000), headers: { 'X-A': '1' } },
        signal: new AbortController().signal,
      }),
    'with a referrer': ({ url }) => new Request(url, { referrer: 'http://from.example/page?x=1' }),
    'with a referrer and a policy': ({ url }) =>
      new Request(url, { referrer: `${url}/page`, referrerPolicy: 'unsafe-url' }),
    'without a referrer': ({ url }) => new Request(url, { referrer: '' }),
    'with cache no-store': ({ url }) => new Request(url, { cache: 'no-store' } as object),
    'with cache reload': ({ url }) => new Request(url, { cache: 'reload' } as object),
    'with keepalive': ({ url }) =>
      new Request(url, { method: 'POST', body: 'kept', keepalive: true }),
    'with credentials omitted': ({ url }) =>
      new Request(url, { credentials: 'omit', headers: { authorization: 'x' } }),
    'with mode same-origin': ({ url }) => new Request(url, { mode: 'same-origin' }),
    'with mode no-cors': ({ url }) =>
      new Request(url, { mode: 'no-cors', headers: { 'x-a': '1', accept: 'text/x' } }),
    'with a right integrity': ({ url }) =>
      new Request(url, {
        integrity: 'sha256-ZAy2IGOHQ53Q2MmVn7cUUJcKlVuPGpBs5Tr3gPjGFBc=',
      }),
    'with a wrong integrity': ({ url }) => new Request(url, { integrity: 'sha256-AAAA' }),
    'of another method': ({ url }) => new Request(url, { method: 'propfind' }),
  };
  for (const [name, make] of Object.entries(requests)) {
    sameAsPlatform(name, async (bench) => {
      const request = make(bench);
      const result = await called(bench.fetch, request);
      return [result, request.bodyUsed, request.body?.locked];
    });
    sameAsPlatform(`${name}, and an init that says nothing`, async (bench) => {
      const request = make(bench);
      const result = await called(bench.fetch, request, {});
      return [result, request.bodyUsed, request.body?.locked];
    });
    sameAsPlatform(`${name}, and an init with another method and body`, async (bench) => {
      const request = make(bench);
      const init = { method: 'PATCH', body: 'instead', headers: { 'x-instead': '1' } };
      const result = await called(bench.fetch, request, init);
      return [result, request.bodyUsed, request.body?.locked];
    });
  }

  sameAsPlatform('twice', async ({ fetch, url }) => {
    const request = new Request(url, { method: 'POST', body: 'once' });
    return [await called(fetch, request), await called(fetch, request)];
  });
  sameAsPlatform('twice, without a body', async ({ fetch, url }) => {
    const request = new Request(url);
    return [await called(fetch, request), await called(fetch, request)];
  });
  sameAsPlatform('whose body was read', async ({ fetch, url }) => {
    const request = new Request(url, { method: 'POST', body: 'read' });
    await request.text();
    return called(fetch, request);
  });
  sameAsPlatform('whose body was read, with another in its place', async ({ fetch, url }) => {
    const request = new Request(url, { method: 'POST', body: 'read' });
    await request.text();
    return called(fetch, request, { body: 'fresh' });
  });
  sameAsPlatform('whose body is locked', async ({ fetch, url }) => {
    const request = new Request(url, { method: 'POST', body: 'locked' });
    request.body?.getReader();
    return called(fetch, request);
  });
  sameAsPlatform('whose body is being read', async ({ fetch, url }) => {
    const request = new Request(url, { method: 'POST', body: 'x'.repeat(100_000) });
    const reading = request.text();
    const result = await called(fetch, request);
    return [result, (await reading).length];
  });
  sameAsPlatform('bodyUsed right after the call', async ({ fetch, url }) => {
    const request = new Request(url, { method: 'POST', body: 'posted' });
    const answer = fetch(request);
    const used = request.bodyUsed;
    return [used, await whole(await answer), request.bodyUsed];
  });
  sameAsPlatform('its own signal', async ({ fetch, url, server }) => {
    const controller = new AbortController();
    server.answer = () => controller.abort(new Error('own'));
    return called(fetch, new Request(url, { signal: controller.signal }));
  });
  for (const size of [10, 1_000_000]) {
    sameAsPlatform(`its own signal, in the turn of the call, ${size} bytes`, async (bench) => {
      const controller = new AbortController();
      const body = 'x'.repeat(size);
      const request = new Request(bench.url, { method: 'PUT', body, signal: controller.signal });
      const answer = outcome(() => bench.fetch(request));
      controller.abort(new Error('own'));
      return [await answer, request.bodyUsed];
    });
    sameAsPlatform(`its own signal, once it has come, ${size} bytes`, async (bench) => {
      const controller = new AbortController();
      bench.server.answer = () => controller.abort(new Error('own'));
      const body = 'x'.repeat(size);
      const request = new Request(bench.url, { method: 'PUT', body, signal: controller.signal });
      return [await outcome(() => bench.fetch(request)), request.bodyUsed];
    });
  }
  for (const turns of [0, 1]) {
    sameAsPlatform(
      `its own signal, with a long form, ${turns} turns after the call`,
      async (bench) => {
        const unheard: unknown[] = [];
        const listener = (error: unknown): void => void unheard.push(thrown(error));
        process.on('unhandledRejection', listener);
        const form = new FormData();
        for (const name of ['a', 'b', 'c']) form.append(name, new Blob(['x'.repeat(200_000)]));
        const controller = new AbortController();
        const { signal } = controller;
        const answer = outcome(() =>
          bench.fetch(new Request(bench.url, { method: 'PUT', body: form, signal })),
        );
        for (let turn = 0; turn < turns; turn++) await setImmediate();
        controller.abort(new Error('own'));
        const result = await answer;
        for (let turn = 0; turn < 5; turn++) await setImmediate();
        process.off('unhandledRejection', listener);
        return [result, unheard];
      },
    );
  }
  sameAsPlatform('its body is locked right after the call', async ({ fetch, url }) => {
    const request = new Request(url, { method: 'POST', body: 'posted' });
    const answer = fetch(request);
    const locked = request.body?.locked;
    return [locked, await whole(await answer), request.body?.locked];
  });
  sameAsPlatform('a file that has changed', async ({ fetch, url }) => {
    const folder = await mkdtemp(join(tmpdir(), 'outrigger-'));
    const file = join(folder, 'body.txt');
    await writeFile(file, 'before');
    const request = new Request(url, { method: 'POST', body: await openAsBlob(file) });
    await writeFile(file, 'after that');
    const result = await called(fetch, request);
    await rm(folder, { recursive: true });
    return result;
  });
  sameAsPlatform('its own signal, and another in init', async ({ fetch, url, server }) => {
    const own = new AbortController();
    const other = new AbortController();
    server.answer = (_, response) => {
      own.abort(new Error('own'));
      setTimeout(() => {
        if (!response.destroyed) response.end('went on');
      }, 20);
    };
    const request = new Request(url, { signal: own.signal });
    return called(fetch, request, { signal: other.signal });
  });
  sameAsPlatform('its own signal, and null in init', async ({ fetch, url, server }) => {
    const own = new AbortController();
    server.answer = (_, response) => {
      own.abort(new Error('own'));
      setTimeout(() => response.end('went on'), 20);
    };
    return called(fetch, new Request(url, { signal: own.signal }), { signal: null });
  });
  sameAsPlatform('its headers change after the call', async ({ fetch, url }) => {
    const request = new Request(url, { headers: { 'x-a': 'before' } });
    const answer = fetch(request);
    request.headers.set('x-a', 'after');
    return whole(await answer);
  });
});

describe('the second argument', () => {
  class Init {
    get method(): string {
      return 'DELETE';
    }
  }
  class FieldInit {
    method = 'PUT';
    body = 'of a field';
  }
  sameCalls({
    undefined: ({ url }) => [url, undefined],
    null: ({ url }) => [url, null],
    'an empty object': ({ url }) => [url, {}],
    'a number': ({ url }) => [url, 1],
    text: ({ url }) => [url, 'POST'],
    'empty text': ({ url }) => [url, ''],
    false: ({ url }) => [url, false],
    'a bigint': ({ url }) => [url, 1n],
    'a symbol': ({ url }) => [url, Symbol('init')],
    'an array': ({ url }) => [url, ['POST']],
    'a function': ({ url }) => [url, () => 'POST'],
    'a function with members': ({ url }) => [url, Object.assign(() => 1, { method: 'POST' })],
    'a Map': ({ url }) => [url, new Map([['method', 'POST']])],
    'a Date': ({ url }) => [url, new Date(0)],
    'a regular expression': ({ url }) => [url, /x/],
    'frozen, inside as well': ({ url }) => [
      url,
      Object.freeze({ method: 'POST', body: 'x', headers: Object.freeze({ 'x-a': '1' }) }),
    ],
    'without a prototype': ({ url }) => [
      url,
      Object.assign(Object.create(null) as object, { method: 'POST', body: 'x' }),
    ],
    'members of its prototype': ({ url }) => [
      url,
      Object.create({ method: 'POST', body: 'x' }) as object,
    ],
    'getters of a class': ({ url }) => [url, new Init()],
    'fields of a class': ({ url }) => [url, new FieldInit()],
    'of another realm': ({ url }) => [
      url,
      runInNewContext("({ method: 'POST', body: 'x', headers: { 'x-a': '1' } })") as object,
    ],
    'headers as pairs of another realm': ({ url }) => [
      url,
      { headers: runInNewContext("[['x-a', '1']]") as string[][] },
    ],
    'bytes of another realm': ({ url }) => [
      url,
      { method: 'POST', body: runInNewContext('new Uint8Array([104, 105])') as Uint8Array },
    ],
    'a buffer of another realm': ({ url }) => [
      url,
      { method: 'POST', body: runInNewContext('new Uint8Array([104, 105]).buffer') as ArrayBuffer },
    ],
    'a Request': ({ url }) => [url, new Request(url, { method: 'POST', headers: { 'x-a': '1' } })],
    'a Request with a body': ({ url }) => [url, new Request(url, { method: 'PUT', body: 'x' })],
    'a Response': ({ url }) => [url, new Response('x', { headers: { 'x-a': '1' } })],
    'a Headers': ({ url }) => [url, new Headers({ method: 'POST' })],
    'members that fetch knows nothing of': ({ url }) => [
      url,
      { timeout: 5, agent: {}, next: { revalidate: 1 }, cf: null, method: 'PUT' },
    ],
    'a proxy': ({ url }) => [url, new Proxy({ method: 'PUT', body: 'x' }, {})],
    'a resilience of undefined': ({ url }) => [url, { resilience: undefined, method: 'PUT' }],
  });

  const members = {
    method: [
      ...['get', 'Get', 'GET', 'post', 'Post', 'put', 'delete', 'DeLeTe', 'head', 'options'],
      ...['patch', 'Patch', 'PATCH', 'PROPFIND', 'MKCOL', 'SEARCH', 'QUERY', 'QUACK', 'propfind'],
      ...['CONNECT', 'connect', 'TRACE', 'trace', 'TRACK', 'Track'],
      ...['', ' ', ' GET', 'GET ', 'G ET', 'GET\n', 'GET\0', 'ÄÖ', '✓', 'G,ET', 'x'.repeat(3000)],
      ...['constructor', 'toString', '__proto__', 'hasOwnProperty', 'undefined', 'null'],
      ...[null, undefined, 0, 1, NaN, true, false, 1n, Symbol('m'), [], ['POST'], ['GET', 'PUT']],
      ...[{}, { toString: () => 'PUT' }, new String('POST'), () => 'POST'],
    ],
    mode: [
      ...['cors', 'no-cors', 'same-origin', 'navigate', 'websocket', 'CORS', ''],
      ...[null, undefined, 1, {}, [], new String('cors'), { toString: () => 'cors' }],
    ],
    credentials: ['omit', 'same-origin', 'include', 'Include', '', null, undefined, 1, true],
    cache: [
      ...['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'],
      ...['never', '', null, undefined, 0, false],
    ],
    redirect: ['follow', 'error', 'manual', 'Follow', 'never', '', null, undefined, 0, false],
    referrer: [
      ...['', 'about:client', 'about:blank', 'http://from.example/a?b#c', 'no url', '/relative'],
      ...['http://me:secret@from.example/', 'data:text/plain,x', null, undefined, 1, {}],
    ],
    referrerPolicy: [
      ...[
        '',
        'no-referrer',
        'no-referrer-when-downgrade',
        'same-origin',
        'origin',
        'strict-origin',
      ],
      ...['origin-when-cross-origin', 'strict-origin-when-cross-origin', 'unsafe-url'],
      ...['Origin', 'else', null, undefined, 1],
    ],
    integrity: ['', 'sha256-wrong', 'md5-x', 'nonsense', 'sha256-', ' ', null, undefined, 1, {}],
    keepalive: [true, false, null, undefined, 0, 1, '', 'false', {}],
    signal: [
      ...[null, undefined, false, 0, '', 1, 'soon', {}, [], new EventTarget()],
      ...[{ aborted: false }, { aborted: true }, new AbortController()],
      { aborted: false, addEventListener() {}, removeEventListener() {} },
      { aborted: true, reason: new Error('like one'), addEventListener() {} },
    ],
    window: [null, undefined, false, 0, '', {}, 'window'],
    duplex: ['half', 'full', 'Half', '', null, undefined, 1, true],
    priority: ['high', 'low', 'auto', 'else', '', null, undefined, 1],
    body: [
      null,
      undefined,
      '',
      'x',
      0,
      1,
      true,
      false,
      1n,
      Symbol('b'),
      {},
      [],
      [1, 2],
      ['a', 'b'],
    ],
    headers: [null, undefined, '', 'a: b', 0, 1, true, Symbol('h'), 1n, () => ({}), new Date(0)],
  };
  for (const [member, values] of Object.entries(members)) {
    describe(member, () => {
      for (const [index, value] of values.entries()) {
        for (const method of member === 'method' ? [undefined] : ['GET', 'POST']) {
          sameAsPlatform(`${named(value)} (${index}), ${method ?? ''}`, ({ fetch, url }) =>
            called(fetch, url, { ...(method !== undefined && { method }), [member]: value }),
          );
        }
      }
    });
  }
  describe('mode', () => {
    for (const mode of ['no-cors', 'same-origin', 'cors'] as const) {
      for (const method of ['GET', 'POST', 'PUT', 'HEAD']) {
        sameAsPlatform(`${mode} ${method}, with headers`, ({ fetch, url }) =>
          called(fetch, url, {
            ...{ mode, method },
            headers: { 'x-a': '1', accept: 'text/x', 'content-type': 'application/json' },
          }),
        );
      }
      for (const credentials of ['omit', 'same-origin', 'include'] as const) {
        sameAsPlatform(`${mode} with credentials ${credentials}`, ({ fetch, url }) =>
          called(fetch, url, { mode, credentials, headers: { cookie: 'a=b', authorization: 'x' } }),
        );
      }
    }
    for (const cache of ['only-if-cached', 'no-store', 'reload', 'no-cache'] as const) {
      sameAsPlatform(`same-origin, cache ${cache}`, ({ fetch, url }) =>
        called(fetch, url, { mode: 'same-origin', cache }),
      );
      sameAsPlatform(`cache ${cache}, with headers of its own`, ({ fetch, url }) =>
        called(fetch, url, { cache, headers: { pragma: 'mine', 'cache-control': 'max-age=1' } }),
      );
    }
  });
});

describe('integrity', () => {
  const sha256 = 'ZAy2IGOHQ53Q2MmVn7cUUJcKlVuPGpBs5Tr3gPjGFBc=';
  const sha512 =
    'ofYDWVC9S5QGwBEyhVmFDWd9kLeoWxZ2LMvWa2AcJhMH6Bd7KxFTCPA+5Wq5EBPGIDVfyVJRVw1crRbpG0g3Eg==';
  for (const integrity of [
    ...[`sha256-${sha256}`, `sha256-${sha256}?opt`, `sha256-wrong sha256-${sha256}`],
    ...[`sha512-${sha512}`, `sha384-wrong`, `sha512-wrong sha256-${sha256}`, `SHA256-${sha256}`],
    ...[`sha256-${sha256} sha512-wrong`, `sha1-x`, `sha256-${sha256.replace('=', '')}`],
  ]) {
    sameAsPlatform(integrity, ({ fetch, url }) => called(fetch, url, { integrity }));
    sameAsPlatform(`${integrity}, as a stream`, async ({ fetch, url }) =>
      outcome(async () => {
        let text = '';
        const { body } = await fetch(url, { integrity });
        for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
          text += Buffer.from(chunk).toString();
        }
        return text;
      }),
    );
  }
});

describe('reading the second argument', () => {
  /** Notes each member that is read, in the order in which it is. */
  function watched(init: object, read: PropertyKey[]): object {
    return new Proxy(init, {
      get(target, name) {
        read.push(name);
        return Reflect.get(target, name) as unknown;
      },
    });
  }
  const inits: Record<string, () => object> = {
    'an empty one': () => ({}),
    'a usual one': () => ({ method: 'POST', body: 'x', headers: { a: 'b' } }),
    'an unusual one': () => ({ redirect: 'manual', keepalive: true, mode: 'cors' }),
    'a wrong method': () => ({ method: 'NO WAY', headers: {} }),
    'a stream': () => ({ method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' }),
  };
  for (const [name, make] of Object.entries(inits)) {
    sameAsPlatform(`members of ${name}`, async ({ fetch, url }) => {
      const read: PropertyKey[] = [];
      const result = await called(fetch, url, watched(make(), read));
      const there = Object.keys(make());
      return [result, read.filter((member) => there.includes(member as string)).sort()];
    });
  }
  sameAsPlatform(
    'the order of reading',
    async ({ fetch, url }) => {
      const read: PropertyKey[] = [];
      await fetch(url, watched({ method: 'POST', body: 'x', headers: { a: 'b' } }, read));
      return read;
    },
    { differs: 'init-members', ours: ['resilience', 'method', 'body', 'headers'] },
  );
  sameAsPlatform(
    'members that are not enumerable',
    async ({ fetch, url, server }) => {
      await fetch(url, Object.defineProperty({}, 'method', { value: 'POST', enumerable: false }));
      return server.asked[0]?.line;
    },
    { differs: 'init-members', ours: 'GET / HTTP/1.1' },
  );
  sameAsPlatform(
    'a dispatcher',
    async ({ fetch, url }) => {
      const dispatcher = {
        dispatch() {
          throw new Error('asked to dispatch');
        },
      };
      return called(fetch, url, { dispatcher });
    },
    { differs: 'own-dispatcher', ours: { value: { status: 200 } } },
  );
  for (const member of ['method', 'headers', 'body', 'signal', 'redirect', 'window', 'priority']) {
    sameAsPlatform(`a getter of ${member} that throws`, ({ fetch, url }) =>
      called(fetch, url, {
        get [member](): unknown {
          throw new RangeError('not to be had');
        },
      }),
    );
    sameAsPlatform(`a getter of ${member} is asked once`, async ({ fetch, url }) => {
      let times = 0;
      const init = {
        get [member]() {
          times += 1;
          return undefined;
        },
      };
      return [await called(fetch, url, init), times];
    });
  }
  sameAsPlatform('a getter of body is asked once for a stream', async ({ fetch, url }) => {
    let times = 0;
    const init = {
      method: 'POST',
      duplex: 'half',
      get body() {
        times += 1;
        return new Blob([`stream ${times}`]).stream();
      },
    };
    return [await called(fetch, url, init), times];
  });
  sameAsPlatform('what turns into text is asked once', async ({ fetch, url }) => {
    const asked: string[] = [];
    const text = (value: string) => ({
      toString() {
        asked.push(value);
        return value;
      },
    });
    const init = { method: text('PUT'), headers: { 'x-a': text('1') }, body: text('body') };
    return [await called(fetch, text(url), init), asked];
  });
  sameAsPlatform('headers are read once', async ({ fetch, url }) => {
    const read: PropertyKey[] = [];
    const headers = watched({ 'x-a': '1', 'x-b': '2' }, read);
    return [await called(fetch, url, { headers }), read.map(String)];
  });
});

describe('the function', () => {
  sameAsPlatform('name and arity', ({ fetch }) => [
    fetch.name,
    fetch.length,
    typeof fetch,
    Object.prototype.toString.call(fetch),
  ]);
  sameAsPlatform('any this', async ({ fetch, url }) => [
    await outcome(async () => (await Reflect.apply(fetch, undefined, [url])).status),
    await outcome(async () => (await Reflect.apply(fetch, null, [url])).status),
    await outcome(async () => (await Reflect.apply(fetch, 'text', [url])).status),
    await outcome(async () => (await { fetch }.fetch(url)).status),
  ]);
  sameAsPlatform('gives a promise of the platform', async ({ fetch, url }) => {
    const answer = fetch(url);
    const found = [
      answer instanceof Promise,
      answer.constructor === Promise,
      Object.getPrototypeOf(answer) === Promise.prototype,
    ];
    await answer;
    return found;
  });
  sameAsPlatform('new', async ({ fetch, url }) => {
    try {
      const made: unknown = Reflect.construct(fetch, [url]);
      return { made: made instanceof Promise, status: ((await made) as Response).status };
    } catch (error) {
      return thrown(error);
    }
  });
});

describe('what the caller does after the call', () => {
  const changes: Record<string, (init: { headers: Record<string, string>; body: string }) => void> =
    {
      'to the init': (init) => {
        init.body = 'changed';
        Object.assign(init, { method: 'DELETE' });
      },
      'to the headers': (init) => {
        init.headers['x-a'] = 'changed';
        init.headers['x-new'] = '1';
      },
      'to everything': (init) => {
        for (const name of Object.keys(init)) Reflect.deleteProperty(init, name);
      },
    };
  for (const [name, change] of Object.entries(changes)) {
    sameAsPlatform(name, async ({ fetch, url }) => {
      const init = { method: 'POST', headers: { 'x-a': 'first' }, body: 'first' };
      const answer = fetch(url, init);
      change(init);
      return whole(await answer);
    });
  }
  const bodies: Record<
    string,
    () => { body: NonNullable<RequestInit['body']>; change: () => void }
  > = {
    'to a Headers': () => ({ body: 'x', change: () => {} }),
    'to bytes': () => {
      const body = new Uint8Array([97, 98]);
      return { body, change: () => body.fill(120) };
    },
    'to an ArrayBuffer': () => {
      const body = new Uint8Array([97, 98]);
      return { body: body.buffer, change: () => body.fill(120) };
    },
    'to URLSearchParams': () => {
      const body = new URLSearchParams({ a: '1' });
      return { body, change: () => body.set('a', '2') };
    },
    'to a form': () => {
      const body = new FormData();
      body.set('a', '1');
      return { body, change: () => body.set('a', '2') };
    },
  };
  for (const [name, make] of Object.entries(bodies)) {
    sameAsPlatform(name, async ({ fetch, url }) => {
      const { body, change } = make();
      const headers = new Headers({ 'x-a': 'first' });
      const answer = fetch(url, { method: 'POST', headers, body });
      headers.set('x-a', 'changed');
      change();
      return whole(await answer);
    });
  }
  sameAsPlatform('to a URL', async ({ fetch, url }) => {
    const target = new URL('/before', url);
    const answer = fetch(target);
    target.pathname = '/after';
    return (await answer).url;
  });
  sameAsPlatform(
    'nothing is on the wire in the turn of the call',
    async ({ fetch, url, server }) => {
      const answer = fetch(url);
      const at = server.asked.length;
      await answer;
      return at;
    },
  );
  sameAsPlatform('it may go away without a look at the answer', async ({ fetch, url }) => {
    void fetch(url).catch(() => {});
    return (await fetch(url)).text();
  });
});

function named(value: unknown): string {
  try {
    return typeof value === 'string'
      ? `'${value.slice(0, 40)}'`
      : `${typeof value} ${String(value)}`;
  } catch {
    return typeof value;
  }
}
