/** The line that is printed when the application begins: what is resilient now, and by whose word. */
import type { ClientOptions } from '../index.js';
import type { Config } from './config.js';

/** What is worth a word; anything else stands in the configuration. */
const SWITCHES = [
  'hedge',
  'circuitBreaker',
  'rateLimitHold',
  'outlierDetection',
  'healthCheck',
  'fallback',
] as const;

export function inOneLine(version: string, { options, source }: Config): string {
  const made = source === undefined ? 'no config' : `config ${source}`;
  const parts =
    options === undefined ? ['a client of its own'] : [originsOf(options), policyOf(options)];
  return `outrigger ${version}: global fetch is resilient (${[...parts, made].join('; ')})`;
}

function originsOf({ service, services, otherOrigins }: ClientOptions): string {
  const named = service === undefined ? Object.keys(services ?? {}) : [service];
  if (service === undefined && services === undefined) return 'every origin';
  const others = otherOrigins === 'default-policy' ? ' and every other origin' : '';
  return `services: ${named.map((origin) => origin.replace(/^http:\/\//, '')).join(', ')}${others}`;
}

function policyOf(options: ClientOptions): string {
  const words = [
    ...timeoutOf(options.timeout),
    ...retryOf(options.retry),
    ...SWITCHES.filter((name) => options[name] !== undefined && options[name] !== false),
  ];
  return words.length === 0 ? 'defaults' : words.join(', ');
}

function timeoutOf(timeout: ClientOptions['timeout']): string[] {
  if (timeout === undefined || timeout === false) return [];
  if (typeof timeout !== 'object') return [`timeout ${time(timeout)}`];
  return Object.entries(timeout).map(([name, value]) => `timeout.${name} ${time(value)}`);
}

function retryOf(retry: ClientOptions['retry']): string[] {
  if (retry === undefined) return [];
  if (retry === false) return ['no retries'];
  return [retry.attempts === undefined ? 'retry' : `retry ${retry.attempts}`];
}

function time(value: unknown): string {
  return typeof value === 'number' ? `${value} ms` : String(value);
}
