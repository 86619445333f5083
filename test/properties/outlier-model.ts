/** The rules of outlier detection, stated plainly: what `src/cluster` is held to. */
import type { OutlierPolicy } from '../../src/cluster/outlier-policy.js';

const DETECTED = [
  'consecutive_5xx',
  'consecutive_gateway_failure',
  'consecutive_local_origin_failure',
  'success_rate',
  'local_origin_success_rate',
  'failure_percentage',
  'local_origin_failure_percentage',
] as const;
type Type = (typeof DETECTED)[number];

/** What happened to an attempt. */
export type Report =
  | { readonly what: 'connected' }
  | { readonly what: 'answer'; readonly status: number }
  | { readonly what: 'failure'; readonly status: 503 | 504 };

interface Result {
  readonly kind: 'external' | 'local';
  readonly good: boolean;
  /** In which interval, counted from the start. */
  readonly interval: number;
}

interface Member {
  readonly url: string;
  results: Result[];
  rows: Record<'errors' | 'gateway' | 'local', number>;
  /** Undefined while it is in rotation. */
  out: { readonly since: number; readonly jitter: number } | undefined;
  step: number;
  backSince: number;
  ejections: number;
}

export class OutlierModel {
  now = 0;
  members: Member[] = [];
  readonly log: string[] = [];
  readonly counters = new Map<string, number>();
  #policy: OutlierPolicy | undefined;
  #nextSweep = 0;
  #interval = 0;
  #everOn = false;

  constructor(
    urls: readonly string[],
    readonly random: () => number,
  ) {
    this.setMembers(urls);
  }

  setMembers(urls: readonly string[]): void {
    this.members = urls.map(
      (url) =>
        this.members.find((member) => member.url === url) ?? {
          url,
          results: [],
          rows: { errors: 0, gateway: 0, local: 0 },
          out: undefined,
          step: 0,
          backSince: 0,
          ejections: 0,
        },
    );
  }

  setPolicy(policy: OutlierPolicy | undefined): void {
    const before = this.#policy;
    this.#policy = policy;
    if (policy === undefined) {
      for (const member of this.members) {
        if (member.out !== undefined) this.#back(member, 'switched-off');
        member.results = [];
        member.rows = { errors: 0, gateway: 0, local: 0 };
        member.step = 0;
      }
      return;
    }
    this.#everOn = true;
    if (policy.interval !== before?.interval) this.#nextSweep = this.now + policy.interval;
  }

  get healthy(): string[] {
    return this.members.filter(({ out }) => out === undefined).map(({ url }) => url);
  }

