/** Where `client.fetch` differs from the platform's on purpose. docs/fetch.md lists the same, and a test holds it to that. */
export const deliberate = {
  'error-class':
    'network failures are `ConnectionError`s, below `TypeError`, with the same `name` and `message`, and with `code`, `service`, `attempts`',
  'head-keeps-connection':
    'the connection of a HEAD is kept; the platform asks for it to be closed',
} as const;

export type Deliberate = keyof typeof deliberate;
