/** The platform's own encoding is the oracle. */
import fc from 'fast-check';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import type * as Undici from 'undici';
import { encodeFormData, newBoundary } from '../../src/faces/form-data.js';

const words = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\r', '\n', '\r\n', '"', '%', '\\', ';', 'ü', '✓', '\ud800'),
    fc.string({ minLength: 1, maxLength: 1 }),
  ),
  maxLength: 8,
});
const part = fc.oneof(
  fc.record({ name: words, text: words }),
  fc.record({ name: words, text: words, type: fc.constantFrom('', 'text/plain', 'A/B;c=d') }),
  fc.record({ name: words, text: words, file: words, type: fc.constantFrom('', 'image/png') }),
);
interface Part {
  name: string;
  text: string;
  type?: string;
  file?: string;
}

function formOf(parts: readonly Part[]): FormData {
  const form = new FormData();
  for (const { name, text, type, file } of parts) {
    if (type === undefined) form.append(name, text);
    else if (file === undefined) form.append(name, new Blob([text], { type }));
    else form.append(name, new File([text], file, { type }));
  }
  return form;
}

async function latin1(body: Blob | Response): Promise<string> {
  return Buffer.from(await body.arrayBuffer()).toString('latin1');
}

test('a form is encoded as the platform encodes it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
      const form = formOf(parts);
      const platform = new Response(form);
      const type = platform.headers.get('content-type') ?? '';
      const blob = encodeFormData(form, type.split('boundary=')[1]);
      expect(blob.type).toBe(type);
      // Before 20.20 the platform left the last line open.
      expect(await latin1(blob)).toBe((await latin1(platform)).replace(/--(\r\n)?$/, '--\r\n'));
    }),
  );
});

test('each form has a boundary of its own, the same each time it is read', async () => {
  const form = formOf([{ name: 'a', text: 'b' }]);
  const [one, other] = [encodeFormData(form), encodeFormData(form)];
  expect(one.type).not.toBe(other.type);
  expect(one.type).toMatch(/^multipart\/form-data; boundary=-*[a-z0-9-]{20,60}$/);
  expect(await one.text()).toBe(await one.text());
  expect(newBoundary()).not.toBe(newBoundary());
});

test('a form of undici’s own is one, too', async () => {
  globalThis.Response;
  const undici = createRequire(import.meta.url)('undici') as typeof Undici;
  const form = new undici.FormData();
  form.append('a', 'b');
  form.append('file', new File(['c'], 'd'));
  expect(await encodeFormData(form as unknown as FormData, 'x').text()).toBe(
    await encodeFormData(
      formOf([
        { name: 'a', text: 'b' },
        { name: 'file', text: 'c', type: '', file: 'd' },
      ]),
      'x',
    ).text(),
  );
});

test('what is no part of a form is refused by its name', () => {
  const form = new Map([['odd', 7]]) as unknown as FormData;
  expect(() => encodeFormData(form)).toThrow('found something else as "odd"');
});
