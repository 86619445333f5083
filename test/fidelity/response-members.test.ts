/** The members of an answer, as a caller may look at them, set them and hand them on. */
import { describe } from 'vitest';
import { answering, sameEachWay } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import { outcome, outside, whole } from './seen.js';

useServers();

const content = { headers: { 'content-type': 'text/plain', 'x-a': 'b' }, body: 'the body' };

const MEMBERS = [
  'status',
  'statusText',
  'ok',
  'headers',
  'url',
  'redirected',
  'type',
  'body',
  'bodyUsed',
] as const;

describe('what it says', () => {
  sameEachWay('all members', (response) => whole(response), { content });
  sameEachWay('all members, of a HEAD', (response) => whole(response), {
    content: { headers: { 'content-length': '123' } },
    init: { method: 'HEAD' },
  });
  sameEachWay('the same object each time', (response) =>
    MEMBERS.map((name) => response[name] === response[name]),
  );

  const urls: Record<string, string> = {
    'a fragment': '/path?q#part',
    'an empty fragment': '/path#',
    'an empty query': '/path?',
    'both empty': '/path?#',
    spaces: '/a b?c d',
    'other alphabets': '/Grüße/✓?π=√#é',
    'what is encoded': '/%7Euser/%C3%A4%2F?a=%20+%27',
    dots: '/a/./b/../c',
    'dots that are encoded': '/a/%2e%2e/b',
    'quotes and brackets': `/'"<>[]{}|^\`?'"<>[]{}|^\``,
    'a backslash': '/a\\b',
    'a tab and a line end': '/a\tb\nc',
    'spaces around': '/a  ',
    'two slashes': '//a//b',
    'a semicolon and a comma': '/a;b=c,d',
    'an at and a colon': '/a@b:c',
    'a long path': `/${'x'.repeat(5000)}`,
  };
  for (const [name, path] of Object.entries(urls)) {
    sameAsPlatform(`url with ${name}`, async ({ fetch, url }) => {
      const found = [];
      for (const input of [url + path, new Request(url + path)]) {
        const response = await fetch(input);
        found.push(response.url, response.clone().url);
        await response.text();
      }
      if (URL.canParse(url + path)) found.push((await fetch(new URL(url + path))).url);
      return found;
    });
  }
  sameAsPlatform('url with another case', async ({ fetch, url }) => {
    const response = await fetch(url.replace('http://127.0.0.1', 'HTTP://LocalHost'));
    return response.url;
  });
  sameAsPlatform(
    'url after redirects with fragments',
    async ({ fetch, url }) => {
      const found = [];
      for (const path of ['/a#first', '/b', '/c#']) {
        const response = await fetch(url + path);
        found.push(response.url, response.redirected);
      }
      return found;
    },
    {
      answer: (request, response) => {
        const location = { '/a': '/end', '/b': '/end?x#second', '/c': '/end#' }[request.url ?? ''];
        if (location !== undefined) response.writeHead(307, { location });
        response.end();
      },
    },
  );
  for (const redirect of ['manual', 'follow'] as const) {
    sameAsPlatform(`redirect: ${redirect}, where nothing redirects`, async ({ fetch, url }) =>
      whole(await fetch(url, { redirect })),
    );
    sameAsPlatform(
      `redirect: ${redirect}`,
      async ({ fetch, url }) => whole(await fetch(url, { redirect })),
      {
        answer: (request, response) => {
          if (request.url === '/') response.writeHead(302, { location: '/next' });
          response.end('x');
        },
      },
    );
  }
  sameAsPlatform(
    'a redirect without a location',
    async ({ fetch, url }) => {
      const seen = [];
      for (const code of [300, 301, 302, 303, 304, 305, 306, 307, 308])
        seen.push(await whole(await fetch(`${url}/${code}`)));
      return seen;
    },
    {
      answer: (request, response) => {
        response.writeHead(Number(request.url?.slice(1)));
        response.end(request.url === '/304' ? undefined : 'here');
      },
    },
  );
});

