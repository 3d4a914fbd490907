/** A function that sends its event to SORACOM: by way of arctun's layer, which listens on port 8080. */
export async function handler(event) {
  const response = await fetch('http://localhost:8080/', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(event),
  });
  const body = await response.text();
  // Thrown, so that whoever invokes the function hears of it, and may repeat it.
  if (!response.ok) throw new Error(`${response.status}: ${body}`);
  return { statusCode: response.status, body };
}
