import { withHosts } from '../../../src/app/probe/fixed-hosts.js';
import type { EchoChannel } from '../../../src/proxy/echo-dialer.js';

const HOSTS = new Map([['camera.test', ['10.1.0.7', 'fd00::7']]]);

/** The hosts that the dialer was asked for. */
async function opened(host: string, family?: 4 | 6): Promise<readonly string[]> {
  const asked: string[] = [];
  const dialer = {
    open: (name: string) => {
      asked.push(name);
      return Promise.resolve({} as EchoChannel);
    },
  };
  await withHosts(dialer, HOSTS).open(host, { family });
  return asked;
}

it.each([
  ['camera.test', undefined, '10.1.0.7'],
  ['Camera.Test.', undefined, '10.1.0.7'],
  ['camera.test', 4, '10.1.0.7'],
  ['camera.test', 6, 'fd00::7'],
  ['other.test', 6, 'other.test'],
] as const)('pings %s with the family %s at %s', async (host, family, address) => {
  expect(await opened(host, family)).toEqual([address]);
});

it('fails if the name does not have an address of the family', async () => {
  const hosts = new Map([['camera.test', ['10.1.0.7']]]);
  const dialer = { open: () => Promise.reject(new Error('not used')) };
  await expect(withHosts(dialer, hosts).open('camera.test', { family: 6 })).rejects.toMatchObject({
    ...{ reason: 'no-such-name', message: 'camera.test does not have an IPv6 address' },
  });
});
