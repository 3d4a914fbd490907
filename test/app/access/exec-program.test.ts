import { environmentFor } from '../../../src/app/access/exec-program.js';

it('sets the proxy variables in both spellings', () => {
  const http = 'http://127.0.0.1:1080';
  const socks = 'socks5h://127.0.0.1:1080';
  const local = 'localhost,127.0.0.1,::1';
  expect(environmentFor('127.0.0.1:1080', undefined)).toEqual({
    ...{ http_proxy: http, HTTP_PROXY: http, https_proxy: http, HTTPS_PROXY: http },
    ...{ all_proxy: socks, ALL_PROXY: socks, no_proxy: local, NO_PROXY: local },
    NODE_USE_ENV_PROXY: '1',
    ARCTUN_PROXY_URL: http,
  });
});

it('names the forwarder, if one is open', () => {
  expect(environmentFor('127.0.0.1:1', 'http://127.0.0.1:8888')).toMatchObject({
    ARCTUN_FORWARD_URL: 'http://127.0.0.1:8888',
  });
});

it.each([
  ['0.0.0.0:1080', '127.0.0.1:1080'],
  ['[::]:1080', '[::1]:1080'],
  ['192.0.2.1:1080', '192.0.2.1:1080'],
])('reaches a proxy on %s at %s', (listen, address) => {
  expect(environmentFor(listen, undefined).http_proxy).toBe(`http://${address}`);
});
