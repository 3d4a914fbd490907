/** Applies the browser check in servers that respond themselves instead of forwarding requests. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  type BrowserPolicy,
  type BrowserRefusal,
  browserVerdict,
  corsFields,
  preflightFields,
} from './browser-check.js';

/**
 * Checks a request. Answers a preflight. For other requests, lets the allowed pages read the
 * response.
 *
 * @returns undefined if the request may proceed
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
