/** Writes the last run into docs/: the picture, and the figures between the markers of bench.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { picture } from './picture.mjs';
import { report, table } from './report.mjs';
import { rows } from './rows.mjs';

const docs = new URL('../docs/', import.meta.url);

/**
 * @param {string} text
 * @param {string} name
 * @param {string} content
 */
function replaceBetween(text, name, content) {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`docs/bench.md lacks the markers of '${name}'`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** @param {import('./report.mjs').Results} results */
export function writeDocs(results) {
  const page = new URL('bench.md', docs);
  const composition = table(
    ['row', 'client', 'made of'],
    rows.map(({ id, title, composes }) => [`\`${id}\``, title, composes]),
    true,
  );
  const { clients } = results.setting;
  const versions = Object.entries(clients).map(([name, version]) => `${name} ${version}`);
  let text = readFileSync(page, 'utf8');
  text = replaceBetween(
    text,
    'rows',
    `${composition}\n\nVersions of the last run: ${versions.join(', ')}.`,
  );
  text = replaceBetween(text, 'figures', report(results));
  writeFileSync(page, text);
  writeFileSync(new URL('bench.svg', docs), picture(results));
}
