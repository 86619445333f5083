/** What outlier detection remembers of one endpoint. */

/** Results of one kind: of the interval that runs, and of the last one that was whole. */
export class ResultCounts {
  total = 0;
  good = 0;
  lastTotal = 0;
  lastGood = 0;

  endInterval(): void {
    this.lastTotal = this.total;
    this.lastGood = this.good;
    this.total = 0;
    this.good = 0;
  }
}

export class OutlierRecord {
  /** Errors in a row. */
  consecutive5xx = 0;
  consecutiveGateway = 0;
  consecutiveLocal = 0;
  /** Answers; without the split also what happened on the way to them. */
  readonly external = new ResultCounts();
  /** With the split: what happened on the way. */
  readonly local = new ResultCounts();
  /** How many times the base time the next ejection lasts, less one; it falls with each interval that goes well. */
  multiplier = 0;
  /** Times by the runtime's clock. */
  ejectedAt = 0;
  returnedAt = 0;
  /** Of the current ejection, in milliseconds. */
  jitter = 0;
  /** How often it has been ejected. */
  ejections = 0;
  /** It has left the cluster: results that are still to come mean nothing. */
  left = false;

  clearRuns(): void {
    this.consecutive5xx = 0;
    this.consecutiveGateway = 0;
    this.consecutiveLocal = 0;
  }

  /** Everything but how often it has been ejected. */
  forget(): void {
    this.clearRuns();
    this.multiplier = 0;
    for (const counts of [this.external, this.local]) {
      counts.endInterval();
      counts.endInterval();
    }
  }
}
