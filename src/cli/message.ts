/** The message that `send` sends: its flags and where its bytes come from. */
import { Flags } from '@oclif/core';

import { UserError } from '../lib/user-error.js';
import { parseHeaderFlag } from '../proxy/forward/header-flag.js';
import type { HttpMessage } from '../proxy/http-exchange.js';
import type { Context } from './context.js';

export const messageFlags = {
  file: Flags.string({ char: 'f', description: 'Send the content of this file.' }),
  method: Flags.string({ char: 'X', description: 'HTTP method.', default: 'POST' }),
  path: Flags.string({ description: 'Path and query.', default: '/' }),
  'content-type': Flags.string({
    description: 'Media type of the message.',
    default: 'application/json',
  }),
  header: Flags.string({
    char: 'H',
    description: 'A header to add, as "Name: value". May be given more than once.',
    multiple: true,
    multipleNonGreedy: true,
    default: [],
  }),
};

interface MessageChoice {
  readonly file: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly 'content-type': string;
  readonly header: readonly string[];
}

/**
 * @throws UserError `usage` when there is no message, or more than one
 */
export async function readMessage(
  argument: string | undefined,
  choice: MessageChoice,
  context: Context,
): Promise<HttpMessage> {
  if (argument !== undefined && choice.file !== undefined) {
    throw new UserError('usage', {
      what: 'cannot choose the message',
      why: 'both an argument and --file were given',
    });
  }
  const headers = choice.header.map(parseHeaderFlag);
  if (!headers.some(([name]) => name.toLowerCase() === 'content-type')) {
    headers.push(parseHeaderFlag(`Content-Type: ${choice['content-type']}`));
  }
  requireMethodAndPath(choice);
  const body = await readBody(argument, choice.file, context);
  return { method: choice.method, path: choice.path, headers, body };
}

/** RFC 9110 5.6.2 for the method; a request target in origin-form, RFC 9112 3.2.1. */
function requireMethodAndPath({ method, path }: MessageChoice): void {
  const isMethod = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method);
  if (isMethod && /^\/[!-~]*$/.test(path)) return;
  throw new UserError('usage', {
    what: 'cannot make a request',
    why: isMethod
      ? '--path must begin with "/" and hold visible ASCII only'
      : '--method is no HTTP method',
    next: isMethod ? ['Write it like /path?query, other characters as %XX.'] : ['Use POST or PUT.'],
  });
}

async function readBody(
  argument: string | undefined,
  file: string | undefined,
  context: Context,
): Promise<Uint8Array> {
  if (argument !== undefined) return new TextEncoder().encode(argument);
  if (file !== undefined && file !== '-') return context.readFile(file);
  if (file === undefined && context.stdinIsTerminal()) {
    throw new UserError('usage', {
      what: 'there is no message',
      why: 'neither an argument nor --file was given, and standard input is a terminal',
      next: [`For example: arctun send '{"temperature": 21.5}'`],
    });
  }
  return context.readStdin();
}
