/**
 * The public surface, written down: every exported name with its declaration, taken from the built
 * declarations. `npm run api` compares it with api/*.api.md, `npm run api -- --write` updates those files.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = new URL('../', import.meta.url);
const path = (relative) => fileURLToPath(new URL(relative, root));
const dist = path('dist/').replaceAll('\\', '/');
const entries = [
  { name: 'outrigger', declarations: path('dist/index.d.ts'), file: 'api/outrigger.api.md' },
  {
    name: 'outrigger/testing',
    declarations: path('dist/testing.d.ts'),
    file: 'api/testing.api.md',
  },
];

const printer = ts.createPrinter({ removeComments: true });

/** The declaration without its private members. */
function publicPart(node) {
  if (!ts.isClassDeclaration(node)) return node;
  const members = node.members.filter((member) => {
    const hidden = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private;
    return !hidden && !(member.name && ts.isPrivateIdentifier(member.name));
  });
  const { modifiers, name, typeParameters, heritageClauses } = node;
  return ts.factory.updateClassDeclaration(
    node,
    modifiers,
    name,
    typeParameters,
    heritageClauses,
    members,
  );
}

/** The statement that declares the symbol, when it stands in dist/. */
function statementsOf(symbol) {
  return (symbol.declarations ?? [])
    .filter((node) => node.getSourceFile().fileName.startsWith(dist))
    .map((node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node))
    .filter((node) => ts.isSourceFile(node.parent));
}

/** Name → declared text, in two groups: what is exported, and what those declarations lean on. */
function surfaceOf(program, declarations) {
  const checker = program.getTypeChecker();
  const behind = (symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const entry = program.getSourceFile(declarations);
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(entry));
  const seen = new Set(exported.map(behind));
  const reached = [];

  const textOf = (symbol, name) => {
    const statements = statementsOf(symbol);
    if (statements.length === 0) return `export { ${name} } // declared in a dependency`;
    return statements
      .map((statement) => {
        const part = publicPart(statement);
        const visit = (node) => {
          const used = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
          const target = used && behind(used);
          if (target && !seen.has(target) && statementsOf(target).length > 0) {
            seen.add(target);
            reached.push(target);
          }
          ts.forEachChild(node, visit);
        };
        ts.forEachChild(part, visit);
        return printer.printNode(ts.EmitHint.Unspecified, part, statement.getSourceFile());
      })
      .join('\n');
  };

  const surface = new Map();
  for (const symbol of exported) surface.set(symbol.name, textOf(behind(symbol), symbol.name));
  const inner = new Map();
  for (const symbol of reached) inner.set(`${symbol.name} (not exported)`, textOf(symbol));
  const sorted = (map) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map([...sorted(surface), ...sorted(inner)]);
}

const heading = (name) => `# Public surface of \`${name}\`

Generated from the built declarations by \`npm run api -- --write\`; do not edit.
`;

function write(name, surface) {
  const parts = [...surface].map(([key, text]) => `\n## ${key}\n\n\`\`\`ts\n${text}\n\`\`\`\n`);
  return heading(name) + parts.join('');
}

function read(text) {
  const parts = text.replaceAll('\r\n', '\n').matchAll(/^## (.+)\n\n```ts\n([^]*?)\n```$/gm);
  return new Map([...parts].map(([, key, declared]) => [key, declared]));
}

/** What differs, a heading for each name and the lines that went and came. */
function differences(before, after) {
  const lines = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(key)?.split('\n') ?? [];
    const now = after.get(key)?.split('\n') ?? [];
    if (old.join('\n') === now.join('\n')) continue;
    lines.push(`  ${key}${old.length ? (now.length ? '' : ': is gone') : ': is new'}`);
    let top = 0;
    while (top < old.length && old[top] === now[top]) top++;
    let end = 0;
    while (end < Math.min(old.length, now.length) - top && old.at(-1 - end) === now.at(-1 - end))
      end++;
    lines.push(...old.slice(top, old.length - end).map((line) => `    - ${line}`));
    lines.push(...now.slice(top, now.length - end).map((line) => `    + ${line}`));
  }
  return lines;
}

const missing = entries.filter(({ declarations }) => !existsSync(declarations));
if (missing.length > 0) {
  console.error(`${missing[0].declarations} is missing: run \`npm run build\` first.`);
  process.exit(1);
}

const program = ts.createProgram(
  entries.map(({ declarations }) => declarations),
  { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, types: ['node'], noEmit: true },
);
let drift = false;
for (const { name, declarations, file } of entries) {
  const surface = surfaceOf(program, declarations);
  const written = existsSync(path(file)) ? read(readFileSync(path(file), 'utf8')) : new Map();
  const lines = differences(written, surface);
  if (process.argv.includes('--write')) {
    mkdirSync(path('api'), { recursive: true });
    writeFileSync(path(file), write(name, surface));
    console.log(`${file}: ${surface.size} declarations written.`);
  } else if (lines.length > 0) {
    drift = true;
    console.error(`The public surface of ${name} is not what ${file} says:\n${lines.join('\n')}`);
  } else console.log(`${file}: ${surface.size} declarations, as written down.`);
}
if (drift) {
  console.error('If the change is meant, run `npm run api -- --write` and say it in CHANGELOG.md.');
  process.exit(1);
}
