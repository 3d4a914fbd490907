/** Base URLs of services, and which of them may be sent a key. */
import { UserError } from '../lib/errors/user-error.js';

/**
 * A base URL without its trailing slashes. Keys and tokens go there, so plain http is for this machine
 * alone.
 * @throws UserError of kind `usage`
 */
export function parseEndpointUrl(text: string): string {
  const endpoint = parsePlainEndpointUrl(text);
  if (endpoint.toLowerCase().startsWith('https:') || isLoopbackUrl(endpoint)) return endpoint;
  throw new UserError('usage', {
    what: 'cannot use the API endpoint',
    why: `it is plain http to ${new URL(endpoint).hostname}, and keys would travel in clear text`,
    next: ['Use an https URL. Plain http is for addresses of this machine, such as 127.0.0.1.'],
  });
}

/**
 * As `parseEndpointUrl`, for a service that is sent no key and speaks plain http.
 * @throws UserError of kind `usage`
 */
export function parsePlainEndpointUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === undefined || !isHttp || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new UserError('usage', {
      what: 'cannot use the API endpoint',
      why: 'it is no http or https URL without user, query and fragment',
      next: ['Give a base URL such as https://api.soracom.io.'],
    });
  }
  return text.trim().replace(/\/+$/, '');
}

/**
 * Whether it leads to this machine: no network sees what is sent there, and no proxy should. Of the names of
 * localhost only the one that each system has in its own list: others can be asked of a name server.
 */
export function isLoopbackUrl(url: string): boolean {
  // URL writes every form of an IPv4 address, such as 127.1 or 0x7f000001, with four decimals.
  const host = new URL(url).hostname.replace(/\.$/, '');
  return /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/i.test(host);
}

/** Whether it is SORACOM's own, by https. */
export function isSoracomUrl(url: string): boolean {
  const { protocol, hostname, port } = new URL(url);
  return protocol === 'https:' && port === '' && /(?:^|\.)soracom\.io$/.test(hostname);
}
