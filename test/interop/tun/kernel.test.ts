/** `up --mode kernel` in a machine with Debian's kernel, against wireguard-go. */
import { readFileSync } from 'node:fs';

import { bootArctunMachine } from '../../support/kernel-peer/arctun-machine.js';
import type { KernelMachine } from '../../support/kernel-peer/machine.js';
import { describeWith, TUN_MODE } from '../../support/runner/requirements.js';
import { WireGuardGoServer } from '../../support/foreign/wireguard-go-server.js';

const NEEDS = [...TUN_MODE, 'qemu-system-x86_64', 'kernel-peer'] as const;

describeWith(NEEDS, "a tunnel with the kernel's WireGuard", () => {
  let server: WireGuardGoServer;
  let machine: KernelMachine;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
    machine = await bootArctunMachine(server);
  }, 300_000);
  afterAll(() => server.close());

  it('works', async () => {
    const arc = Buffer.from(readFileSync(server.configPath)).toString('base64');
    console.log(await machine.run(`echo ${arc} | base64 -d > /tmp/arc.json; chmod 600 /tmp/arc.json; cat /tmp/arc.json; arctun version; (arctun up --mode kernel --json --config /tmp/arc.json --log-level debug > /tmp/up.log 2>&1 &) ; sleep 20; cat /tmp/up.log; wg; ip address; ip route; ip rule; ping -c 3 ${server.inside.service}; arctun status; killall node; sleep 3; cat /tmp/up.log; ip link`, 200_000).catch((e) => e));
  }, 300_000);
});
