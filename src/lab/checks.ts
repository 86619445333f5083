/** What an experiment must show: each check knows what was expected and what was seen. */

export interface Check {
  /** What is looked at: `round-robin p75`. */
  readonly name: string;
  /** `above 0.99 s` */
  readonly expected: string;
  /** `1.002 s` */
  readonly seen: string;
  readonly passed: boolean;
}

/** A number with its unit, as a check prints it. */
export interface Quantity {
  readonly value: number;
  readonly unit: 's' | 'ms' | 'qps' | '%' | 'times';
}

const digits = { s: 3, ms: 1, qps: 1, '%': 1, times: 2 } as const;

export function above(name: string, seen: Quantity, limit: number): Check {
  return check(name, seen, `above ${limit}`, seen.value > limit);
}

export function below(name: string, seen: Quantity, limit: number): Check {
  return check(name, seen, `below ${limit}`, seen.value < limit);
}

export function atLeast(name: string, seen: Quantity, limit: number): Check {
  return check(name, seen, `at least ${limit}`, seen.value >= limit);
}

export function atMost(name: string, seen: Quantity, limit: number): Check {
  return check(name, seen, `at most ${limit}`, seen.value <= limit);
}

/** Both ends are allowed. */
export function within(name: string, seen: Quantity, low: number, high: number): Check {
  return check(name, seen, `${low} to ${high}`, seen.value >= low && seen.value <= high);
}

/** Something that must not happen. */
export function none(name: string, seen: number): Check {
  return { name, expected: 'none', seen: String(seen), passed: seen === 0 };
}

/** Something that must happen at all. */
export function some(name: string, seen: number): Check {
  return { name, expected: 'some', seen: String(seen), passed: seen > 0 };
}

/** A count that must be this and no other. */
export function exactly(name: string, seen: number, wanted: number): Check {
  return { name, expected: String(wanted), seen: String(seen), passed: seen === wanted };
}

function check(name: string, { value, unit }: Quantity, expected: string, passed: boolean): Check {
  return {
    name,
    expected: `${expected} ${unit}`,
    seen: `${value.toFixed(digits[unit])} ${unit}`,
    passed,
  };
}