describe('setting them', () => {
  for (const name of MEMBERS) {
    sameEachWay(`${name} has no setter`, (response) => {
      const before = response[name];
      return [
        outcomeNow(() => Object.assign(response, { [name]: 1 })),
        response[name] === before,
        Reflect.set(response, name, 1),
        outcomeNow(() => Reflect.deleteProperty(response, name)),
        response[name] === before,
      ];
    });
  }
  sameEachWay(
    'members of one’s own',
    async (response) => {
      const own = response as Response & { data?: unknown; [key: string]: unknown };
      own.data = { parsed: true };
      Object.defineProperty(own, 'url', { value: 'http://elsewhere/', configurable: true });
      const symbol = Symbol('own');
      Object.assign(own, { [symbol]: 1 });
      Object.assign(own, { json: () => Promise.resolve('mine') });
      return [
        own.data,
        own.url,
        await own.json(),
        Object.keys(own),
        Object.getOwnPropertySymbols(own).includes(symbol),
        JSON.stringify(own),
        await own.text(),
      ];
    },
    { content },
  );
  sameEachWay(
    'members defined anew',
    async (response) => {
      for (const name of [...MEMBERS, 'text', 'clone']) {
        Object.defineProperty(response, name, { value: name, enumerable: true });
      }
      return [
        ...MEMBERS.map((name) => response[name]),
        Object.keys(response),
        await response.json(),
      ];
    },
    { content: { body: '{"a":1}' } },
  );
  sameEachWay(
    'frozen',
    async (response) => {
      Object.freeze(response);
      return [
        response.status,
        outcomeNow(() => Object.assign(response, { data: 1 })),
        await response.text(),
        response.bodyUsed,
      ];
    },
    { content },
  );
  sameEachWay(
    'sealed, and read in other ways',
    async (response) => {
      Object.seal(response);
      const copy = response.clone();
      return [response.headers.get('x-a'), await copy.text(), await (await response.blob()).text()];
    },
    { content },
  );
  sameEachWay(
    'not extensible, and its body read',
    async (response) => {
      Object.preventExtensions(response);
      return [await new Response(response.body).text(), response.bodyUsed];
    },
    { content },
  );
});

describe('looked at as an object', () => {
  sameEachWay(
    'keys and loops',
    (response) => {
      const found: string[] = [];
      for (const name in response) found.push(name);
      return {
        keys: Object.keys(response),
        names: Object.getOwnPropertyNames(response),
        entries: Object.entries(response),
        found: found.sort(),
        has: [
          ...MEMBERS,
          'json',
          'clone',
          'bytes',
          'textStream',
          'constructor',
          'nothing',
          'then',
          'size',
        ].map((name) => name in response),
        own: [...MEMBERS, 'json'].map((name) => Object.hasOwn(response, name)),
        spread: Object.keys(Object.assign({}, response)),
        json: JSON.stringify({ response }),
        extensible: Object.isExtensible(response),
        frozen: Object.isFrozen(response),
      };
    },
    { content },
  );
  sameEachWay(
    'kinds',
    (response) => ({
      tag: Object.prototype.toString.call(response),
      toStringTag: (response as unknown as Record<symbol, unknown>)[Symbol.toStringTag],
      text: ([response] as unknown[]).join(''),
      constructor: response.constructor === Response,
      name: response.constructor.name,
      instance: response instanceof Response,
      of: Response[Symbol.hasInstance](response),
      isPrototypeOf: Response.prototype.isPrototypeOf(response),
      object: response instanceof Object,
      iterator: (response as unknown as Record<symbol, unknown>)[Symbol.iterator],
      number: Number(response),
      body: Object.prototype.toString.call(response.body),
      headers: Object.prototype.toString.call(response.headers),
    }),
    { content },
  );
  sameEachWay(
    'its methods as values',
    (response) => {
      const own = response as unknown as Record<string, unknown>;
      const names: string[] = [];
      for (const name in response) names.push(name);
      return names.sort().map((name) => {
        const value = own[name];
        return typeof value === 'function'
          ? [name, value.name, value.length, Object.keys(value)]
          : [name, typeof value];
      });
    },
    { content },
  );
  sameEachWay(
    'compared with others',
    async (response, { fetch, url }) => {
      const { isDeepStrictEqual } = await import('node:util');
      const other = await fetch(url);
      return [
        isDeepStrictEqual(response, response),
        Object.is(response, other),
        new Set([response, other, response]).size,
        new WeakMap([[response, 1]]).get(response),
      ];
    },
    { content },
  );
  sameEachWay('awaited, returned from a then', async (response) => {
    const again = await Promise.resolve(response).then((it) => it);
    return again === response;
  });
});

