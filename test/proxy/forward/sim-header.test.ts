/** A forwarder whose requests choose a SIM. */
import { inFastTime } from '../support/fast-time.js';
import { failing, Cleanup, Forwarding } from '../support/forwarding.js';
import { twoSims, type TwoSims } from '../support/two-sims.js';
import { rawClient, type Wire } from '../support/wire.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
let sims: TwoSims;
let client: Wire;
afterEach(() => cleanup.run());

async function open(host = '127.0.0.1'): Promise<void> {
  forwarding = new Forwarding(cleanup);
  sims = await twoSims(forwarding);
  const options = { choice: sims, listen: { host, port: 0 } };
  const forwarder = await forwarding.start(failing('closed'), options);
  client = rawClient(forwarder.url.replace('0.0.0.0', '127.0.0.1'));
  cleanup.add(() => void client.socket.destroy());
}

const get = (field: string) => `GET /path HTTP/1.1\r\nHost: localhost\r\n${field}Other: 1\r\n\r\n`;

it('sends each request of a connection through the tunnel of its SIM, without the field', async () => {
  await open();
  client.send(get('X-Arctun-Sim: a\r\n'));
  await client.until('ok');
  client.send(get('x-arctun-sim: b\r\n'));
  await client.until(/ok.*ok$/s);
  client.send(get('X-ARCTUN-SIM: a\r\n'));
  await client.until(/ok.*ok.*ok$/s);
  const request = 'GET /path HTTP/1.1\r\nHost: 100.127.69.42\r\nOther: 1\r\n';
  const received = ({ wires }: TwoSims['servers']['a']) => wires.map((wire) => wire.received);
  expect(received(sims.servers.a).join('').split('\r\n\r\n')).toHaveLength(3);
  expect(received(sims.servers.b).join('').split('\r\n\r\n')).toHaveLength(2);
  for (const text of [...received(sims.servers.a), ...received(sims.servers.b)]) {
    expect(text.startsWith(request)).toBe(true);
    expect(text.toLowerCase()).not.toContain('arctun');
  }
});

it.each([
  ['no field', '', 400, 'sim-required'],
  ['two fields', 'X-Arctun-Sim: a\r\nX-Arctun-Sim: b\r\n', 400, 'sim-required'],
  ['an unknown name', 'X-Arctun-Sim: c\r\n', 404, 'unknown-sim'],
  ['an empty name', 'X-Arctun-Sim: \r\n', 404, 'unknown-sim'],
])('refuses a request with %s, and lists the names', async (_name, field, status, reason) => {
  await open();
  client.send(get(field));
  const answer = await inFastTime(() => client.until('}}'));
  expect(answer).toContain(`HTTP/1.1 ${status} `);
  expect(answer).toContain(`"reason":"${reason}"`);
  expect(answer).toContain('the names are a, b');
  expect([...sims.servers.a.wires, ...sims.servers.b.wires]).toEqual([]);
});

it.each(['', 'X-Arctun-Sim: c\r\n'])(
  'does not list the names to other machines: %j',
  async (field) => {
    await open('0.0.0.0');
    client.send(get(field));
    const answer = await inFastTime(() => client.until('}}'));
    expect(answer).not.toContain('the names are');
  },
);

it('forwards the field unchanged if there is one tunnel', async () => {
  const seen = await new Forwarding(cleanup).seenByTarget(get('X-Arctun-Sim: a\r\n'));
  expect(seen).toContain('X-Arctun-Sim: a\r\n');
});
