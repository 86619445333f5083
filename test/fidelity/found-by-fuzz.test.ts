/** Disagreements with the platform that the fuzz has found, each in its smallest form. */
import { expect, test } from 'vitest';
import type { DrawnAnswer } from './fuzz/answers.js';
import { compared, see, type Case } from './fuzz/case.js';

const answer: DrawnAnswer = {
  information: [],
  version: '1.1',
  status: 200,
  reason: 'OK',
  headers: [],
  body: 'fine',
  encoded: undefined,
  framing: 'length',
  cut: undefined,
  parts: [],
  garbage: undefined,
};

const usual: Case = {
  request: {
    url: '{here}/path',
    // Neither text nor a URL: the full path.
    urlForm: 'object',
    method: undefined,
    headers: [],
    headerForm: 'none',
    body: 'undefined',
    members: {},
    signal: 'none',
  },
  here: [answer],
  other: [answer],
  reading: 'text',
};

const found: Record<string, Case> = {
  'a head and a chunk that is none, at once': {
    ...usual,
    here: [
      {
        ...answer,
        garbage: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nfine\r\n0\r\n\r\n',
      },
    ],
  },
  'a stream that fails, in a Request': {
    ...usual,
    request: {
      ...usual.request,
      urlForm: 'Request',
      method: 'POST',
      body: 'failing stream',
      members: { duplex: 'half' },
    },
  },
  'a signal that is none and a header that is none, beside a stream': {
    ...usual,
    request: {
      ...usual.request,
      method: 'POST',
      body: 'stream',
      headers: [['x-\u00fc', '1']],
      headerForm: 'record',
      members: { duplex: 'half' },
      signal: 'odd',
    },
  },
};

for (const name of ['transfer-encoding', 'keep-alive', 'upgrade', 'expect']) {
  found[`a header '${name}', where nothing listens`] = {
    ...usual,
    request: { ...usual.request, url: '{dead}/', headers: [[name, 'x']], headerForm: 'record' },
  };
}

test.each(Object.entries(found))('%s', async (_, drawn) => {
  const { ours, platform } = await compared(drawn);
  expect(ours).toEqual(platform);
});

/** What the platform gives as the cause depends on how far it has come with the next request. */
test('a redirect to nowhere whose body cannot be decoded', async () => {
  const headers = [
    ['location', ''],
    ['content-encoding', 'gzip'],
  ] as const;
  const { fetched } = await see('ours', { ...usual, here: [{ ...answer, status: 302, headers }] });
  expect(fetched).toMatchObject({ error: { kind: 'TypeError', message: 'fetch failed' } });
});
