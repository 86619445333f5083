/** @octokit/core over client.fetch. */
import { Octokit } from '@octokit/core';
import { json } from '../support/loopback.mjs';
import { lines, readerOf } from '../support/orders.mjs';
import { suite } from '../support/suite.mjs';

const octokit = (fetch, url, request = {}) =>
  new Octokit({ auth: 'token', baseUrl: url, request: { fetch, ...request } });

const boat = { owner: 'crew', repo: 'boat' };

function issues(request, response, body) {
  const sent = request.method === 'POST' ? JSON.parse(body) : { title: 'a leak' };
  json(response, { number: 7, ...sent }, { headers: { link: '<http://x/?page=2>; rel="next"' } });
}

suite('@octokit/core', {
  calls: [
    {
      title: 'a GET',
      answer: issues,
      async run(fetch, url) {
        const answer = octokit(fetch, url).request('GET /repos/{owner}/{repo}/issues/{number}', {
          ...boat,
          number: 7,
        });
        const { status, data, headers } = await answer;
        return { status, data, link: headers.link };
      },
      repeats: ['refused', '503'],
    },
    {
      title: 'a POST',
      answer: issues,
      run: async (fetch, url) =>
        (
          await octokit(fetch, url).request('POST /repos/{owner}/{repo}/issues', {
            ...boat,
            title: 'leak',
          })
        ).data,
      repeats: ['refused'],
    },
    {
      title: 'GraphQL',
      answer: (_request, response) => json(response, { data: { viewer: { login: 'crew' } } }),
      run: (fetch, url) => octokit(fetch, url).graphql('{ viewer { login } }'),
      repeats: ['refused'],
    },
  ],
  streams: [
    {
      title: 'an answer read as a stream',
      type: 'text/plain',
      events: lines,
      async open(fetch, url) {
        const abort = new AbortController();
        const parse = { parseSuccessResponseBody: false, signal: abort.signal };
        const { data } = await octokit(fetch, url, parse).request('GET /log');
        return readerOf(data, () => abort.abort());
      },
      repeats: ['refused', '503'],
    },
  ],
  failing: async (fetch, url) => (await octokit(fetch, url).request('GET /rate_limit')).data,
  impatient: async (fetch, url) =>
    (await octokit(fetch, url, { signal: AbortSignal.timeout(250) }).request('GET /rate_limit'))
      .data,
  timesOutAs: 'RequestError',
});
