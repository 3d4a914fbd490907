/**
 * The request target for the upstream request line (RFC 9112 3.2): the client's, byte for byte.
 * Nothing is decoded, resolved or cleaned, as `//x`, `%2F` and `/a/../b` mean what the target takes
 * them to mean.
 *
 * An absolute form is what a client sends that takes the forwarder for its HTTP proxy. It is brought
 * to the form for an origin server, with its path and query as they are.
 */
export function originTarget(target: string, method: string): string {
  const match = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*(.*)$/.exec(target);
  if (match === null) return target;
  const rest = match[1] ?? '';
  // RFC 9112 3.2.4: OPTIONS for a host as a whole.
  if (rest === '') return method === 'OPTIONS' ? '*' : '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
