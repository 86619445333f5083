/** `locality.failoverPriority`: labels in their order, each alone or with a value. */
import type { LabelRule } from '../locality/labels.js';
import { quote } from './describe.js';
import type { Reader } from './place.js';
import { list, text } from './readers.js';

const readEntry = text(
  /^[^\s=]+(?:=[^\s=]*)?$/,
  "a label such as 'topology.kubernetes.io/zone', or one with its value such as 'version=v1'",
);

/** The label of an entry, which may have a value. */
export function labelIn(entry: string): string {
  return entry.replace(/=.*/, '');
}

const readRule: Reader<LabelRule> = (value, at) => {
  const entry = readEntry(value, at);
  if (entry === null) return null;
  return { label: labelIn(entry), value: entry.split('=')[1] };
};

const readRules = list(readRule, 'a list of labels');

export const readFailoverPriority: Reader<readonly LabelRule[]> = (value, at) => {
  const rules = readRules(value, at);
  const again = rules?.find(
    ({ label }, index) => rules.findIndex((one) => one.label === label) < index,
  );
  return again ? at.refuseFound(`${quote(again.label)} again`, 'each label once') : rules;
};
