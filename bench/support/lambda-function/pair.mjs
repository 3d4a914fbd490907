/**
 * The Lambda function of `bench lambda`. Posts to each port in its event in turn, and returns the
 * duration of each POST in ms, and the status.
 */
import { request } from 'node:http';

const BODY = JSON.stringify({ temperature: 21.5, humidity: 40, note: 'as a device sends it' });

export const handler = async ({ ports }) => {
  const answers = [];
  for (const port of ports) answers.push(await timedPost(port));
  return answers;
};

async function timedPost(port) {
  const startedAt = performance.now();
  const status = await post(port);
  return { took: performance.now() - startedAt, status };
}

/** Sends a POST like the function in SORACOM's article. */
function post(port) {
  return new Promise((resolve, reject) => {
    const options = {
      host: 'localhost',
      port,
      path: '/',
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(BODY) },
    };
    const sent = request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(BODY);
  });
}
