/**
 * The request target for the upstream request line (RFC 9112 3.2), with the same bytes as the
 * client's. Nothing is decoded, resolved or normalized, because only the target decides what `//x`,
 * `%2F` and `/a/../b` mean.
 *
 * A client that uses the forwarder as its HTTP proxy sends the absolute form. It is converted to
 * origin form with its path and query unchanged.
 */
export function originTarget(target: string, method: string): string {
  const match = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*(.*)$/.exec(target);
  if (match === null) return target;
  const rest = match[1] ?? '';
  // RFC 9112 3.2.4: OPTIONS for the whole server.
  if (rest === '') return method === 'OPTIONS' ? '*' : '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
