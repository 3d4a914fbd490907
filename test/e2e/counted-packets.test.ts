/** The packets of each file in this folder are counted, without a call by the file. */
import { leak } from '../support/foreign/leaks.js';
import { PRIVATE_NETWORK } from '../support/foreign/private-network.js';
import { Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const processes = new Processes();
afterAll(() => processes.close());

describeWith(PRIVATE_NETWORK, 'a file in this folder', () => {
  it('runs in a private network', async () => {
    const { stdout } = await processes.run(['ip', '-json', 'link']);
    const links = JSON.parse(stdout) as { readonly ifname: string }[];
    expect(links.map(({ ifname }) => ifname).sort()).toEqual(['lo', 'nowhere', 'outside']);
  });

  it('fails if a program has sent a query to a name server', async () => {
    const leave = globalThis.afterFile.pop()!;
    await leak(processes, [], { udp: '198.51.100.53 53' });
    expect(leave).toThrow('198.51.100.53 udp 53');
    // The refusal of lookups, which needs no network.
    expect(globalThis.afterFile).toHaveLength(1);
  });
});
