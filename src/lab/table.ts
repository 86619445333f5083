/** A table of the terminal. */
import CliTable from 'cli-table3';
import type { Table } from './experiment.js';

/** Lines without an end of line and without colours. */
export function drawTable({ head, rows, labels }: Table): string[] {
  const table = new CliTable({
    head: [...head],
    colAligns: head.map((_, column) => (column < labels ? 'left' : 'right')),
    style: { head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  const lines = table.toString().split('\n');
  // A rule after each row would double its height; the one below the head is kept.
  return lines.filter((line, i) => !line.startsWith('├') || i === 2);
}
