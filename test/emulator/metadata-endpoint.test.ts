import { metadataEndpoint } from '../../src/emulator/metadata.js';
import { Groups } from '../../src/emulator/groups.js';
import { FakeWallClock, ip, readAll, seededEntropy, streamPair, twoSims } from './fakes.js';

async function ask(from: string, target: string): Promise<{ answer: string; simIds: string[] }> {
  const { sims, simIds } = twoSims();
  const groups = new Groups(seededEntropy(), new FakeWallClock());
  const [client, server] = streamPair();
  metadataEndpoint({ sims, groups }).handleConnection(server, { address: ip(from), port: 4 });
  client.write(`GET ${target} HTTP/1.1\r\nHost: metadata.soracom.io\r\nConnection: close\r\n\r\n`);
  return { answer: await readAll(client), simIds };
}

it('returns each SIM’s own data, by its address', async () => {
  for (const [index, from] of ['10.0.0.2', '10.0.0.3'].entries()) {
    const { answer, simIds } = await ask(from, '/v1/subscriber.simId');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.split('\r\n\r\n')[1]).toBe(simIds[index]);
  }
});

it('ignores a query, and answers 404 for unknown paths', async () => {
  const { answer, simIds } = await ask('10.0.0.2', '/v1/subscriber?x=/v1/userdata');
  expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ simId: simIds[0] });
  expect((await ask('10.0.0.2', '/v1/none')).answer).toMatch(/^HTTP\/1\.1 404 /);
});
