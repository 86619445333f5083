/** How an experiment is told: to a person, or to a machine. */
import type { Check } from './checks.js';
import type { Experiment, Findings } from './experiment.js';
import { drawHistogram } from './histogram.js';
import { drawTable } from './table.js';

/** Columns of the longest line of running text: about what the tables take. */
const WIDTH = 86;

export interface Paint {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

/** Colours of the terminal, or none of them. */
export function paintWith(colours: boolean): Paint {
  const style = (on: number, off: number) => (text: string) =>
    colours ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return { strong: style(1, 22), faint: style(2, 22), good: style(32, 39), bad: style(31, 39) };
}

/** What is said before it runs. */
export function introduce({ name, title, chapter, code }: Experiment, paint: Paint): string {
  return [
    paint.strong(`${name}: ${title}`),
    '',
    'In the chapter:',
    ...indented(chapter).map(paint.faint),
    '',
    'Here:',
    ...indented(code).map(paint.faint),
    '',
    '',
  ].join('\n');
}

/** What is said when it has run. */
export function tell({ tables, histograms, words, checks }: Findings, paint: Paint): string {
  const lines: string[] = [''];
  for (const table of tables) lines.push(...drawTable(table), ...table.notes.flatMap(wrapped), '');
  for (const histogram of histograms) lines.push(...drawHistogram(histogram), '');
  lines.push(...wrapped(words), '');
  lines.push(...checks.map((check) => tellCheck(check, paint)), '', '');
  return lines.join('\n');
}

function tellCheck({ name, expected, seen, passed }: Check, paint: Paint): string {
  return passed
    ? `${paint.good('✓')} ${name}: ${seen} (${expected})`
    : `${paint.bad('✗')} ${name}: expected ${expected}, seen ${seen}`;
}

/** The last line. */
export function conclude(checks: readonly Check[], paint: Paint): string {
  const failed = checks.filter(({ passed }) => !passed).length;
  const many = checks.length === 1 ? 'The check' : `All ${checks.length} checks`;
  return failed === 0
    ? `${paint.good(`${many} passed.`)}\n`
    : `${paint.bad(`${failed} of ${checks.length} checks failed.`)}\n`;
}

/** Lines of a width that is good to read. */
export function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function indented(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`));
}
