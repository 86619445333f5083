/** Why a proxy has not led to its endpoint; it names the proxy, without its credentials. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  /** That of what lies beneath, where it has one. */
  readonly code: string;

  constructor(proxy: URL, why: string, cause?: unknown) {
    super(`the proxy ${proxy.origin} ${why}`, cause === undefined ? undefined : { cause });
    const { code } = (cause ?? {}) as { readonly code?: unknown };
    this.code =
      typeof code === 'string' && code !== 'UND_ERR_ABORTED' ? code : 'ERR_OUTRIGGER_PROXY';
  }
}

/** Undici tells the status of a refusal in words alone. */
export function proxyError(proxy: URL, error: unknown): ProxyError {
  const { message = '' } = (error ?? {}) as { readonly message?: string };
  const status = /^Proxy response \((\d+)\)/.exec(message)?.[1];
  return status === undefined
    ? new ProxyError(proxy, `has not led to the endpoint: ${wordsFor(error)}`, error)
    : refusedBy(proxy, Number(status), error);
}

export function refusedBy(proxy: URL, status: number, cause?: unknown): ProxyError {
  const credentials =
    proxy.username === '' && proxy.password === ''
      ? 'credentials, and there are none'
      : 'other credentials';
  const why = status === 407 ? ` (it wants ${credentials})` : '';
  return new ProxyError(proxy, `answered ${status}${why}`, cause);
}

/** An error that gathers those of several addresses has no words of its own. */
function wordsFor(error: unknown): string {
  const { message, code } = (error ?? {}) as { readonly message?: string; readonly code?: string };
  return (
    [message, code, 'no reason was given'].find((words) => words !== undefined && words !== '') ??
    ''
  );
}
