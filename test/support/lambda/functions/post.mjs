/** Sends a POST to localhost, by default to port 8080; MESSAGE_PORT sets another port. */
import { request } from 'node:http';

export function post(message) {
  const port = Number(process.env.MESSAGE_PORT ?? 8080);
  return new Promise((resolve, reject) => {
    const sent = request({ host: 'localhost', port, path: '/', method: 'POST' }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (body += part));
      response.on('end', () => resolve({ statusCode: response.statusCode, body }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(message));
  });
}
