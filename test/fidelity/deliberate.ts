/** Where `client.fetch` differs from the platform's on purpose. docs/fetch.md lists the same, and a test holds it to that. */
export const deliberate = {
  'error-class':
    'network failures are `ConnectionError`s, below `TypeError`, with the same `name` and `message`, and with `code`, `service`, `attempts`',
  'headers-by-prototype':
    'the headers of an answer refuse to be changed by their own methods; `Headers.prototype.set.call(response.headers, …)` is not noticed, and changes what this one answer says of them',
  parser:
    'what breaks the grammar of HTTP is judged by the parser of our own undici: those of Node 20 and 22 take some of it, and use other words for the rest, with a `code` (`HPE_…`) in the `cause`',
  'by-prototype':
    'an answer stands on a prototype of its own above `Response.prototype`, so that it costs little: a method or a getter of `Response.prototype` itself, applied to it, throws a `TypeError` (the platform’s own works); it never gives an empty body',
  'own-symbol':
    'an answer has a symbol of its own in place of the platform’s symbols or private fields',
  wrapped:
    'an answer may be wrapped in a `Proxy`, or inherited from by `Object.create`, on every version; the platform’s own may from Node 20 to 22',
  'abort-reason':
    'whoever reads an answer after the caller has aborted it gets the signal’s own reason, as whoever was reading does; on the older ones of Node’s versions `text()` and its like give an `AbortError` of their own then, or find the body used',
  'space-after-value':
    'spaces and tabs at the end of a header’s value are no part of it, as in HTTP; where the answer needs nothing else of the platform’s fetch, which keeps them',
  'head-keeps-connection':
    'the connection of a HEAD is kept; the platform asks for it to be closed',
  'init-members':
    'of a plain object as `init` the enumerable members are read, in the order in which they stand there; the platform asks for each member it knows, in an order of its own',
  'body-functions':
    'a function as `body` is called for each attempt, and what it gives goes out; the platform sends its text',
  'odd-pieces':
    'a piece of a stream that is neither text nor bytes: both fail with `fetch failed`, ours with a `cause` that says what was found; an `ArrayBuffer` goes out',
  'silent-streams':
    'a stream that fails without a reason: both fail with `fetch failed`, ours with a `cause` that says so; the platform’s is an accident of its own',
  'bytes-again':
    'bytes follow a redirect that keeps the method; the platform has handed them over by then, and fails over a detached `ArrayBuffer`',
  'left-behind':
    'an answer that sends elsewhere and has not come in with its head is given up; the platform goes on beside it, and fails when it breaks off; where that comes with the head both fail, and ours asks for nothing more',
  'signal-listeners':
    'a signal has one listener of ours, however many calls share it, and none when they are over; the platform adds one per call, and leaves it to the garbage collection',
  'reset-without-length':
    'a body without a length that is broken off by a reset fails with `terminated`; the platform takes the reset for the end of it',
  'tls-words':
    'where https is asked for and plain HTTP is spoken, the `cause` has the same `code` (`ERR_SSL_WRONG_VERSION_NUMBER`) and says so in words; the platform gives OpenSSL’s',
  'locked-streams':
    'a stream given as a body is locked from the call on, as Node 20 to 24 do; Node 26 locks it only while it reads',
  'failed-streams':
    'the stream of a call that has failed is cancelled; the platform lets it stand, and its source open',
  'header-records':
    'of a plain object as `headers` the enumerable names are read; the platform refuses one that has a symbol as well, and Node 20 and 22 also read what is not enumerable',
  'one-wire':
    '`connection` and `content-length` given by the caller are judged alike on every Node, as Node 24 and later do it; Node 20 and 22 refuse every `connection` but `close` and `keep-alive`, and read a length up to its first letter',
  'own-dispatcher': '`dispatcher` in `init` is not looked at: the connections are the client’s',
} as const;

export type Deliberate = keyof typeof deliberate;