describe('copied by an algorithm that knows it not', () => {
  for (const [name, copy] of Object.entries<(response: Response) => unknown>({
    structuredClone: (response) => structuredClone(response),
    'structuredClone of an object around it': (response) => structuredClone({ response }),
    postMessage: (response) => {
      const { port1, port2 } = new MessageChannel();
      try {
        port1.postMessage(response);
      } finally {
        port1.close();
        port2.close();
      }
    },
    'structuredClone of its headers': (response) => structuredClone(response.headers),
  })) {
    sameEachWay(name, (response) => outcomeNow(() => Object.keys(copy(response) ?? {})), {
      content,
    });
  }
});

describe('made into another', () => {
  sameEachWay(
    'new Response(body, response)',
    async (response) => {
      const made = new Response(response.body, response);
      return [outside(made), await made.text(), outside(response)];
    },
    { content: { ...content, status: 404, statusText: 'Gone Fishing' } },
  );
  sameEachWay(
    'new Response with its parts',
    async (response) => {
      const { status, statusText, headers } = response;
      const made = new Response(response.body, { status, statusText, headers });
      made.headers.set('x-added', 'yes');
      made.headers.delete('x-a');
      return [await whole(made), outside(response)];
    },
    { content },
  );
  sameEachWay(
    'new Response of its text',
    async (response) => {
      const made = new Response(
        await response.text(),
        Object.assign({}, response, { headers: response.headers }),
      );
      return whole(made);
    },
    { content },
  );
  sameEachWay(
    'new Response(response)',
    async (response) => outcome(() => whole(new Response(response as unknown as string))),
    { content },
  );
  sameEachWay(
    'a Request with its body',
    async (response, { url }) => {
      const request = new Request(url, {
        method: 'POST',
        body: response.body,
        duplex: 'half',
        headers: response.headers,
      });
      return [await request.text(), [...request.headers], response.bodyUsed];
    },
    { content },
  );
  sameEachWay(
    'sent on as a body',
    async (response, { fetch, url }) => {
      const sent = await fetch(url, {
        method: 'POST',
        body: response.body,
        duplex: 'half',
      });
      return [sent.status, response.bodyUsed];
    },
    { content },
  );
  sameEachWay(
    'an object that inherits from it, read through it',
    async (response) => {
      const inheriting = Object.create(response, { extra: { value: 1 } }) as Response;
      return [
        inheriting instanceof Response,
        'json' in inheriting,
        outcomeNow(() => Object.keys(inheriting)),
      ];
    },
    { content },
  );
});

describe('methods without their answer', () => {
  for (const name of [
    'json',
    'text',
    'arrayBuffer',
    'blob',
    'bytes',
    'formData',
    'clone',
    'textStream',
  ]) {
    for (const [of, what] of Object.entries<unknown>({
      nothing: undefined,
      'an object': {},
      'the prototype': Response.prototype,
      'a Request': new Request('http://x/'),
    })) {
      sameEachWay(
        `${name} of ${of}`,
        async (response) => {
          const method = (
            response as unknown as Record<string, ((this: unknown) => unknown) | undefined>
          )[name];
          if (method === undefined) return 'none';
          let made: unknown;
          try {
            made = Reflect.apply(method, what, []);
          } catch (error) {
            return {
              thrown: await outcome(() => {
                throw error;
              }),
            };
          }
          return { rejected: await outcome(() => made) };
        },
        { content },
      );
    }
    sameEachWay(
      `${name}, bound to another answer`,
      async (response, _, again) => {
        const method = (
          response as unknown as Record<string, ((this: unknown) => unknown) | undefined>
        )[name];
        if (method === undefined) return 'none';
        const other = await again();
        const made = await outcome(() => Reflect.apply(method, other, []));
        return [typeof made, 'value' in (made as object), response.bodyUsed, other.bodyUsed];
      },
      { content },
    );
  }
  sameAsPlatform(
    'getters of another',
    async ({ fetch, url }) => {
      const response = await fetch(url);
      return MEMBERS.map((name) => {
        const holder = holderOf(response, name);
        const getter = holder && Object.getOwnPropertyDescriptor(holder, name)?.get;
        return [typeof getter, getter && outcomeNow(() => Reflect.apply(getter, {}, []))];
      });
    },
    { answer: answering(content) },
  );
});

function holderOf(object: object, name: string): object | undefined {
  let one: object | null = object;
  while (one !== null && !Object.hasOwn(one, name))
    one = Object.getPrototypeOf(one) as object | null;
  return one ?? undefined;
}

function outcomeNow(run: () => unknown): unknown {
  try {
    return { value: typeof run() };
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
}
