import { listenError } from '../../src/proxy/listen-error.js';

const LISTEN = { host: '::1', port: 80 };

it.each([
  ['EADDRINUSE', 'failed', 'this port is in use'],
  ['EACCES', 'permission', 'this port needs a privilege'],
  ['EADDRNOTAVAIL', 'failed', 'as the system says'],
])('says why a port cannot be had: %s', (code, kind, why) => {
  const cause = Object.assign(new Error('as the system says'), { code });
  const error = listenError(LISTEN, '--forward-listen', cause);
  expect(error).toMatchObject({ kind, what: 'cannot listen on [::1]:80', why, cause });
  expect(error.next).toHaveLength(1);
});
