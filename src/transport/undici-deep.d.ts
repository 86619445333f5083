/**
 * The files of undici that are loaded one by one: they leave the global dispatcher alone (the package's index
 * sets it, which breaks the platform's own fetch on Node 20) and load in a third of the time.
 */
declare module 'undici/lib/dispatcher/client.js' {
  export { Client as default } from 'undici';
}

declare module 'undici/lib/dispatcher/agent.js' {
  export { Agent as default } from 'undici';
}

declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}

declare module 'undici/lib/dispatcher/proxy-agent.js' {
  export { ProxyAgent as default } from 'undici';
}

declare module 'undici/lib/dispatcher/dispatcher.js' {
  export { Dispatcher as default } from 'undici';
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';
  function request(
    this: { dispatch: Dispatcher['dispatch'] },
    options: Dispatcher.RequestOptions,
  ): Promise<Dispatcher.ResponseData>;
  export default request;
}

declare module 'undici/lib/core/request.js' {
  /** As a Client has it in its queue. */
  export default class Request {
    readonly host: string | null;
    readonly headers: readonly string[];
    readonly contentType: string | null;
    readonly contentLength: number | null;
    readonly reset: boolean | null;
    constructor(origin: string, options: object, handler: object);
  }
}

declare module 'undici/lib/core/diagnostics.js' {
  import type { Channel } from 'node:diagnostics_channel';
  const diagnostics: { readonly channels: { readonly create: Channel } };
  export default diagnostics;
}

declare module 'undici/lib/api/api-connect.js' {
  import type { Dispatcher } from 'undici';
  const connect: Dispatcher['connect'];
  export default connect;
}

declare module 'undici/lib/core/symbols.js' {
  const symbols: Readonly<
    Record<
      | 'kConnect'
      | 'kQueue'
      | 'kPipelining'
      | 'kServerName'
      | 'kResume'
      | 'kKeepAliveDefaultTimeout'
      | 'kKeepAliveTimeoutValue',
      symbol
    >
  >;
  export default symbols;
}

declare module 'undici/lib/core/errors.js' {
  import { errors } from 'undici';
  export class ConnectTimeoutError extends errors.ConnectTimeoutError {
    constructor(message: string);
  }
  export class RequestAbortedError extends errors.RequestAbortedError {}
  export class InvalidArgumentError extends errors.InvalidArgumentError {
    constructor(message: string);
  }
  export class RequestContentLengthMismatchError extends errors.RequestContentLengthMismatchError {}
}
