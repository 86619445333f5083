/** The option `proxy` after validation. */

/** Which proxy takes what; undefined: none, connections are direct. */
export interface ProxyPolicy {
  /** For `http` endpoints: a URL, with its credentials. */
  readonly http: string | undefined;
  /** For `https` endpoints. */
  readonly https: string | undefined;
  /** Hosts that are reached without a proxy: those of `NO_PROXY`. */
  readonly except: readonly ProxyException[];
}

export interface ProxyException {
  /** In lower case, an address of version 6 in brackets; `'*'` is every host, `10.0.0.0/8` a range. */
  readonly host: string;
  /** 0: any. */
  readonly port: number;
}
