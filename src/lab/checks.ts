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
  readonly unit: 's' | 'qps' | '%';
}

const digits = { s: 3, qps: 1, '%': 1 } as const;

export function above(name: string, seen: Quantity, limit: number): Check {
  return check(name, seen, `above ${limit}`, seen.value > limit);
}

export function below(name: string, seen: Quantity, limit: number): Check {
  return check(name, seen, `below ${limit}`, seen.value < limit);
}

export function atLeast(name: string, seen: Quantity, limit: number): Check {
  return check(name, seen, `at least ${limit}`, seen.value >= limit);
}

/** Something that must not happen. */
export function none(name: string, seen: number): Check {
  return { name, expected: 'none', seen: String(seen), passed: seen === 0 };
}

function check(name: string, { value, unit }: Quantity, expected: string, passed: boolean): Check {
  return {
    name,
    expected: `${expected} ${unit}`,
    seen: `${value.toFixed(digits[unit])} ${unit}`,
    passed,
  };
}
