/** graphql-request over client.fetch. */
import { gql, GraphQLClient } from 'graphql-request';
import { json } from '../support/loopback.mjs';
import { suite } from '../support/suite.mjs';

const client = (fetch, url, options = {}) =>
  new GraphQLClient(`${url}/graphql`, { fetch, ...options });

const ASK = gql`
  query Order($id: ID!) {
    order(id: $id) {
      id
    }
  }
`;

function answerQuery(request, response, body) {
  const { searchParams } = new URL(request.url, 'http://x');
  const asked =
    request.method === 'GET'
      ? { query: searchParams.get('query'), variables: JSON.parse(searchParams.get('variables')) }
      : JSON.parse(body);
  const answered = ({ variables }) => ({ data: { order: { id: variables.id } } });
  json(response, Array.isArray(asked) ? asked.map(answered) : answered(asked));
}

suite('graphql-request', {
  calls: [
    {
      title: 'a query by POST',
      answer: answerQuery,
      run: (fetch, url) => client(fetch, url).request(ASK, { id: '42' }),
      repeats: ['refused'],
    },
    {
      title: 'a query by GET',
      answer: answerQuery,
      run: (fetch, url) => client(fetch, url, { method: 'GET' }).request(ASK, { id: '42' }),
      repeats: ['refused', '503'],
    },
    {
      title: 'a batch',
      answer: answerQuery,
      run: (fetch, url) =>
        client(fetch, url).batchRequests([
          { document: ASK, variables: { id: '1' } },
          { document: ASK, variables: { id: '2' } },
        ]),
      repeats: ['refused'],
    },
  ],
  failing: (fetch, url) => client(fetch, url, { method: 'GET' }).request(ASK, { id: '42' }),
  impatient: (fetch, url) =>
    client(fetch, url, { method: 'GET', signal: AbortSignal.timeout(250) }).request(ASK, {
      id: '42',
    }),
  timesOutAs: 'TypeError',
});