  /** Those that may be chosen: in panic all. */
  get usable(): string[] {
    const { healthy } = this;
    const all = this.members.map(({ url }) => url);
    const share = all.length === 0 ? 0 : (100 * healthy.length) / all.length;
    const isEnough = all.length > 0 && Math.floor((140 * healthy.length) / all.length) >= 100;
    return !isEnough && share < (this.#policy?.minHealthPercent ?? 0) ? all : healthy;
  }

  advanceTo(time: number): void {
    while (this.#policy !== undefined && this.#nextSweep <= time) {
      this.now = this.#nextSweep;
      this.#sweep(this.#policy);
    }
    this.now = time;
  }

  report(url: string, report: Report): void {
    const policy = this.#policy;
    const member = this.members.find((one) => one.url === url);
    if (policy === undefined || member === undefined) return;
    const note = (kind: Result['kind'], good: boolean) =>
      member.results.push({ kind, good, interval: this.#interval });
    const { rows } = member;
    if (policy.splitExternalLocalOriginErrors && report.what !== 'answer') {
      const good = report.what === 'connected';
      note('local', good);
      rows.local = good ? 0 : rows.local + 1;
      const most = policy.consecutiveLocalOriginFailures;
      this.#endRow(member, 'local', most, 'consecutive_local_origin_failure');
      return;
    }
    if (report.what === 'connected') return;
    const { status } = report;
    const isError = 500 <= status && status < 600;
    note('external', !isError);
    rows.errors = isError ? rows.errors + 1 : 0;
    rows.gateway = [502, 503, 504].includes(status) ? rows.gateway + 1 : 0;
    const { consecutiveGatewayErrors, consecutive5xxErrors } = policy;
    this.#endRow(member, 'gateway', consecutiveGatewayErrors, 'consecutive_gateway_failure');
    this.#endRow(member, 'errors', consecutive5xxErrors, 'consecutive_5xx');
  }

  checkPassed(url: string): void {
    const member = this.members.find((one) => one.url === url);
    if (member?.out === undefined) return;
    if (this.#policy?.successfulActiveHealthCheckUnejectHost === true) {
      this.#back(member, 'health-check');
    }
  }

  /** When sweeps will have let it return. */
  returnsIn({ out, step }: Member): number | undefined {
    const policy = this.#policy;
    if (out === undefined || policy === undefined) return undefined;
    let sweep = this.#nextSweep;
    while (sweep - out.since < this.#duration(step, out.jitter, policy)) sweep += policy.interval;
    return sweep - this.now;
  }

  get stats(): Record<string, number> {
    if (!this.#everOn) return {};
    const of = (name: string): number => this.counters.get(name) ?? 0;
    const all: Record<string, number> = {
      active: this.members.filter(({ out }) => out !== undefined).length,
      overflow: of('overflow'),
      enforced_total: DETECTED.reduce((sum, type) => sum + of(`enforced_${type}`), 0),
      total: of('total'),
      consecutive_5xx: of('detected_consecutive_5xx'),
      success_rate: of('detected_success_rate') + of('detected_local_origin_success_rate'),
    };
    for (const type of DETECTED) {
      all[`detected_${type}`] = of(`detected_${type}`);
      all[`enforced_${type}`] = of(`enforced_${type}`);
    }
    return all;
  }

  #endRow(member: Member, row: keyof Member['rows'], most: number, type: Type): void {
    if (most === 0 || member.rows[row] < most || member.out !== undefined) return;
    this.#detected(member, type);
    member.rows[row] = 0;
  }

  #sweep(policy: OutlierPolicy): void {
    const ended = this.#interval;
    this.#interval += 1;
    this.#nextSweep = this.now + policy.interval;
    for (const member of this.members) {
      const { out, step } = member;
      if (out === undefined) continue;
      if (this.now - out.since >= this.#duration(step, out.jitter, policy)) {
        this.#back(member, 'time');
      }
    }
    this.#compare('external', ended, policy);
    if (policy.splitExternalLocalOriginErrors) this.#compare('local', ended, policy);
    for (const member of this.members) {
      const isLongBack = this.now - member.backSince >= policy.interval;
      if (member.out === undefined && isLongBack && member.step > 0) member.step -= 1;
    }
  }

  #compare(kind: Result['kind'], interval: number, policy: OutlierPolicy): void {
    const rated = this.members
      .filter(({ out }) => out === undefined)
      .map((member) => {
        const own = member.results.filter((one) => one.kind === kind && one.interval === interval);
        const good = own.filter((one) => one.good).length;
        return { member, volume: own.length, rate: (100 * good) / own.length };
      });
    const busy = rated.filter(({ volume }) => volume >= policy.successRateRequestVolume);
    if (busy.length >= policy.successRateMinimumHosts) {
      const mean = busy.reduce((sum, { rate }) => sum + rate / busy.length, 0);
      const spread = busy.reduce((sum, { rate }) => sum + (rate - mean) ** 2 / busy.length, 0);
      const least = mean - (policy.successRateStdevFactor / 1000) * Math.sqrt(spread);
      for (const { member, rate } of busy) {
        if (least - rate > 1e-9) {
          this.#detected(member, kind === 'local' ? 'local_origin_success_rate' : 'success_rate');
        }
      }
    }
    const measured = rated.filter(({ volume }) => volume >= policy.failurePercentageRequestVolume);
    if (measured.length < policy.failurePercentageMinimumHosts) return;
    for (const { member, rate } of measured) {
      if (100 - rate < policy.failurePercentageThreshold) continue;
      const type = kind === 'local' ? 'local_origin_failure_percentage' : 'failure_percentage';
      this.#detected(member, type);
    }
  }

  #detected(member: Member, type: Type): void {
    const policy = this.#policy as OutlierPolicy;
    this.#count(`detected_${type}`);
    if (member.out !== undefined) return;
    const out = this.members.filter((one) => one.out !== undefined).length;
    const share = (100 * (out + 1)) / this.members.length;
    if (share > policy.maxEjectionPercent && !(policy.alwaysEjectOne && out === 0)) {
      this.#count('overflow');
      return;
    }
    if (type === 'consecutive_5xx' || type === 'success_rate') this.#count('total');
    const percent = enforcing(policy)[type];
    if (percent === 0 || (percent < 100 && this.random() * 100 >= percent)) return;
    this.#count(`enforced_${type}`);
    const longest = policy.maxEjectionTimeJitter;
    const jitter = longest === 0 ? 0 : Math.floor(this.random() * (longest + 1));
    const { baseEjectionTime: base, maxEjectionTime: most } = policy;
    member.ejections += 1;
    if (member.step * base < most + base) member.step += 1;
    member.out = { since: this.now, jitter };
    const time = this.#duration(member.step, jitter, policy);
    this.log.push(`${member.url} out at ${this.now}: ${type}, ${time} ms, ${member.ejections}`);
  }

  #back(member: Member, why: string): void {
    const since = member.out?.since ?? 0;
    member.out = undefined;
    member.rows = { errors: 0, gateway: 0, local: 0 };
    member.backSince = this.now;
    this.log.push(`${member.url} back at ${this.now}: ${why} after ${this.now - since} ms`);
  }

  #duration(step: number, jitter: number, policy: OutlierPolicy): number {
    return Math.min(step * policy.baseEjectionTime, policy.maxEjectionTime) + jitter;
  }

  #count(name: string): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + 1);
  }
}

function enforcing(policy: OutlierPolicy): Record<Type, number> {
  return {
    consecutive_5xx: policy.enforcingConsecutive5xx,
    consecutive_gateway_failure: policy.enforcingConsecutiveGatewayFailure,
    consecutive_local_origin_failure: policy.enforcingConsecutiveLocalOriginFailure,
    success_rate: policy.enforcingSuccessRate,
    local_origin_success_rate: policy.enforcingLocalOriginSuccessRate,
    failure_percentage: policy.enforcingFailurePercentage,
    local_origin_failure_percentage: policy.enforcingFailurePercentageLocalOrigin,
  };
}
