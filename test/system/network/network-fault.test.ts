import { execFileSync } from 'node:child_process';

import { networkFault } from '../../../src/system/network/network-fault.js';
import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

it('counts neither a local stub nor a name as a server on a network', async () => {
  await expect(networkFault(['127.0.0.53', 'dns.example'])).resolves.toEqual(
    await networkFault([]),
  );
});

describeWith(['root', 'unshare', 'ip'], 'in a network namespace', () => {
  const script = `
    const { networkFault } = await import('${REPOSITORY}dist/src/system/network/network-fault.js');
    const fault = await networkFault(['127.0.0.53', '10.9.9.9']);
    console.log(JSON.stringify(fault && { code: fault.code, message: fault.message }) ?? 'none');`;
  const program = [process.execPath, '--input-type=module', '-e', script];

  function run(...setUp: string[]): string {
    const commands = [...setUp, '"$@"'].join(' && ');
    const parameters = ['-n', 'sh', '-c', commands, 'sh', ...program];
    return execFileSync('unshare', parameters, { encoding: 'utf8' }).trim();
  }

  it('reports no network without a route', () => {
    expect(JSON.parse(run('ip link set lo up'))).toEqual({
      code: 'ENETUNREACH',
      message: 'this machine has no route to the network (connect ENETUNREACH 10.9.9.9:53)',
    });
  });

  it.each(['10.9.9.9', 'default'])('reports a network with a route to %s', (destination) => {
    const veth = 'ip link add name near type veth peer name far';
    const up = ['ip link set near up', 'ip link set far up', 'ip addr add 10.1.0.1/24 dev near'];
    expect(run(veth, ...up, `ip route add ${destination} via 10.1.0.2`)).toBe('none');
  });
});
