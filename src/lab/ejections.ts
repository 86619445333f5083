/** Keeps a log of the endpoints that leave rotation and come back, in the chapter's scale. */
import type { ResilientClient } from '../index.js';
import type { Table } from './experiment.js';
import type { Backend } from './fleet-messages.js';
import type { Pace } from './pace.js';

/** One stay out of rotation. Seconds of the chapter's time. */
export interface LoggedEjection {
  /** The backend's name. */
  readonly endpoint: string;
  readonly reason: string;
  /** How often it has been ejected, this time included. */
  readonly ejections: number;
  /** Since the log was begun. */
  readonly at: number;
  /** How long it is to last: the first sweep after it lets the endpoint return. */
  readonly ejectionTime: number;
  /** How long it has lasted; undefined while it lasts. */
  readonly outFor: number | undefined;
}

export interface EjectionLog {
  /** In the order in which they began. */
  readonly ejections: readonly LoggedEjection[];
  /** How many endpoints are out now. */
  readonly out: number;
  /** Aborted when the next endpoint returns. */
  nextReturn(): AbortSignal;
}

/** Listens for as long as there is the client. */
export function logEjections(
  client: Pick<ResilientClient, 'onEjection' | 'onReturn'>,
  backends: readonly Backend[],
  { speedup }: Pace,
): EjectionLog {
  const seconds = (milliseconds: number): number => (milliseconds / 1000) * speedup;
  const nameOf = (url: string): string =>
    backends.find((backend) => new URL(backend.url).host === new URL(url).host)?.name ?? url;
  const begun = performance.now();
  const ejections: LoggedEjection[] = [];
  let returned = new AbortController();

  client.onEjection(({ endpoint, reason, ejections: times, ejectionTime }) => {
    ejections.push({
      endpoint: nameOf(endpoint),
      reason,
      ejections: times,
      at: seconds(performance.now() - begun),
      ejectionTime: seconds(ejectionTime),
      outFor: undefined,
    });
  });
  client.onReturn(({ endpoint, ejectedFor }) => {
    const name = nameOf(endpoint);
    const index = ejections.findIndex((one) => one.endpoint === name && one.outFor === undefined);
    const found = ejections[index];
    if (found !== undefined) ejections[index] = { ...found, outFor: seconds(ejectedFor) };
    returned.abort();
  });
  return {
    ejections,
    get out() {
      return ejections.filter(({ outFor }) => outFor === undefined).length;
    },
    nextReturn() {
      returned = new AbortController();
      return returned.signal;
    },
  };
}

/** One row for each stay out of rotation. */
export function ejectionTable(
  ejections: readonly LoggedEjection[],
  notes: readonly string[],
): Table {
  return {
    head: ['ejected', 'because of', 'time', 'at s', 'for at least s', 'was out s'],
    rows: ejections.map(({ endpoint, reason, ejections: times, at, ejectionTime, outFor }) => [
      endpoint,
      reason,
      `${times}.`,
      at.toFixed(2),
      ejectionTime.toFixed(2),
      outFor?.toFixed(2) ?? 'still is',
    ]),
    labels: 2,
    notes,
  };
}
