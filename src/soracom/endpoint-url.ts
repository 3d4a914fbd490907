/** Parses base URLs of services, and decides which URLs may receive a key. */
import { UserError } from '../lib/errors/user-error.js';

/** A service whose base URL can be set. */
export interface Service {
  /** The service and its endpoint in errors. */
  readonly name: string;
  readonly endpoint: string;
  /** The base URL of SORACOM's own service. */
  readonly url: string;
  /** The settings that override the base URL, for advice. */
  readonly settings: string;
}

export const SORACOM_API: Service = {
  name: 'the SORACOM API',
  endpoint: 'the API endpoint',
  url: 'https://api.soracom.io',
  settings: 'ARCTUN_ENDPOINT, SORACOM_ENDPOINT or --endpoint',
};

export const KRYPTON: Service = {
  name: 'SORACOM Krypton',
  endpoint: 'the Krypton provisioning endpoint',
  url: 'https://krypton.soracom.io:8036',
  settings: '--endpoint or ARCTUN_KRYPTON_ENDPOINT',
};

export const METADATA: Service = {
  name: 'the metadata service',
  endpoint: 'the metadata endpoint',
  url: 'http://metadata.soracom.io',
  settings: '--metadata-endpoint',
};

/**
 * Parses a base URL and removes trailing slashes. Plain http is allowed only for this machine,
 * because keys and tokens are sent to the URL.
 * @throws UserError of kind `usage`
 */
export function parseEndpointUrl(text: string, service = SORACOM_API): string {
  const endpoint = parsePlainEndpointUrl(text, service);
  if (endpoint.toLowerCase().startsWith('https:') || isLoopbackUrl(endpoint)) return endpoint;
  throw new UserError('usage', {
    what: `cannot use ${service.endpoint}`,
    why: `plain http to ${new URL(endpoint).hostname} would send keys unencrypted`,
    next: ['Use an https URL. Plain http is allowed only for this machine, such as 127.0.0.1.'],
  });
}

/**
 * Works like `parseEndpointUrl`, but also allows plain http, for a service that does not receive a
 * key.
 * @throws UserError of kind `usage`
 */
export function parsePlainEndpointUrl(text: string, service: Service): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === undefined || !isHttp || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new UserError('usage', {
      what: `cannot use ${service.endpoint}`,
      why: 'the endpoint must be an http or https URL without user, query or fragment',
      next: [`Use a base URL such as ${service.url}.`],
    });
  }
  return text.trim().replace(/\/+$/, '');
}

/**
 * Whether a URL refers to this machine, so that requests do not cross a network or need a proxy.
 * The only name that counts is `localhost`, because other names may be resolved by a name server.
 */
export function isLoopbackUrl(url: string): boolean {
  // The URL class normalizes all forms of an IPv4 address, such as 127.1 or 0x7f000001, to dotted
  // decimal.
  const host = new URL(url).hostname.replace(/\.$/, '');
  return /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/i.test(host);
}

export function isSoracomUrl(url: string): boolean {
  const { protocol, hostname, port } = new URL(url);
  return protocol === 'https:' && port === '' && /(?:^|\.)soracom\.io$/.test(hostname);
}
