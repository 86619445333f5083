/** A handler of the pages router, with the fetch of the process. */
export default async function handler({ query }, response) {
  const answer = await fetch(`${process.env.BACKEND_URL}/orders/${query.id}`);
  if (answer.ok) response.json(await answer.json());
  else response.status(502).json({ error: `the backend said ${answer.status}` });
}
