/** Sends the function's event to SORACOM through arctun's layer, which listens on port 8080. */
export async function handler(event) {
  const response = await fetch('http://localhost:8080/', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(event),
  });
  const body = await response.text();
  // The error reaches the caller of the function, which may retry.
  if (!response.ok) throw new Error(`${response.status}: ${body}`);
  return { statusCode: response.status, body };
}
