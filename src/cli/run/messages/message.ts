/** The message that `send` sends: its flags and the source of its bytes. */
import type { Message } from '../../../app/send-message.js';
import { isToken } from '../../../lib/text/http-syntax.js';
import { cannotUse, UserError } from '../../../lib/errors/user-error.js';
import { parseHeaderFlag } from '../../../proxy/forward/header-flag.js';
import type { HttpMessage } from '../../../proxy/http-exchange.js';
import * as Flags from '../../flags/flag.js';
import type { SystemContext } from '../../system-context.js';

export const messageFlags = {
  via: Flags.choice({
    description: 'Protocol for the message. TCP and UDP use port 23080.',
    options: ['http', 'tcp', 'udp'] as const,
    default: 'http',
  })(),
  file: Flags.text({
    char: 'f',
    description: 'Send the contents of this file.',
    helpValue: 'FILE',
  }),
  method: Flags.text({
    char: 'X',
    description: 'HTTP method; POST by default.',
    helpValue: 'METHOD',
  }),
  path: Flags.text({
    description: 'Path and query of the HTTP request; / by default.',
    helpValue: 'PATH',
  }),
  'content-type': Flags.text({
    description: 'HTTP content type; application/json by default.',
    helpValue: 'TYPE',
  }),
  header: Flags.list({
    char: 'H',
    description: 'HTTP header to add, as "Name: value". Repeatable.',
    helpValue: 'HEADER',
  }),
  timeout: Flags.integer({
    description:
      'Seconds to wait for the response; by default, 30 over HTTP and 5 over TCP or UDP.',
    helpValue: 'SECONDS',
    min: 1,
    max: 3600,
  }),
};

type MessageChoice = Omit<Flags.FlagValues<typeof messageFlags>, 'timeout'>;

/** The ports of the Unified Endpoint. */
export const ENTRY_PORTS: Readonly<Record<Message['via'], number>> = {
  http: 80,
  tcp: 23_080,
  udp: 23_080,
};

/** Default timeouts in seconds. */
const DEFAULT_TIMEOUTS: Readonly<Record<Message['via'], number>> = { http: 30, tcp: 5, udp: 5 };

/** Returns the milliseconds to wait for a response. */
export function answerTimeout(via: Message['via'], seconds: number | undefined): number {
  return (seconds ?? DEFAULT_TIMEOUTS[via]) * 1000;
}

/**
 * Reads the message. An empty message needs `--method`, because it usually comes from an unset
 * variable or a failed command.
 *
 * @throws UserError `usage` if the message is missing, ambiguous, or not supported by `via`
 */
export async function readMessage(
  argument: string | undefined,
  choice: MessageChoice,
  context: SystemContext,
): Promise<Message> {
  if (argument !== undefined && choice.file !== undefined) {
    throw new UserError('usage', {
      what: 'cannot choose the message',
      why: 'both an argument and --file were given',
      next: ['Remove one of them.'],
    });
  }
  const { via } = choice;
  if (via !== 'http') refuseHttpFlags(choice);
  const head = requestHead(choice);
  const body = await readBody(argument, choice.file, context);
  if (body.length === 0 && choice.method === undefined) throw noMessage('the message is empty');
  return via === 'http' ? { via, request: { ...head, body } } : { via, payload: body };
}

function requestHead(choice: MessageChoice): Omit<HttpMessage, 'body'> {
  const { method = 'POST', path = '/' } = choice;
  const headers = (choice.header ?? []).map(parseHeaderFlag);
  if (!headers.some(([name]) => name.toLowerCase() === 'content-type')) {
    const type = choice['content-type'] ?? 'application/json';
    headers.push(parseHeaderFlag(`Content-Type: ${type}`));
  }
  requireMethodAndPath(method, path);
  return { method, path, headers };
}

/** Validates the method (RFC 9110 5.6.2) and the request target in origin-form (RFC 9112 3.2.1). */
function requireMethodAndPath(method: string, path: string): void {
  const isMethod = isToken(method);
  if (isMethod && /^\/[!-~]*$/.test(path)) return;
  throw new UserError('usage', {
    what: 'cannot create the request',
    why: isMethod
      ? '--path must begin with "/" and contain only visible ASCII characters'
      : '--method must be an HTTP method',
    next: isMethod
      ? ['Use the form /path?query, and encode other characters as %XX.']
      : ['Use a method such as POST or PUT.'],
  });
}

/** Refuses HTTP flags for TCP and UDP instead of silently ignoring them. */
function refuseHttpFlags(choice: MessageChoice): void {
  const given = (['method', 'path', 'content-type', 'header'] as const).filter(
    (name) => choice[name] !== undefined,
  );
  if (given.length === 0) return;
  throw cannotUse(
    `${given.map((name) => `--${name}`).join(', ')} with --via ${choice.via}`,
    'over TCP and UDP, arctun sends only the bytes of the message',
    'Remove the HTTP flags, or send over HTTP.',
  );
}

async function readBody(
  argument: string | undefined,
  file: string | undefined,
  context: SystemContext,
): Promise<Uint8Array> {
  if (argument !== undefined) {
    refuseFileName(argument);
    return new TextEncoder().encode(argument);
  }
  if (file !== undefined && file !== '-') return context.readFile(file);
  if (file === undefined && context.stdinIsTerminal()) {
    throw noMessage('no argument or --file was given, and standard input is a terminal');
  }
  return context.readStdin();
}

/** Refuses `@FILE` and `-`, which curl and other programs would replace with a file's contents. */
function refuseFileName(argument: string): void {
  if (argument !== '-' && !argument.startsWith('@')) return;
  throw new UserError('usage', {
    what: `cannot send ${argument}`,
    why: 'arctun does not replace this argument with the contents of a file',
    next: [
      'Pass a file with --file FILE, or standard input with --file -.',
      `To send this text itself, pipe it: printf %s '@text' | arctun send`,
    ],
  });
}

function noMessage(why: string): UserError {
  return new UserError('usage', {
    what: 'no message to send',
    why,
    next: [
      `Pass the message, for example: arctun send '{"temperature": 21.5}'`,
      'To send an HTTP request with an empty body, add --method.',
    ],
  });
}
