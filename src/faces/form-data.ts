/**
 * Encodes a `FormData` as the platform's fetch does, but once for all attempts: its files are referred to, not read,
 * so that the blob can be sent any number of times, with the same boundary and length.
 */

/** @throws TypeError for a value that is neither text nor a `Blob`, which only another library's form can hold */
export function encodeFormData(form: FormData, boundary = newBoundary()): Blob {
  const parts: (string | Blob)[] = [];
  for (const [name, value] of form) {
    const opening = `--${boundary}\r\nContent-Disposition: form-data; name="${escape(unified(name))}"`;
    if (typeof value === 'string') {
      parts.push(`${opening}\r\n\r\n${unified(value)}\r\n`);
    } else if (value instanceof Blob) {
      const { name: file = '' } = value as Partial<File>;
      const filename = file === '' ? '' : `; filename="${escape(file)}"`;
      const type = value.type === '' ? 'application/octet-stream' : value.type;
      parts.push(`${opening}${filename}\r\nContent-Type: ${type}\r\n\r\n`, value, '\r\n');
    } else {
      throw new TypeError(`a form is made of text and Blobs, found something else as "${name}"`);
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return new Blob(parts, { type: `multipart/form-data; boundary=${boundary}` });
}

/** Of the platform's own choice. A `Blob` writes its type in small letters. */
export function newBoundary(): string {
  const type = new Response(new FormData()).headers.get('content-type') ?? '';
  return type.slice(type.indexOf('=') + 1).toLowerCase();
}

/** Line ends as forms have them. */
function unified(text: string): string {
  return text.replace(/\r?\n|\r/g, '\r\n');
}

function escape(name: string): string {
  return name.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
}
