/** A page whose data Next keeps for an hour. */
export const dynamic = 'force-dynamic';

export default async function Order({ params }) {
  const { id } = await params;
  const answer = await fetch(`${process.env.BACKEND_URL}/orders/${id}`, {
    next: { revalidate: 3600 },
  });
  if (!answer.ok) throw new Error(`the backend said ${answer.status}`);
  const { served } = await answer.json();
  return <p>{`served: ${served}`}</p>;
}
