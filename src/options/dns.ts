/** The options of `dns()`. */

export type RecordType = 'A' | 'AAAA' | 'SRV';

export interface DnsOptions {
  /** The name to resolve: `backend.internal`, or `_http._tcp.backend.internal` for SRV records. */
  readonly hostname: string;
  /**
   * The port of every endpoint; not for SRV records, which have their own.
   * @default that of the service
   */
  readonly port?: number | undefined;
  /**
   * The records to ask for: IPv4 addresses, IPv6 addresses, or SRV records, whose weights and priorities are kept.
   * @default 'A' and 'AAAA', whatever there is
   */
  readonly type?: RecordType | undefined;
  /**
   * `'lookup'` is the system's resolver, which knows `/etc/hosts` and search domains, and no times; `'resolve'` asks DNS
   * itself, and asks again when the time (TTL) of an answer is over.
   * @default 'lookup', or 'resolve' for SRV records
   */
  readonly resolver?: 'lookup' | 'resolve' | undefined;
  /**
   * The time from an answer to the next question, at the longest; up to a tenth is added by chance.
   * @default '5s', or '60s' with the resolver 'resolve'
   */
  readonly refresh?: number | string | undefined;
  /**
   * With the resolver 'resolve': answers that hold for a shorter time are asked for after this one.
   * @default '1s'
   */
  readonly minTtl?: number | string | undefined;
  /**
   * With the resolver 'resolve': the servers to ask, each an IP address, or one with a port: `'10.0.0.2:53'`, `'[::1]:53'`.
   * @default the system's
   */
  readonly servers?: readonly string[] | undefined;
}
