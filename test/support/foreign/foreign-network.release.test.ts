/** The counters on the link of the local side, without the peers. */
import { describeWith } from '../runner/requirements.js';
import { Processes } from '../processes.js';
import { until } from '../until.js';
import { ForeignNetwork, outsideAddress } from './foreign-network.js';
import { leak } from './leaks.js';

const PORT = 51_820;
const INNER = '100.127.69.42';

describeWith(['root', 'linux', 'ip', 'nft', 'ethtool'], 'the link of the local side', () => {
  const processes = new Processes();
  afterAll(() => processes.close());

  it('carries WireGuard to each address of a peer, and reports nothing else', async () => {
    const network = new ForeignNetwork();
    network.wire.addPort(PORT);
    const peers = [outsideAddress('go'), outsideAddress('kernel', 4, 3), outsideAddress('go', 6)];
    for (const address of peers) {
      await leak(processes, network.in('ours'), { wireguard: `${address} ${PORT}` });
    }
    await until(() => network.wire.report().wireguard === peers.length);
    expect(() => network.close()).not.toThrow();
  });

  it.each([
    ['a query to a name server', { udp: `${outsideAddress('go')} 53` }, /: 192\.0\.2\.2 udp 53$/],
    ['a connection to an inner address', { tcp: `${INNER} 80` }, /: 100\.127\.69\.42 tcp 80$/],
    ['WireGuard to another port', { wireguard: `${outsideAddress('go')} 9` }, /192\.0\.2\.2 udp 9/],
  ])('fails a test after %s', async (_name, packet, message) => {
    const network = new ForeignNetwork();
    network.wire.addPort(PORT);
    await leak(processes, network.in('ours'), packet);
    await until(() => network.wire.report().strays > 0);
    expect(() => network.close()).toThrow(message);
  });
});
