import { inspect } from 'node:util';

import { type SecretPlace, readSecret } from '../../src/lambda/parameters-and-secrets.js';
import { HttpAnswers } from './http-responses.js';

const SECRET: SecretPlace = { kind: 'secret', name: 'arc' };
const PARAMETER: SecretPlace = { kind: 'parameter', name: '/arc/json' };
const HIDDEN = 'IBEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7n8=';

let aws: HttpAnswers;

beforeEach(async () => {
  aws = new HttpAnswers();
  await aws.open();
});

afterEach(() => aws.close());

const read = (place: SecretPlace) => readSecret(place, { port: aws.port, token: 'session-token' });

async function failureOf(place: SecretPlace): Promise<Error> {
  const outcome = await read(place).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(Error);
  return outcome as Error;
}

it.each([
  ['arc', '/secretsmanager/get?secretId=arc'],
  [
    'arn:aws:secretsmanager:ap-northeast-1:012345678912:secret:arc/é&x-AbCdEf',
    '/secretsmanager/get?secretId=arn%3Aaws%3Asecretsmanager%3Aap-northeast-1%3A012345678912' +
      '%3Asecret%3Aarc%2F%C3%A9%26x-AbCdEf',
  ],
])('requests the secret %s with the session token', async (name, url) => {
  aws.give(200, '{"SecretString":"{}"}');
  await read({ kind: 'secret', name });
  const [asked] = aws.asked;
  expect(asked).toMatchObject({ method: 'GET', url });
  expect(asked?.headers['x-aws-parameters-secrets-token']).toBe('session-token');
});

it('requests the parameter decrypted', async () => {
  aws.give(200, '{"Parameter":{"Value":"{}"}}');
  await read(PARAMETER);
  expect(aws.asked[0]?.url).toBe(
    '/systemsmanager/parameters/get?name=%2Farc%2Fjson&withDecryption=true',
  );
});

it('reads the text of a secret, text in its bytes, and the value of a parameter', async () => {
  aws.give(200, JSON.stringify({ Name: 'arc', SecretString: '{"é":1}' }));
  await expect(read(SECRET)).resolves.toBe('{"é":1}');
  const bytes = Buffer.from('{"é":2}').toString('base64');
  aws.give(200, JSON.stringify({ SecretString: null, SecretBinary: bytes }));
  await expect(read(SECRET)).resolves.toBe('{"é":2}');
  aws.give(200, JSON.stringify({ Parameter: { Value: '[]', Version: 3 } }));
  await expect(read(PARAMETER)).resolves.toBe('[]');
});

it.each([
  ['no JSON', `<${HIDDEN}>`],
  ['null', 'null'],
  ['a text', `"${HIDDEN}"`],
  ['another member', JSON.stringify({ Value: HIDDEN })],
  ['a field of another type', JSON.stringify({ SecretString: [HIDDEN], Parameter: { Value: 1 } })],
])('rejects an invalid answer, and does not show it: %s', async (_, body) => {
  aws.give(200, body);
  for (const place of [SECRET, PARAMETER]) {
    const failure = await failureOf(place);
    expect(failure).toMatchObject({
      name: 'UserError',
      why: `the ${place.kind} does not contain text`,
    });
    expect(inspect(failure)).not.toContain(HIDDEN);
  }
});

describe('a retryable failure', () => {
  it('is a refusal: reported with its message, and the required permission', async () => {
    aws.give(400, 'not ready to serve traffic, please wait\n');
    await expect(read(SECRET)).rejects.toMatchObject({
      name: 'NotYetError',
      kind: 'configuration',
      message: 'cannot read secret arc: status 400: not ready to serve traffic, please wait',
      next: [expect.stringContaining('secretsmanager:GetSecretValue')],
    });
    await expect(read(PARAMETER)).rejects.toMatchObject({
      what: 'cannot read parameter /arc/json',
      next: [expect.stringContaining('ssm:GetParameter')],
    });
  });

  it('shows the beginning of a long refusal', async () => {
    aws.give(500, 'x'.repeat(10_000));
    expect((await failureOf(SECRET)).message.length).toBeLessThan(400);
  });

  it('is an AWS extension that does not listen, which reports the missing layer', async () => {
    const { port } = aws;
    await aws.close();
    await expect(readSecret(SECRET, { port, token: '' })).rejects.toMatchObject({
      name: 'NotYetError',
      why: `no program is listening on port ${port} in this environment`,
      next: [expect.stringContaining('AWS-Parameters-and-Secrets-Lambda-Extension')],
    });
  });

  it('is an incomplete answer', async () => {
    aws.answer = (response) => {
      response.writeHead(200, { 'Content-Length': 1000 }).write(HIDDEN, () => response.destroy());
    };
    expect(await failureOf(SECRET)).toMatchObject({ name: 'NotYetError' });
  });

  it('is a missing answer', async () => {
    aws.answer = () => undefined;
    await expect(
      readSecret(SECRET, { port: aws.port, token: '', timeout: 20 }),
    ).rejects.toMatchObject({ name: 'NotYetError', why: 'no response within 20 ms' });
  });

  it('is an answer that does not end in time', async () => {
    aws.answer = (response) => void response.writeHead(200).write(HIDDEN);
    const failed = readSecret(SECRET, { port: aws.port, token: '', timeout: 50 });
    await expect(failed).rejects.toMatchObject({
      name: 'NotYetError',
      why: 'no response within 50 ms',
    });
  });
});

it('rejects an answer without an end', async () => {
  aws.answer = (response) => {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  };
  expect(await failureOf(SECRET)).toMatchObject({
    why: 'the response is longer than 262144 bytes',
  });
});
