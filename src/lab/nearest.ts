/** The name that was probably meant. */

/** The name nearest to what was written, or undefined when none resembles it. */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  const wanted = written.toLowerCase();
  const part = wanted.length >= 3 ? names.find((name) => name.includes(wanted)) : undefined;
  if (part !== undefined) return part;
  let nearest: string | undefined;
  let least = Math.max(2, Math.floor(wanted.length * 0.4)) + 1;
  for (const name of names) {
    const edits = editDistance(wanted, name);
    if (edits < least) {
      nearest = name;
      least = edits;
    }
  }
  return nearest;
}

/** How many letters must be put in, taken out or replaced to turn one word into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, length) => length);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
