/**
 * A runtime for Node.js functions: it loads _HANDLER and serves invocations one after the other.
 */
import { request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const PREFIX = '/2018-06-01/runtime';

let handler;
try {
  handler = await loadHandler(process.env._HANDLER);
} catch (error) {
  await call('POST', '/init/error', describe(error));
  process.exit(1);
}
// Managed instances run several invocations concurrently.
const managed = process.env.AWS_LAMBDA_INITIALIZATION_TYPE === 'lambda-managed-instances';
const loops = managed ? Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY) : 1;
await Promise.all(Array.from({ length: loops }, serve));

async function serve() {
  for (;;) {
    const { headers, body } = await call('GET', '/invocation/next');
    const id = headers['lambda-runtime-aws-request-id'];
    try {
      const context = {
        awsRequestId: id,
        deadlineMs: Number(headers['lambda-runtime-deadline-ms']),
      };
      const result = await handler(JSON.parse(body), context);
      await call('POST', `/invocation/${id}/response`, JSON.stringify(result ?? null));
    } catch (error) {
      await call('POST', `/invocation/${id}/error`, describe(error));
    }
  }
}

/** @param name file.export */
async function loadHandler(name) {
  const [file, member] = name.split('.');
  const path = join(process.env.LAMBDA_TASK_ROOT, `${file}.mjs`);
  return (await import(pathToFileURL(path).href))[member];
}

function describe(error) {
  return JSON.stringify({
    errorType: error?.name ?? 'Error',
    errorMessage: String(error?.message),
  });
}

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, method, path: `${PREFIX}${path}` }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.on('end', () => resolve({ headers: response.headers, body: text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
