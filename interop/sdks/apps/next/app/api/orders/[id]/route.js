/** A route handler of the app router, whose fetch Next has made its own. */
export async function GET(_request, { params }) {
  const { id } = await params;
  return passOn(await fetch(`${process.env.BACKEND_URL}/orders/${id}`, { cache: 'no-store' }));
}

export async function PUT(request, { params }) {
  const { id } = await params;
  const asked = new Request(`${process.env.BACKEND_URL}/orders/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await request.json()),
  });
  return passOn(await fetch(asked));
}

async function passOn(answer) {
  if (answer.ok) return Response.json(await answer.json());
  return Response.json({ error: `the backend said ${answer.status}` }, { status: 502 });
}
