/**
 * The configuration through AWS's Parameters and Secrets extension, played by a server in this
 * file: it answers during an invocation, and not before.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { LambdaSandbox } from '../../support/lambda/main.js';
import { answerOf, LambdaLab, type LabOptions, logged } from '../../support/foreign/lambda-lab.js';
import { describeWith, LAMBDA_SANDBOX } from '../../support/runner/requirements.js';

const lab = new LambdaLab();
/** The address that the emulator gives to its environments. */
const TOKEN = 'emulated-session-token';
let extension: Server;
/** The number of requests that must still arrive too early; 0 some time after the first invocation begins. */
let tooEarly: number;
let isAllowed: boolean;
let questions: string[];

function answer({ url = '', headers }: IncomingMessage): { status: number; body: string } {
  questions.push(url);
  if (tooEarly > 0) {
    tooEarly -= 1;
    return { status: 400, body: 'not ready to serve traffic, please wait' };
  }
  if (headers['x-aws-parameters-secrets-token'] !== TOKEN) return { status: 401, body: 'no token' };
  if (!isAllowed) return { status: 400, body: 'an unexpected error: AccessDeniedException' };
  const text = readFileSync(lab.arcJson, 'utf8');
  const found = url.startsWith('/secretsmanager/')
    ? { SecretString: text }
    : { Parameter: { Value: `[${text}]` } };
  return { status: 200, body: JSON.stringify(found) };
}

afterAll(async () => {
  extension.close();
  await lab.close();
});
beforeAll(async () => {
  await lab.start();
  extension = createServer((request, response) => {
    const { status, body } = answer(request);
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => extension.listen(0, '127.0.0.1', resolve));
}, 120_000);
beforeEach(() => {
  tooEarly = Infinity;
  isAllowed = true;
  questions = [];
});
afterEach(() => lab.closeSandboxes());

function start(
  place: Record<string, string>,
  settings = {},
  options: LabOptions = {},
): Promise<LambdaSandbox> {
  const { port } = extension.address() as AddressInfo;
  return lab.sandbox({
    ...options,
    settings: { ARCTUN_CONFIG: '', ...place, ...settings },
    env: { PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: String(port) },
  });
}

describeWith(LAMBDA_SANDBOX, 'a configuration that can only be read in an invocation', () => {
  it.each([
    ['secret', { ARCTUN_CONFIG_SECRET: 'arc/one' }, '/secretsmanager/get?secretId=arc%2Fone'],
    [
      'parameter',
      { ARCTUN_CONFIG_PARAMETER: '/arc/one' },
      '/systemsmanager/parameters/get?name=%2Farc%2Fone&withDecryption=true',
    ],
  ])('is read in the first one: a %s', async (kind, place, url) => {
    // The longest time it takes: a slow machine needs some time for two refusals.
    const sandbox = await start(place, { ARCTUN_LAMBDA_WAIT: '9' });
    expect(await sandbox.initialized()).toMatchObject({ status: 'success' });
    // The init does not wait for the secret.
    expect(questions).toEqual([url]);
    expect(logged(sandbox, /^no tunnel/)).toEqual([]);
    // Both extensions receive the invocation at the same time, so arctun may ask before the other
    // is ready.
    tooEarly = 2;
    const { response, error } = await sandbox.invoke({ kind });
    expect(error).toBeUndefined();
    expect(answerOf(response).statusCode).toBe(201);
    expect(await lab.messages()).toContainEqual({ kind });
    const asked = questions.length;
    expect(asked).toBe(4);
    await sandbox.invoke({ kind: 'again' });
    expect(questions).toHaveLength(asked);
    expect(sandbox.output('arctun')).not.toContain(TOKEN);
  });

  it('is requested until it can be read, if no event announces an invocation', async () => {
    const managed = { initializationType: 'lambda-managed-instances' } as const;
    const place = { ARCTUN_CONFIG_SECRET: 'arc' };
    const sandbox = await start(place, { ARCTUN_LAMBDA_WAIT: '0.5' }, managed);
    expect(await sandbox.initialized()).toMatchObject({ status: 'success' });
    await sandbox.said('arctun', /"msg":"cannot read secret arc/);
    tooEarly = 1;
    await sandbox.said('arctun', /"msg":"handshake complete"/);
    const { response } = await sandbox.invoke({ managed: 'secret' });
    expect(answerOf(response).statusCode).toBe(201);
  });

  it('that the role may not read is reported to the function', async () => {
    isAllowed = false;
    tooEarly = 0;
    const sandbox = await start({ ARCTUN_CONFIG_SECRET: 'arc' }, { ARCTUN_LAMBDA_WAIT: '0.5' });
    await sandbox.initialized();
    // The request's wait and the extension's last attempt end at the same time: either may give the
    // reason.
    const { response, error } = await sandbox.invoke({});
    expect(error).toBeUndefined();
    const { statusCode, body } = answerOf(response);
    expect(statusCode).toBe(503);
    expect(body).toContain('AccessDeniedException');
    await sandbox.said('arctun', /"msg":"cannot read secret arc/);
    const [line] = logged(sandbox, /cannot read secret arc/);
    expect(JSON.stringify(line)).toContain('secretsmanager:GetSecretValue');
  });
});
