/**
 * Reads secrets and parameters from the AWS Parameters and Secrets Lambda Extension, which listens
 * on a local port and answers only during invocations.
 */
import { codeOf } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { parseJson } from '../lib/text/parse-json.js';
import { localRequest, type LocalResponse } from './local-request.js';
import { NotYetError } from './not-yet-error.js';

export interface ParametersAndSecretsOptions {
  /** PARAMETERS_SECRETS_EXTENSION_HTTP_PORT; 2773 by default. */
  readonly port: number;
  /** AWS_SESSION_TOKEN, which proves that the request comes from this environment. */
  readonly token: string;
  /** Milliseconds for the whole response, which may involve a network call to AWS. */
  readonly timeout?: number;
}

export interface SecretPlace {
  readonly kind: 'secret' | 'parameter';
  readonly name: string;
}

const TIMEOUT = 5_000;
/** Maximum response size in bytes; Secrets Manager allows 64 KiB. */
const MAX_ANSWER = 256 * 1024;

/**
 * Reads a secret or a parameter. Error messages never contain the value.
 *
 * @throws NotYetError if AWS's extension does not return the value
 * @throws UserError if the response does not contain a string
 */
export async function readSecret(
  place: SecretPlace,
  options: ParametersAndSecretsOptions,
): Promise<string> {
  const { status, body } = await ask(place, options);
  if (status !== 200) throw notGiven(place, `status ${status}: ${body.trim().slice(0, 300)}`);
  const text = textOf(place, body);
  if (text === undefined) {
    throw new UserError('configuration', {
      what: cannotRead(place),
      why: `the ${place.kind} does not contain text`,
    });
  }
  return text;
}

async function ask(
  place: SecretPlace,
  { port, token, timeout = TIMEOUT }: ParametersAndSecretsOptions,
): Promise<LocalResponse> {
  const name = encodeURIComponent(place.name);
  const path =
    place.kind === 'secret'
      ? `/secretsmanager/get?secretId=${name}`
      : `/systemsmanager/parameters/get?name=${name}&withDecryption=true`;
  const headers = { 'X-Aws-Parameters-Secrets-Token': token };
  const call = { method: 'GET', headers, timeout, limit: MAX_ANSWER };
  try {
    return await localRequest(new URL(path, `http://127.0.0.1:${port}`), call);
  } catch (error) {
    throw unreachable(place, port, error as Error);
  }
}

function textOf({ kind }: SecretPlace, body: string): string | undefined {
  const answer = parseJson(body);
  if (typeof answer !== 'object' || answer === null) return undefined;
  if (kind === 'parameter') {
    const { Parameter: parameter } = answer as { Parameter?: { Value?: unknown } };
    return typeof parameter?.Value === 'string' ? parameter.Value : undefined;
  }
  const { SecretString: text, SecretBinary: bytes } = answer as Record<string, unknown>;
  if (typeof text === 'string') return text;
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64').toString('utf8') : undefined;
}

function cannotRead({ kind, name }: SecretPlace): string {
  return `cannot read ${kind} ${name}`;
}

function notGiven(place: SecretPlace, why: string, cause?: Error): NotYetError {
  const action = place.kind === 'secret' ? 'secretsmanager:GetSecretValue' : 'ssm:GetParameter';
  const next = [
    `Grant ${action} on this ${place.kind} to the function's role. If the ${place.kind} is encrypted with a customer managed key, also grant kms:Decrypt.`,
  ];
  return new NotYetError('configuration', { what: cannotRead(place), why, next, cause });
}

function unreachable(place: SecretPlace, port: number, error: Error): NotYetError {
  if (codeOf(error) !== 'ECONNREFUSED') return notGiven(place, error.message, error);
  return new NotYetError('configuration', {
    what: cannotRead(place),
    why: `no program is listening on port ${port} in this environment`,
    next: ['Add the layer AWS-Parameters-and-Secrets-Lambda-Extension to the function.'],
    cause: error,
  });
}
