/**
 * Compares the Lambda emulator with AWS's: it returns each recorded response, in the same order.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeWith, LAMBDA_SANDBOX } from '../../runner/requirements.js';
import { readVectors } from '../../vectors.js';
import { nodeFunction } from './runtimes.js';
import { LambdaSandbox } from '../sandbox.js';

interface Exchange {
  readonly label: string;
  readonly request: string;
  readonly response: string;
}

interface Answer {
  readonly status: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const { exchanges: recordings } = readVectors('lambda-extensions-api.json') as {
  exchanges: Exchange[];
};
/** The sandbox has no Telemetry API. */
const exchanges = recordings.filter(({ label }) => label !== 'telemetry-put');
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

describeWith(
  [...LAMBDA_SANDBOX, 'bash', 'curl'],
  'the recorded exchanges of the Extensions API',
  () => {
    let folder: string;
    let sandbox: LambdaSandbox;
    /** Maps the emulator's identifiers to recorded ones. */
    const identifiers = new Map<string, string>();

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'recorded-'));
      const file = join(folder, 'rec');
      // The test makes all calls; the process only exists because a sandbox requires one.
      writeFileSync(file, '#!/bin/sh\nexec sleep 600\n');
      chmodSync(file, 0o755);
      sandbox = await LambdaSandbox.start({
        ...nodeFunction('echo'),
        extensions: [{ name: 'rec', file }],
        handler: '',
        // With the recording's empty handler, no function could be loaded.
        runtime: { command: 'bash', args: ['-c', RUNTIME] },
        timeoutMs: 30_000,
        initLimitMs: 60_000,
      });
    });

    afterAll(async () => {
      await sandbox.close();
      rmSync(folder, { recursive: true, force: true });
    });

    // The exchanges form one conversation: each depends on the earlier ones.
    it.each(exchanges)('$label', async ({ label, request, response }) => {
      const recorded = parse(response);
      const ours = [...identifiers].reduce(
        (text, [theirs, own]) => text.replaceAll(theirs, own),
        request,
      );
      const answering = exchange(sandbox.address, ours);
      if (label === 'next-invoke') {
        await sandbox.seen('init done');
        void sandbox.invoke({}, { traceId: '' });
      } else if (label === 'next-shutdown') {
        await sandbox.seen('invoke done');
        void sandbox.shutdown('SandboxTerminated');
      }
      const answer = parse(await answering);
      if (label === 'register-ok') {
        const header = 'lambda-extension-identifier';
        identifiers.set(recorded.headers[header]!, answer.headers[header]!);
      }
      expect(neutral(answer)).toEqual(neutral(recorded));
    });
  },
);

describeWith(LAMBDA_SANDBOX, 'a connection that its client keeps', () => {
  it('is kept open without a Connection header, as by AWS’s server', async () => {
    const sandbox = await LambdaSandbox.start(nodeFunction('echo'));
    try {
      const response = await fetch(`http://${sandbox.address}/2020-01-01/extension/nope`);
      expect(response.headers.get('connection')).toBeNull();
      expect(response.headers.get('keep-alive')).toBeNull();
    } finally {
      await sandbox.close();
    }
  });
});

/** A runtime that answers every event with an empty object. */
const RUNTIME = `
  api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
  while id=$(curl -sS -D - -o /dev/null "$api/next" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: *\\([^[:space:]]*\\).*/\\1/Ip'); do
    curl -sS -o /dev/null -d '{}' "$api/$id/response"
  done
`;

function exchange(address: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const [host, port] = address.split(':') as [string, string];
    const socket = connect(Number(port), host, () => socket.write(request));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (text) => (answer += String(text)));
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}

function parse(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  const [status = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
  });
  return { status, headers: Object.fromEntries(headers), body: text.slice(end + 4) };
}

/** Replaces values that differ from run to run: dates, identifiers and times. */
function neutral({ status, headers, body }: Answer): Answer {
  const same = (text: string): string =>
    text
      .replace(UUID, (id) => (id === UNKNOWN ? id : 'IDENTIFIER'))
      .replace(/"deadlineMs":\d{13}\b/, '"deadlineMs":MOMENT');
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        name === 'date' ? 'DATE' : same(value),
      ]),
    ),
    body: same(body),
  };
}
