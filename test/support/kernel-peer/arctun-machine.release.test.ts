/** The counters on the link of the machine, which kernel mode uses. */
import { setTimeout as pause } from 'node:timers/promises';

import { WireGuardGoServer, SERVER_OUTSIDE, SERVICE } from '../foreign/wireguard-go-server.js';
import { describeWith } from '../runner/requirements.js';
import { until } from '../until.js';
import { bootMachine } from './arctun-machine.js';

const NEEDS = ['root', 'linux', 'ip', 'wg', 'nft', 'ethtool', 'qemu-system-x86_64'] as const;
const MINUTES = 60_000;

describeWith([...NEEDS, 'kernel-peer'], 'the link of the machine', () => {
  let server: WireGuardGoServer | undefined;
  function closed(): Promise<void> {
    const closing = server!.close();
    server = undefined;
    return closing;
  }
  // Only a failed test has not closed its server.
  afterEach(async () => {
    server?.allowStrays();
    await server?.close();
  });

  it(
    'fails a test after a query to a name server, or a connection to an inner address',
    async () => {
      server = new WireGuardGoServer();
      const machine = await bootMachine(server);
      const wire = server.wire!;
      await machine.run(`ping -c 1 -W 60 ${SERVER_OUTSIDE} || true`, 4 * MINUTES);
      const ping = `${SERVER_OUTSIDE} icmp`;
      expect(wire.report()).toMatchObject({ wireguard: 0, examples: [ping] });
      await machine.run(
        `(nslookup uni.soracom.io ${SERVER_OUTSIDE}; true) >/dev/null 2>&1 &
        (wget -O - http://${SERVICE}/; true) >/dev/null 2>&1 & true`,
        4 * MINUTES,
      );
      const leaks = [`${SERVICE} tcp 80`, ping, `${SERVER_OUTSIDE} udp 53`];
      await until(() => leaks.every((leak) => wire.report().examples.includes(leak)), {
        limit: 4 * MINUTES,
        turn: () => pause(200),
      });
      await expect(closed()).rejects.toThrow(leaks.join('; '));
    },
    12 * MINUTES,
  );
});
