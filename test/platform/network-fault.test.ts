import { execFileSync } from 'node:child_process';

import { networkFault } from '../../src/platform/network-fault.js';
import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/requirements.js';

it('finds none with a route to a name server, and asks no name', async () => {
  // Loopback addresses are no network, so another of this machine's stands for the server.
  await expect(networkFault(['127.0.0.53', 'dns.example'])).resolves.toEqual(
    await networkFault([]),
  );
});

describeWith(['root', 'unshare', 'ip'], 'in a network namespace', () => {
  const script = `
    const { networkFault } = await import('${REPOSITORY}dist/src/platform/network-fault.js');
    const fault = await networkFault(['127.0.0.53', '10.9.9.9']);
    console.log(JSON.stringify(fault && { code: fault.code, message: fault.message }) ?? 'none');`;
  const program = [process.execPath, '--input-type=module', '-e', script];

  function run(...setUp: string[]): string {
    const commands = [...setUp, '"$@"'].join(' && ');
    const parameters = ['-n', 'sh', '-c', commands, 'sh', ...program];
    return execFileSync('unshare', parameters, { encoding: 'utf8' }).trim();
  }

  it('without a route, there is no network', () => {
    expect(JSON.parse(run('ip link set lo up'))).toEqual({
      code: 'ENETUNREACH',
      message: 'this machine has no route to any network (connect ENETUNREACH 10.9.9.9:53)',
    });
  });

  it.each(['10.9.9.9', 'default'])('with a route to %s, there is one', (destination) => {
    const veth = 'ip link add name a type veth peer name b';
    const up = ['ip link set a up', 'ip link set b up', 'ip addr add 10.1.0.1/24 dev a'];
    expect(run(veth, ...up, `ip route add ${destination} via 10.1.0.2`)).toBe('none');
  });
});
