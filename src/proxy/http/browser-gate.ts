/** The browser check for servers that answer by themselves, instead of passing requests on. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  type BrowserPolicy,
  type BrowserRefusal,
  browserVerdict,
  corsFields,
  preflightFields,
} from './browser-check.js';

/**
 * Checks a request. Answers it itself if it is a preflight, and else lets the pages that are allowed read the answer.
 *
 * @returns undefined for a request that may go on
 */
export function checkBrowser(
  request: IncomingMessage,
  response: ServerResponse,
  policy: BrowserPolicy,
): BrowserRefusal | 'answered' | undefined {
  const verdict = browserVerdict(request, policy);
  if (verdict.kind === 'refused') return verdict;
  const { corsOrigin } = verdict;
  if (verdict.kind === 'preflight') {
    response.writeHead(204, preflightFields(request, verdict.corsOrigin)).end();
    return 'answered';
  }
  if (corsOrigin !== undefined) {
    for (const [name, value] of corsFields(corsOrigin)) response.setHeader(name, value);
  }
  return undefined;
}
