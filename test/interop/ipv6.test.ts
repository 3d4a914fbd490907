/**
 * IPv6 inside the tunnel, and paths with a small MTU: the Linux kernel is host and router at the
 * far side.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describeWith } from '../support/runner/requirements.js';
import { INSIDE_IPV6, inSpace, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'curl', 'ethtool', 'ping'] as const;
const FORWARD_TO = ['--forward-to', `[${INSIDE_IPV6.service}]:80`] as const;
const BODY = 'arctun '.repeat(40_000);
const ANSWER = { length: BODY.length, sha256: createHash('sha256').update(BODY).digest('hex') };

async function post(server: WireGuardGoServer, url: string): Promise<unknown> {
  const upload = join(server.folder, 'upload');
  writeFileSync(upload, BODY);
  const data = ['-H', 'Expect:', '--data-binary', `@${upload}`];
  const { stdout, stderr } = await server.curl('-f', ...data, `${url}/`).finished;
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describeWith(PEERS, 'IPv6 with wireguard-go as the peer', () => {
  let server: WireGuardGoServer;

  beforeEach(async () => {
    server = new WireGuardGoServer(INSIDE_IPV6);
    await server.startWireGuard();
  });
  afterEach(() => server.close());

  /** `ping` from the server's kernel. */
  function ping(...parameters: readonly string[]) {
    const to = [...parameters, INSIDE_IPV6.client];
    return server.processes.run([...inSpace(server.serverSpace), 'ping', '-i', '0.1', ...to]);
  }

  it('carries HTTP, and answers the kernel’s pings, even fragmented ones', async () => {
    await server.startHttp();
    const { url } = await server.up(...FORWARD_TO);
    expect(await post(server, url)).toEqual(ANSWER);
    expect((await ping('-c', '5')).stdout).toContain('5 received');
    // The kernel fragments requests of this length, and reassembles our replies.
    expect((await ping('-c', '3', '-s', '5000')).stdout).toContain('3 received');
  }, 60_000);

  it('learns the MTU of the path from a router', async () => {
    server.moveServiceBehind(1300);
    await server.startHttp();
    const { url } = await server.up(...FORWARD_TO);
    expect(await post(server, url)).toEqual(ANSWER);
    expect(await server.tooBigSent()).toBeGreaterThan(0);
  }, 60_000);
});

describeWith(PEERS, 'IPv4 with wireguard-go as the peer', () => {
  it('learns the MTU of the path from a router', async () => {
    const server = new WireGuardGoServer();
    try {
      await server.startWireGuard();
      server.moveServiceBehind(1000);
      await server.startHttp();
      const { url } = await server.up();
      expect(await post(server, url)).toEqual(ANSWER);
      expect(await server.tooBigSent()).toBeGreaterThan(0);
    } finally {
      await server.close();
    }
  }, 60_000);
});
